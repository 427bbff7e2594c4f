import type { Page } from '../document.ts';
import type { LearnedLabel, LearnedPage } from './learned.ts';
import { boxFromFractions, type Frame, frameOf, type PageText, pageText } from './pageModel.ts';
import type { Label, Sample } from './types.ts';
import { normalForm } from './wordText.ts';

/** The sample's pages as a model keeps them, with every label moved from boxes to the words that stand there. */
export function learnPages(sample: Sample): LearnedPage[] {
  return sample.pages.map((page) => {
    const frame = frameOf(page);
    const text = pageText(page, frame);
    const labels = sample.labels.flatMap((label) => learnLabel(label, { page, frame, text }));
    return { ...text, printed: '', doubtful: [], labels };
  });
}

type Box = readonly [x0: number, y0: number, x1: number, y1: number];

interface OnPage {
  readonly page: Page;
  readonly frame: Frame;
  readonly text: PageText;
}

function learnLabel(label: Label, { page, frame, text }: OnPage): LearnedLabel[] {
  const values = label.values.filter((value) => value.page === page.number);
  if (values.length === 0) return [];
  const words = new Set<number>();
  const boxes: Box[] = [];
  for (const value of values) {
    const isMark = value.text === 'selected' || value.text === 'unselected';
    for (const polygon of value.boxes) {
      const box = boxFromFractions(page, frame, polygon).map((v) => v * 10) as unknown as Box;
      boxes.push(box);
      if (label.isRegion && value.text === '') continue;
      const same = isMark ? undefined : sameTextNear(text, box, value.text);
      for (const i of same === undefined ? wordsUnder(text, box, isMark) : [same]) words.add(i);
    }
  }
  if (words.size > 0) return [{ label: label.label, words: [...words].sort((a, b) => a - b) }];
  if (boxes.length === 0) return [];
  const bound = (pick: (box: Box) => number, of: (...values: number[]) => number) => Math.round(of(...boxes.map(pick)));
  const box = [
    bound((b) => b[0], Math.min),
    bound((b) => b[1], Math.min),
    bound((b) => b[2], Math.max),
    bound((b) => b[3], Math.max),
  ] as const;
  return [{ label: label.label, words: [], box }];
}

/** The nearest word that says what was labelled, on this line or the next: labels may come from a picture of other proportions. */
function sameTextNear(text: PageText, box: Box, labelled: string): number | undefined {
  const norm = normalForm(labelled);
  const [width, height] = [box[2] - box[0], box[3] - box[1]];
  let nearest: { readonly i: number; readonly distance: number } | undefined;
  for (const [i, own] of text.texts.entries()) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = text.boxes.slice(4 * i, 4 * i + 4);
    const [dx, dy] = [Math.abs(x0 + x1 - box[0] - box[2]) / 2, Math.abs(y0 + y1 - box[1] - box[3]) / 2];
    if (dx > 0.5 * width + height || dy > 1.5 * height) continue;
    if (own !== labelled && (norm === '' || normalForm(own) !== norm)) continue;
    if (!nearest || dx + dy < nearest.distance) nearest = { i, distance: dx + dy };
  }
  return nearest?.i;
}

/**
 * The words in the labelled box: half of their width lies in it, and half of the lower height. The boxes come from the reading that
 * the labels were made on, which may not be the one at hand; so a box without such a word gets the longer word that covers it,
 * and a mark the nearest mark.
 */
function wordsUnder(text: PageText, box: Box, isMark: boolean): number[] {
  const inside: number[] = [];
  const covering: number[] = [];
  let nearestMark = { i: -1, distance: 1.5 * Math.max(box[2] - box[0], box[3] - box[1]) };
  for (const i of text.texts.keys()) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = text.boxes.slice(4 * i, 4 * i + 4);
    const kind = text.kinds[i];
    if ((kind === 's' || kind === 'u') !== isMark) continue;
    if (isMark) {
      const distance = Math.abs(x0 + x1 - box[0] - box[2]) / 2 + Math.abs(y0 + y1 - box[1] - box[3]) / 2;
      if (distance < nearestMark.distance) nearestMark = { i, distance };
      continue;
    }
    const width = Math.min(x1, box[2]) - Math.max(x0, box[0]);
    const height = Math.min(y1, box[3]) - Math.max(y0, box[1]);
    if (width <= 0 || height < 0.5 * Math.min(y1 - y0, box[3] - box[1])) continue;
    if (width >= 0.5 * (x1 - x0)) inside.push(i);
    else if (width >= 0.6 * (box[2] - box[0])) covering.push(i);
  }
  if (isMark) return nearestMark.i >= 0 ? [nearestMark.i] : [];
  return inside.length > 0 ? inside : covering;
}
