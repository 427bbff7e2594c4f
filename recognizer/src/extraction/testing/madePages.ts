import type { Line, Page, Polygon, SelectionMark } from '../../document.ts';
import type { FieldDefinition, FieldType, Label, Sample } from '../types.ts';

// Pages and labels for tests, made from text at places. Inches; every character 0.08 wide, lines 0.12 high.

export type PlacedText = readonly [x: number, y: number, text: string];

const characterWidth = 0.08;
const lineHeight = 0.12;

export function madePage(
  texts: readonly PlacedText[],
  more: {
    readonly number?: number;
    readonly marks?: readonly (readonly [x: number, y: number, isSelected: boolean])[];
  } = {},
): Page {
  return {
    number: more.number ?? 1,
    angle: 0,
    width: 8.5,
    height: 11,
    unit: 'inch',
    lines: texts.map(lineOf),
    selectionMarks: (more.marks ?? []).map(
      ([x, y, isSelected]): SelectionMark => ({
        state: isSelected ? 'selected' : 'unselected',
        polygon: boxAt(x, y, 0.15),
        confidence: 1,
      }),
    ),
    tables: [],
  };
}

function lineOf([x, y, text]: PlacedText): Line {
  const words = [...text.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    polygon: boxAt(x + match.index * characterWidth, y, match[0].length * characterWidth),
    confidence: 1,
  }));
  return { text, polygon: boxAt(x, y, text.length * characterWidth), words };
}

function boxAt(x: number, y: number, width: number): Polygon {
  return [x, y, x + width, y, x + width, y + lineHeight, x, y + lineHeight];
}

/** Labels the words of the first line of the page that contains them. */
export function labelText(page: Page, label: string, text: string): Label {
  for (const line of page.lines) {
    const texts = line.words.map((word) => word.text);
    const wanted = text.split(' ');
    for (let start = 0; start + wanted.length <= texts.length; start++) {
      if (!wanted.every((word, k) => texts[start + k] === word)) continue;
      const words = line.words.slice(start, start + wanted.length);
      const values = words.map((word) => ({
        page: page.number,
        text: word.text,
        boxes: [fractions(page, word.polygon)],
      }));
      return { label, isRegion: false, values };
    }
  }
  throw new Error(`no line has '${text}'`);
}

export function labelMark(page: Page, label: string, index: number): Label {
  const mark = page.selectionMarks[index];
  if (!mark) throw new Error(`no mark ${index}`);
  return {
    label,
    isRegion: false,
    values: [{ page: page.number, text: mark.state, boxes: [fractions(page, mark.polygon)] }],
  };
}

/** A region drawn by hand: left, top, right, bottom in inches. */
export function labelRegion(
  page: Page,
  label: string,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
): Label {
  const box: Polygon = [x0, y0, x1, y0, x1, y1, x0, y1];
  return { label, isRegion: true, values: [{ page: page.number, text: '', boxes: [fractions(page, box)] }] };
}

function fractions(page: Page, polygon: Polygon): Polygon {
  return polygon.map((v, i) => v / (i % 2 === 0 ? page.width : page.height)) as unknown as Polygon;
}

export function field(name: string, type: FieldType = 'string'): FieldDefinition {
  return { name, type, format: 'not-specified' };
}

export function madeSample(name: string, pages: readonly Page[], labels: readonly Label[]): Sample {
  return { name, pages, labels };
}
