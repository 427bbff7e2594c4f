import { joinedText, median, type PageModel, type PageWord, rowsOf, segmentGap, wordsBetween } from './pageModel.ts';
import {
  type CharacterShares,
  characterShares,
  coarseShape,
  fineShape,
  type TextClass,
  textClass,
} from './wordText.ts';

/** Words of one page that may be, or are, one value, with all that does not depend on what is printed on the form. */
export interface Span {
  readonly words: readonly number[];
  readonly rows: number;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  /** First row: the edges and the middle. */
  readonly firstX0: number;
  readonly firstX1: number;
  readonly firstY: number;
  readonly wordHeight: number;
  /** Widest gap within a row, in word heights. */
  readonly innerGap: number;
  readonly first: number;
  readonly last: number;
  readonly startsSegment: boolean;
  readonly endsSegment: boolean;
  readonly text: string;
  readonly norms: readonly string[];
  readonly coarse: string;
  readonly fine: string;
  readonly textClass: TextClass;
  readonly shares: CharacterShares;
  /** Outwards from the value, nearest first. */
  readonly left: Context;
  readonly right: Context;
  readonly above: Context;
  readonly below: Context;
  /** Coarse shape of the neighbours within 2.5 heights, empty without one. */
  readonly nextShape: string;
  readonly previousShape: string;
}

export interface Context {
  /** Normal forms; empty string for words that carry no letters. */
  readonly words: readonly string[];
  /** To the nearest word, in word heights; Infinity without one. */
  readonly gap: number;
  /** The words in one string: equal contexts have equal keys. */
  readonly key: string;
}

/** @param indices words in any order, at least one */
export function describeSpan(page: PageModel, indices: readonly number[]): Span {
  const rows = rowsOf(page, indices);
  const words = rows.flat();
  const box = boundsOf(page, words);
  const firstRow = boundsOf(page, rows[0] ?? []);
  const first = words[0] ?? 0;
  const last = words.at(-1) ?? 0;
  const firstWord = page.words[first] as PageWord;
  const texts = words.map((i) => page.words[i] as PageWord);
  const isMark = firstWord.mark !== undefined;
  // What a mark says must not help to find it.
  const text = isMark ? '\u2610' : joinedText(page, words);
  let innerGap = 0;
  for (const row of rows) for (const i of row.slice(0, -1)) innerGap = Math.max(innerGap, finite(page.gapRight[i], 0));
  return {
    words,
    rows: rows.length,
    ...box,
    firstX0: firstRow.x0,
    firstX1: firstRow.x1,
    firstY: (firstRow.y0 + firstRow.y1) / 2,
    wordHeight: median(texts.map((w) => w.y1 - w.y0)),
    innerGap,
    first,
    last,
    startsSegment: (page.gapLeft[first] ?? Infinity) > segmentGap,
    endsSegment: (page.gapRight[last] ?? Infinity) > segmentGap,
    text,
    norms: texts.map((w) => (w.norm === '' ? w.text : w.norm)),
    coarse: coarseShape(text),
    fine: fineShape(text),
    textClass: isMark ? 'mark' : textClass(text),
    shares: characterShares(text),
    left: rowContext(page, first, 'left'),
    right: rowContext(page, last, 'right'),
    above: columnContext(page, box, 'above'),
    below: columnContext(page, box, 'below'),
    nextShape: neighbourShape(page, page.right[last] ?? -1, page.gapRight[last]),
    previousShape: neighbourShape(page, page.left[first] ?? -1, page.gapLeft[first]),
  };
}

export interface Bounds {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export function boundsOf(page: PageModel, indices: readonly number[]): Bounds {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const i of indices) {
    const word = page.words[i] as PageWord;
    x0 = Math.min(x0, word.x0);
    y0 = Math.min(y0, word.y0);
    x1 = Math.max(x1, word.x1);
    y1 = Math.max(y1, word.y1);
  }
  return { x0, y0, x1, y1 };
}

function finite(value: number | undefined, otherwise: number): number {
  return value !== undefined && Number.isFinite(value) ? value : otherwise;
}

function contextWord(word: PageWord): string {
  return word.isAlphabetic ? word.norm : '';
}

export function rowContext(page: PageModel, from: number, side: 'left' | 'right'): Context {
  const next = page[side];
  const gap = side === 'left' ? page.gapLeft[from] : page.gapRight[from];
  const words: string[] = [];
  let i = next[from] ?? -1;
  while (i >= 0 && words.length < 3) {
    words.push(contextWord(page.words[i] as PageWord));
    i = next[i] ?? -1;
  }
  return { words, gap: words.length > 0 ? finite(gap, Infinity) : Infinity, key: words.join(' ') };
}

/** Up to six words of the nearest line that overlaps in x within seven heights. */
function columnContext(page: PageModel, box: Bounds, side: 'above' | 'below'): Context {
  const reach = 7 * page.h;
  const [top, bottom] =
    side === 'above' ? [box.y0 - reach, box.y0 + 0.5 * page.h] : [box.y1 - 0.5 * page.h, box.y1 + reach];
  const middle = (box.y0 + box.y1) / 2;
  const found: { i: number; distance: number; centre: number }[] = [];
  for (const i of wordsBetween(page, top, bottom)) {
    const word = page.words[i] as PageWord;
    if (word.mark || word.x1 <= box.x0 || word.x0 >= box.x1) continue;
    const distance = side === 'above' ? box.y0 - word.y1 : word.y0 - box.y1;
    const centre = (word.y0 + word.y1) / 2;
    const isBeyond = side === 'above' ? centre < Math.min(box.y0, middle) : centre > Math.max(box.y1, middle);
    if (isBeyond && distance > -0.5 * page.h && distance < reach) found.push({ i, distance, centre });
  }
  const nearest = found.reduce((best, f) => (f.distance < best.distance ? f : best), {
    i: -1,
    distance: Infinity,
    centre: 0,
  });
  if (nearest.i < 0) return { words: [], gap: Infinity, key: '' };
  const near = found.filter((f) => Math.abs(f.centre - nearest.centre) <= 0.6 * page.h).map((f) => f.i);
  const line = withSegment(page, near)
    .map((i) => page.words[i] as PageWord)
    .sort((a, b) => a.x0 - b.x0 || a.y0 - b.y0);
  const words = line.slice(0, 8).map(contextWord);
  return { words, gap: nearest.distance / page.h, key: words.join(' ') };
}

/** With up to three words to each side that belong to the same text: a key need not stand over the whole width of its value. */
function withSegment(page: PageModel, indices: readonly number[]): number[] {
  const all = new Set(indices);
  for (const from of indices) {
    for (const side of ['left', 'right'] as const) {
      const gaps = side === 'left' ? page.gapLeft : page.gapRight;
      let i = from;
      for (let step = 0; step < 3 && (gaps[i] ?? Infinity) <= 0.75; step++) {
        i = page[side][i] ?? -1;
        if (i < 0) break;
        all.add(i);
      }
    }
  }
  return [...all];
}

function neighbourShape(page: PageModel, index: number, gap: number | undefined): string {
  const word = page.words[index];
  if (!word || gap === undefined || gap > 2.5) return '';
  return word.isAlphabetic ? 'a' : coarseShape(word.text);
}

/** Words in reading order, and their text. */
export function readWords(
  page: PageModel,
  indices: readonly number[],
): { readonly words: number[]; readonly text: string } {
  const words = rowsOf(page, indices).flat();
  return { words, text: joinedText(page, words) };
}
