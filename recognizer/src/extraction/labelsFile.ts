import type { Polygon } from '../document.ts';
import { arrayAt, numberAt, recordAt, stringAt, wrong } from './jsonPath.ts';
import type { Label, LabelValue } from './types.ts';

/**
 * The labelling tool's `<document>.labels.json`, with or without `$schema`. `document` is empty where the file does not say it.
 *
 * @throws RecognizerError `invalidTrainingSet`, naming the place
 */
export function parseLabelsFile(json: unknown): { readonly document: string; readonly labels: Label[] } {
  const file = recordAt(json, 'labels.json');
  const document = file.document === undefined ? '' : stringAt(file.document, 'labels.json: document');
  const labels = arrayAt(file.labels ?? [], 'labels.json: labels').map((label, i) =>
    parseLabel(label, `labels.json: labels[${i}]`),
  );
  return { document, labels };
}

function parseLabel(value: unknown, at: string): Label {
  const label = recordAt(value, at);
  const name = stringAt(label.label, `${at}.label`);
  if (name === '') throw wrong(`${at}.label`, 'must not be empty');
  // The tool writes null for a label that was cleared.
  const values = arrayAt(label.value ?? [], `${at}.value`).map((part, i) => parseValue(part, `${at}.value[${i}]`));
  return { label: name, isRegion: label.labelType === 'region', values };
}

function parseValue(value: unknown, at: string): LabelValue {
  const part = recordAt(value, at);
  const page = numberAt(part.page, `${at}.page`);
  if (!Number.isInteger(page) || page < 1) throw wrong(`${at}.page`, 'must be a page number from 1');
  const boxes = arrayAt(part.boundingBoxes ?? [], `${at}.boundingBoxes`).map((box, i) =>
    polygonAt(box, `${at}.boundingBoxes[${i}]`),
  );
  return { page, text: part.text === undefined || part.text === null ? '' : stringAt(part.text, `${at}.text`), boxes };
}

/** Eight numbers; the labelling tool and old layout files also write four points as objects or two corners. */
export function polygonAt(value: unknown, at: string): Polygon {
  const parts = arrayAt(value, at);
  const numbers =
    typeof parts[0] === 'object'
      ? parts.flatMap((point, i) => {
          const { x, y } = recordAt(point, `${at}[${i}]`);
          return [numberAt(x, `${at}[${i}].x`), numberAt(y, `${at}[${i}].y`)];
        })
      : parts.map((n, i) => numberAt(n, `${at}[${i}]`));
  if (numbers.length === 4) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = numbers;
    return [x0, y0, x1, y0, x1, y1, x0, y1];
  }
  if (numbers.length < 8) throw wrong(at, 'must have eight numbers');
  return numbers.length === 8 ? (numbers as unknown as Polygon) : boundsOf(numbers);
}

function boundsOf(numbers: readonly number[]): Polygon {
  const xs = numbers.filter((_, i) => i % 2 === 0);
  const ys = numbers.filter((_, i) => i % 2 === 1);
  const [x0, y0, x1, y1] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  return [x0, y0, x1, y0, x1, y1, x0, y1];
}
