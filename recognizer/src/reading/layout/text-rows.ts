import { type Box, overlap, unionOf } from '../box.ts';
import type { TableWord } from './table-grid.ts';

/** Words of one row that stand close together: the content of a cell, or several cells a narrow gap apart. */
export interface Segment {
  readonly words: readonly TableWord[];
  readonly box: Box;
}

export interface Row {
  readonly segments: readonly Segment[];
  readonly box: Box;
}

/** A gap this wide, in text heights, parts two segments. */
const segmentGap = 1.05;
/** Share of the rows that may reach over a gap between columns. */
const mostCrossing = 0.12;
/** A column gap has at least this width, in text heights. */
const leastColumnGap = 0.45;

/** Words by the line they stand on, from top to bottom, each cut into segments. */
export function rowsOf(words: readonly TableWord[], textHeight: number): Row[] {
  const sorted = words.toSorted((a, b) => a.box.y0 + a.box.y1 - (b.box.y0 + b.box.y1));
  const open: { words: TableWord[]; y0: number; y1: number }[] = [];
  for (const word of sorted) {
    const { y0, y1 } = word.box;
    const row = open.findLast(
      (other) => overlap(other.y0, other.y1, y0, y1) > 0.5 * Math.min(other.y1 - other.y0, y1 - y0),
    );
    if (row) {
      row.words.push(word);
      // The first words set the row; a tall one must not swallow the next row.
      if (y1 - y0 < 1.6 * textHeight) {
        row.y0 = Math.min(row.y0, y0);
        row.y1 = Math.max(row.y1, y1);
      }
    } else open.push({ words: [word], y0, y1 });
  }
  return open
    .map((row) => {
      const segments = segmentsOf(row.words, textHeight);
      return { segments, box: unionOf(segments.map(({ box }) => box)) };
    })
    .toSorted((a, b) => a.box.y0 - b.box.y0);
}

function segmentsOf(words: readonly TableWord[], textHeight: number): Segment[] {
  const segments: TableWord[][] = [];
  let end = -Infinity;
  for (const word of words.toSorted((a, b) => a.box.x0 - b.box.x0)) {
    const height = Math.min(textHeight * 1.3, Math.max(textHeight * 0.7, word.box.y1 - word.box.y0));
    if (word.box.x0 - end > segmentGap * height) segments.push([word]);
    else segments.at(-1)?.push(word);
    end = Math.max(end, word.box.x1);
  }
  return segments.map((list) => ({ words: list, box: unionOf(list.map(({ box }) => box)) }));
}

export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Bands that hardly any of the rows reaches over, between the first and the last column. */
export function columnGaps(rows: readonly Row[], textHeight: number): Gap[] {
  const allowed = Math.floor(rows.length * mostCrossing);
  const events: { x: number; step: 1 | -1 }[] = [];
  for (const { segments } of rows) {
    for (const { words } of segments) {
      // Words of a segment cover the blanks between them.
      const box = unionOf(words.map((word) => word.box));
      events.push({ x: box.x0, step: 1 }, { x: box.x1, step: -1 });
    }
  }
  events.sort((a, b) => a.x - b.x || b.step - a.step);
  const gaps: Gap[] = [];
  let depth = 0;
  let from: number | undefined;
  let seen = 0;
  for (const { x, step } of events) {
    if (depth + step <= allowed && depth > allowed) from = x;
    else if (depth <= allowed && depth + step > allowed) {
      if (from !== undefined && seen > 0 && x - from >= leastColumnGap * textHeight) gaps.push({ from, to: x });
      from = undefined;
    }
    depth += step;
    if (step === 1) seen++;
  }
  return gaps;
}

/** Mostly digits: an amount, a share, a date. */
export function isFigure(words: readonly TableWord[]): boolean {
  const text = words.map((word) => word.text).join('');
  const digits = text.replace(/[^\d]/g, '').length;
  return digits > 0 && digits >= 0.4 * text.length;
}
