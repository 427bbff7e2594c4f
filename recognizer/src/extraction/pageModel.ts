import type { ElementRef, Page, Polygon } from '../document.ts';
import { partsOfWord } from './gluedWords.ts';
import { isAlphabetic, normalForm } from './wordText.ts';

// The page as extraction sees it: words and selection marks in one list, upright, page width 1000 whatever the unit, so that
// pixels, inches and PDF points agree. Rows and segments come from geometry alone: the reader's lines differ between a scan
// and a PDF of the same form.

/** What a page model is made from, and what a model file keeps of a page: coordinates in tenths of a unit, 10000 a width. */
export interface PageText {
  readonly number: number;
  /** In tenths. */
  readonly height: number;
  readonly texts: readonly string[];
  /** x0, y0, x1, y1 of each word in turn, in tenths. */
  readonly boxes: readonly number[];
  /** Per word `w`ord, `g`lued to the word before it, `s`elected mark or `u`nselected mark. */
  readonly kinds: string;
}

export interface PageWord {
  readonly text: string;
  /** See {@link normalForm}; the same for all marks, whatever their state. */
  readonly norm: string;
  readonly isAlphabetic: boolean;
  /** Part of the same word as the one before it: no space between them. */
  readonly isGlued: boolean;
  readonly mark?: 'selected' | 'unselected';
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface PageModel {
  readonly number: number;
  readonly height: number;
  /** Median word height, at least 1. Distances between words are measured in it. */
  readonly h: number;
  readonly words: readonly PageWord[];
  /** Next word on the row, or -1. Text never neighbours a mark; a mark knows the text beside it. */
  readonly right: Int32Array;
  readonly left: Int32Array;
  /** To the right and left neighbour, in word heights; Infinity without one. */
  readonly gapRight: Float64Array;
  readonly gapLeft: Float64Array;
  /** Word indices by upper edge. */
  readonly byTop: Int32Array;
  readonly maxHeight: number;
}

/** A wider gap ends a segment: text that was typed in one go. */
export const segmentGap = 1.1;

/** How a page is turned and scaled to make a {@link PageText}. */
export interface Frame {
  readonly scale: number;
  readonly cos: number;
  readonly sin: number;
  readonly shiftX: number;
  readonly shiftY: number;
  /** Size after turning, in the page's unit. */
  readonly width: number;
  readonly height: number;
}

export function frameOf(page: Page): Frame {
  const angle = textAngle(page);
  // A quarter turn is exact, so that upright pages keep their numbers to the last bit.
  const quarters = Math.round(angle / 90);
  const rest = angle - 90 * quarters;
  const radians = Math.abs(rest) < 0.05 ? 0 : (-rest * Math.PI) / 180;
  const [c, s] = [Math.cos(radians), Math.sin(radians)];
  const turn = ((quarters % 4) + 4) % 4;
  const [qc, qs] = (
    [
      [1, 0],
      [0, -1],
      [-1, 0],
      [0, 1],
    ] as const
  )[turn as 0 | 1 | 2 | 3];
  const cos = c * qc - s * qs;
  const sin = s * qc + c * qs;
  const [w, h] = [page.width, page.height];
  const [width, height] = turn % 2 === 0 ? [w, h] : [h, w];
  const shiftX = width / 2 - (cos * w) / 2 + (sin * h) / 2;
  const shiftY = height / 2 - (sin * w) / 2 - (cos * h) / 2;
  return { scale: 1000 / width, cos, sin, shiftX, shiftY, width, height };
}

/** The angle that the words' own polygons show, in tenths of a degree; the reader's where they are upright boxes or too few. */
function textAngle(page: Page): number {
  const turns: number[] = [];
  let upright = 0;
  for (const line of page.lines) {
    for (const { text, polygon: p } of line.words) {
      if (text.length < 3) continue;
      const angle = (Math.atan2(p[3] - p[1] + p[5] - p[7], p[2] - p[0] + p[4] - p[6]) * 180) / Math.PI;
      if (Math.abs(angle) < 0.1) upright++;
      // Against the reader's angle, so that 179.9 and -179.9 are near each other.
      turns.push(((((angle - page.angle + 180) % 360) + 360) % 360) - 180);
    }
  }
  if (turns.length < 8 || upright * 2 > turns.length) return page.angle;
  return Math.round((page.angle + median(turns)) * 10) / 10;
}

type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** Bounds of a polygon of the page, in model units. */
function boundsIn(frame: Frame, polygon: Polygon): Box {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < 8; i += 2) {
    const [px, py] = [polygon[i] ?? 0, polygon[i + 1] ?? 0];
    const x = (frame.cos * px - frame.sin * py + frame.shiftX) * frame.scale;
    const y = (frame.sin * px + frame.cos * py + frame.shiftY) * frame.scale;
    x0 = Math.min(x0, x);
    x1 = Math.max(x1, x);
    y0 = Math.min(y0, y);
    y1 = Math.max(y1, y);
  }
  return [x0, y0, x1, y1];
}

/** A box given in fractions of the page's width and height (as label files have it), in model units. */
export function boxFromFractions(page: Page, frame: Frame, polygon: Polygon): Box {
  const scaled = polygon.map((v, i) => v * (i % 2 === 0 ? page.width : page.height)) as unknown as Polygon;
  return boundsIn(frame, scaled);
}

/** The box in model units that surrounds all words, as a polygon of the page, turned as its text is. */
export function polygonOnPage(page: Page, frame: Frame, box: Box): Polygon {
  const places = page.unit === 'inch' ? 1e4 : 10;
  const corner = (x: number, y: number): readonly [number, number] => {
    const [dx, dy] = [x / frame.scale - frame.shiftX, y / frame.scale - frame.shiftY];
    const round = (v: number) => Math.round(v * places) / places + 0;
    return [round(frame.cos * dx + frame.sin * dy), round(-frame.sin * dx + frame.cos * dy)];
  };
  const [x0, y0, x1, y1] = box;
  return [...corner(x0, y0), ...corner(x1, y0), ...corner(x1, y1), ...corner(x0, y1)];
}

/** The words and marks of a page in the order of {@link elementRefs}. */
export function pageText(page: Page, frame: Frame): PageText {
  const texts: string[] = [];
  const boxes: number[] = [];
  let kinds = '';
  const add = (text: string, polygon: Polygon, kind: string) => {
    const box = boundsIn(frame, polygon).map((v) => Math.round(Number.isFinite(v) ? v * 10 : 0));
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = box;
    texts.push(text);
    boxes.push(x0, y0, Math.max(x1, x0 + 10), Math.max(y1, y0 + 10));
    kinds += kind;
  };
  for (const line of page.lines) {
    for (const word of line.words) {
      let from = 0;
      for (const part of partsOfWord(word.text)) {
        const shares = [from / word.text.length, (from + part.length) / word.text.length] as const;
        add(part, partOf(word.polygon, shares), from === 0 ? 'w' : 'g');
        from += part.length;
      }
    }
  }
  for (const mark of page.selectionMarks) add('', mark.polygon, mark.state === 'selected' ? 's' : 'u');
  return { number: page.number, height: Math.round(frame.height * frame.scale * 10), texts, boxes, kinds };
}

/** The piece of a word's polygon between two shares of its width. */
function partOf(polygon: Polygon, [from, to]: readonly [number, number]): Polygon {
  if (from === 0 && to === 1) return polygon;
  const [x1, y1, x2, y2, x3, y3, x4, y4] = polygon;
  const at = (a: number, b: number, share: number) => a + (b - a) * share;
  return [
    ...([at(x1, x2, from), at(y1, y2, from), at(x1, x2, to), at(y1, y2, to)] as const),
    ...([at(x4, x3, to), at(y4, y3, to), at(x4, x3, from), at(y4, y3, from)] as const),
  ];
}

/** What each word of the page's model was made from; glued parts have the same word. */
export function elementRefs(page: Page): ElementRef[] {
  const words = page.lines.flatMap((line, l) =>
    line.words.flatMap(({ text }, w) =>
      partsOfWord(text).map((): ElementRef => ({ kind: 'word', page: page.number, line: l, word: w })),
    ),
  );
  return [
    ...words,
    ...page.selectionMarks.map((_, mark): ElementRef => ({ kind: 'selectionMark', page: page.number, mark })),
  ];
}

export function pageModel(source: PageText): PageModel {
  const words = source.texts.map((text, i): PageWord => {
    const at = (k: number) => (source.boxes[4 * i + k] ?? 0) / 10;
    const box = { x0: at(0), y0: at(1), x1: at(2), y1: at(3) };
    const kind = source.kinds[i];
    if (kind === 's' || kind === 'u') {
      const mark = kind === 's' ? 'selected' : 'unselected';
      return { text: mark, norm: '\u2610', isAlphabetic: false, isGlued: false, mark, ...box };
    }
    const norm = normalForm(text);
    return { text, norm, isAlphabetic: isAlphabetic(norm), isGlued: kind === 'g', ...box };
  });
  const heights = words.filter((w) => !w.mark).map((w) => w.y1 - w.y0);
  const h = Math.max(1, median(heights.length > 0 ? heights : words.map((w) => w.y1 - w.y0)));
  const order = words.map((_, i) => i).sort((a, b) => (words[a]?.y0 ?? 0) - (words[b]?.y0 ?? 0) || a - b);
  const page = {
    number: source.number,
    height: source.height / 10,
    h,
    words,
    byTop: Int32Array.from(order),
    maxHeight: words.reduce((most, w) => Math.max(most, w.y1 - w.y0), 1),
  };
  return { ...page, ...neighbours(page) };
}

/**
 * Nearest words on the row: vertical overlap of at least half the smaller height, gap of at least -0.6 of it. Between texts
 * both must choose each other.
 */
function neighbours(page: Pick<PageModel, 'words' | 'h' | 'byTop' | 'maxHeight'>) {
  const { words, h } = page;
  const n = words.length;
  const right = new Int32Array(n).fill(-1);
  const left = new Int32Array(n).fill(-1);
  const nearestRight = new Float64Array(n).fill(Infinity);
  const nearestLeft = new Float64Array(n).fill(Infinity);
  for (let i = 0; i < n; i++) {
    const a = words[i] as PageWord;
    for (const j of wordsBetween(page, a.y0, a.y1)) {
      const b = words[j] as PageWord;
      if (j === i || b.mark) continue;
      const smaller = Math.min(a.y1 - a.y0, b.y1 - b.y0);
      if (Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0) < 0.5 * smaller) continue;
      const toRight = b.x0 - a.x1;
      const toLeft = a.x0 - b.x1;
      if (b.x0 + b.x1 > a.x0 + a.x1) {
        if (toRight >= -0.6 * smaller && toRight < (nearestRight[i] ?? 0)) {
          nearestRight[i] = toRight;
          right[i] = j;
        }
      } else if (toLeft >= -0.6 * smaller && toLeft < (nearestLeft[i] ?? 0)) {
        nearestLeft[i] = toLeft;
        left[i] = j;
      }
    }
  }
  const mutualRight = right.map((j, i) => (j >= 0 && (words[i]?.mark || left[j] === i) ? j : -1));
  const mutualLeft = left.map((j, i) => (j >= 0 && (words[i]?.mark || right[j] === i) ? j : -1));
  const gap = (i: number, j: number, distance: number): number => {
    const [a, b] = [words[i], words[j]];
    if (!a || !b) return Infinity;
    return distance / Math.max(h, Math.min(Math.max(a.y1 - a.y0, b.y1 - b.y0), 3 * h));
  };
  return {
    right: mutualRight,
    left: mutualLeft,
    gapRight: Float64Array.from(mutualRight, (j, i) => gap(i, j, nearestRight[i] ?? 0)),
    gapLeft: Float64Array.from(mutualLeft, (j, i) => gap(i, j, nearestLeft[i] ?? 0)),
  };
}

/** Indices of the words that reach into the band from `top` to `bottom`, by upper edge. */
export function wordsBetween(
  page: Pick<PageModel, 'words' | 'byTop' | 'maxHeight'>,
  top: number,
  bottom: number,
): number[] {
  const { words, byTop } = page;
  let low = 0;
  let high = byTop.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[byTop[middle] ?? 0]?.y0 ?? 0) < top - page.maxHeight) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let k = low; k < byTop.length; k++) {
    const i = byTop[k] ?? 0;
    const word = words[i] as PageWord;
    if (word.y0 >= bottom) break;
    if (word.y1 > top) found.push(i);
  }
  return found;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** The words' texts with spaces between, but for parts of one word. */
export function joinedText(page: Pick<PageModel, 'words'>, indices: readonly number[]): string {
  return indices.reduce((text, i, k) => {
    const word = page.words[i];
    if (!word) return text;
    const isWhole = k === 0 || !(word.isGlued && indices[k - 1] === i - 1);
    return isWhole && k > 0 ? `${text} ${word.text}` : text + word.text;
  }, '');
}

/** Word indices as rows from top to bottom, each from left to right: the order in which a value is read. */
export function rowsOf(page: Pick<PageModel, 'words'>, indices: readonly number[]): number[][] {
  const word = (i: number) => page.words[i] as PageWord;
  const centre = (i: number) => (word(i).y0 + word(i).y1) / 2;
  const rows: { top: number; bottom: number; words: number[] }[] = [];
  for (const i of [...indices].sort((a, b) => centre(a) - centre(b) || word(a).x0 - word(b).x0 || a - b)) {
    const { y0, y1 } = word(i);
    const row = rows.at(-1);
    const overlap = row ? Math.min(row.bottom, y1) - Math.max(row.top, y0) : 0;
    if (row && overlap >= 0.5 * Math.min(row.bottom - row.top, y1 - y0)) {
      row.words.push(i);
      // The row keeps the band of its first word; growing it would let a slanted row swallow the next one.
    } else rows.push({ top: y0, bottom: y1, words: [i] });
  }
  return rows.map((row) => row.words.sort((a, b) => word(a).x0 - word(b).x0 || a - b));
}
