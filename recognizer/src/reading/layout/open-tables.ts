import { type Box, overlap, unionOf } from '../box.ts';
import type { Ruling, Rulings } from './rulings.ts';
import type { FoundCell, FoundTable, TableWord } from './table-grid.ts';

/** Words of one row that stand close together: the content of a cell, or several cells a narrow gap apart. */
interface Segment {
  readonly words: readonly TableWord[];
  readonly box: Box;
}

interface Row {
  readonly segments: readonly Segment[];
  readonly box: Box;
}

/** A gap this wide, in text heights, parts two segments. */
const segmentGap = 1.05;
/** Space between rows, in text heights, that ends a table. */
const rowGap = 2.6;
/** Share of the rows that may reach over a gap between columns. */
const mostCrossing = 0.12;
/** A column gap has at least this width, in text heights. */
const leastColumnGap = 0.45;
const leastRows = 3;

/**
 * Tables without drawn cells: rows of several segments under each other with blank bands common to them (after
 * Nurminen, "Algorithmic extraction of data in tables in PDF documents", 2013, and the stream method of tabula).
 */
export function openTables(
  words: readonly TableWord[],
  { rulings, textHeight, pageWidth }: { rulings: Rulings; textHeight: number; pageWidth: number },
): FoundTable[] {
  const rows = rowsOf(words, textHeight);
  const tables: FoundTable[] = [];
  for (const region of regionsOf(rows, { textHeight, rulings })) {
    const table = tableOf(region, { textHeight, pageWidth, rulings });
    if (table) tables.push(table);
  }
  return tables;
}

function rowsOf(words: readonly TableWord[], textHeight: number): Row[] {
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

/** Runs of rows that could be one table. */
function regionsOf(rows: readonly Row[], { textHeight, rulings }: { textHeight: number; rulings: Rulings }): Row[][] {
  const regions: Row[][] = [];
  let region: Row[] = [];
  let singles = 0;
  const close = () => {
    // Rows with one segment belong to a table only between others.
    while (region.length > 0 && (region.at(-1)?.segments.length ?? 0) < 2) region.pop();
    if (region.filter((row) => row.segments.length >= 2).length >= leastRows) regions.push(region);
    region = [];
    singles = 0;
  };
  for (const row of rows) {
    const last = region.at(-1);
    if (last && row.box.y0 - last.box.y1 > rowGap * textHeight && !hasCommonRuling(rulings, last, row)) close();
    if (row.segments.length < 2) {
      if (region.length === 0) continue;
      // A line of running text below the columns ends the table.
      const isWide = row.box.x1 - row.box.x0 > 0.75 * (regionWidth(region) || 1) && row.segments[0] !== undefined;
      if (++singles > 2 || (isWide && (row.segments[0]?.words.length ?? 0) > 7)) close();
      else region.push(row);
      continue;
    }
    if (region.length > 0 && !isCompatible(region, row, textHeight)) close();
    singles = 0;
    region.push(row);
  }
  close();
  return regions;
}

function regionWidth(region: readonly Row[]): number {
  const box = unionOf(region.map((row) => row.box));
  return box.x1 - box.x0;
}

/** Upright rulings that pass both rows keep them together over a wide gap. */
function hasCommonRuling({ vertical }: Rulings, a: Row, b: Row): boolean {
  return vertical.some((v) => v.from <= a.box.y1 && v.to >= b.box.y0 && v.at > a.box.x0 && v.at < a.box.x1);
}

/** Whether the rows so far and the next one leave a blank band in common. */
function isCompatible(region: readonly Row[], row: Row, textHeight: number): boolean {
  const rows = [...region.filter(({ segments }) => segments.length >= 2).slice(-8), row];
  return columnGaps(rows, textHeight).length > 0;
}

interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Bands that hardly any of the rows reaches over, between the first and the last column. */
function columnGaps(rows: readonly Row[], textHeight: number): Gap[] {
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

function tableOf(
  region: readonly Row[],
  { textHeight, pageWidth, rulings }: { textHeight: number; pageWidth: number; rulings: Rulings },
): FoundTable | undefined {
  const multi = region.filter(({ segments }) => segments.length >= 2);
  const gaps = columnGaps(multi, textHeight);
  if (gaps.length === 0) return undefined;
  const box = unionOf(region.map((row) => row.box));
  const borders = [box.x0 - 1, ...gaps.map(({ from, to }) => (from + to) / 2), box.x1 + 1];
  const columnCount = borders.length - 1;
  if (isProse(multi, { columnCount, pageWidth, width: box.x1 - box.x0 })) return undefined;
  const columnOf = (x: number) => {
    const index = borders.findIndex((border) => x < border) - 1;
    return Math.min(columnCount - 1, Math.max(0, index));
  };
  const cells: FoundCell[] = [];
  const merged = joinWrappedRows(region, { borders, textHeight, rulings });
  merged.forEach((row, r) => {
    const byColumn = new Map<number, { words: TableWord[]; last: number }>();
    for (const segment of row.segments) {
      for (const part of cutAtBorders(segment, { borders, gaps })) {
        const first = columnOf(part.box.x0);
        const last = Math.max(first, columnOf(part.box.x1));
        const cell = byColumn.get(first) ?? { words: [], last: first };
        cell.words.push(...part.words);
        cell.last = Math.max(cell.last, last);
        byColumn.set(first, cell);
      }
    }
    const starts = [...byColumn.keys()].sort((a, b) => a - b);
    starts.forEach((start, i) => {
      const cell = byColumn.get(start);
      if (!cell) return;
      const next = starts[i + 1] ?? columnCount;
      const span = Math.max(1, Math.min(cell.last - start + 1, next - start));
      cells.push({
        row: r,
        column: start,
        rowSpan: 1,
        columnSpan: span,
        box: { x0: borders[start] ?? 0, y0: row.box.y0, x1: borders[start + span] ?? 0, y1: row.box.y1 },
        words: cell.words,
      });
    });
  });
  return { box, rowCount: merged.length, columnCount, cells };
}

/** A segment goes over a border only when its words leave no gap there. */
function cutAtBorders(
  segment: Segment,
  { borders, gaps }: { borders: readonly number[]; gaps: readonly Gap[] },
): Segment[] {
  const words = segment.words.toSorted((a, b) => a.box.x0 - b.box.x0);
  const parts: TableWord[][] = [[]];
  words.forEach((word, i) => {
    const previous = words[i - 1];
    const isCut =
      previous !== undefined &&
      gaps.some((gap, k) => {
        const border = borders[k + 1] ?? 0;
        const isBetween = previous.box.x1 <= border + 1 && word.box.x0 >= border - 1;
        return isBetween && overlap(gap.from, gap.to, previous.box.x1, word.box.x0) > 0.6 * (gap.to - gap.from);
      });
    if (isCut) parts.push([word]);
    else parts.at(-1)?.push(word);
  });
  return parts
    .filter((list) => list.length > 0)
    .map((list) => ({ words: list, box: unionOf(list.map(({ box }) => box)) }));
}

/** Text in columns is no table: long segments, many words, few figures. */
function isProse(
  rows: readonly Row[],
  { columnCount, pageWidth, width }: { columnCount: number; pageWidth: number; width: number },
): boolean {
  const segments = rows.flatMap((row) => row.segments);
  const words = segments.reduce((sum, segment) => sum + segment.words.length, 0);
  const wordsPerSegment = words / segments.length;
  if (columnCount <= 3 && wordsPerSegment > 4.5 && width > 0.5 * pageWidth) return true;
  if (columnCount > 2) return false;
  const figures = segments.filter(({ words: [word] }) => /\d/.test(word?.text ?? '')).length;
  return figures < 0.25 * segments.length && wordsPerSegment > 2.5;
}

/** A row that only continues cells of the one above (nothing in the first column, close below, no ruling between). */
function joinWrappedRows(
  region: readonly Row[],
  { borders, textHeight, rulings }: { borders: readonly number[]; textHeight: number; rulings: Rulings },
): Row[] {
  const rows: Row[] = [];
  const firstBorder = borders[1] ?? Infinity;
  for (const row of region) {
    const last = rows.at(-1);
    const isIndented = row.segments.every(({ box }) => box.x0 >= firstBorder);
    const isClose = last !== undefined && row.box.y0 - last.box.y1 < 0.45 * textHeight;
    const isFewer = last !== undefined && row.segments.length <= Math.max(1, Math.floor(last.segments.length / 2));
    if (last && isIndented && isClose && isFewer && !isParted(rulings.horizontal, last, row)) {
      rows[rows.length - 1] = { segments: [...last.segments, ...row.segments], box: unionOf([last.box, row.box]) };
    } else rows.push(row);
  }
  return rows;
}

function isParted(horizontal: readonly Ruling[], above: Row, below: Row): boolean {
  const from = above.box.y1 - 2;
  const to = below.box.y0 + 2;
  return horizontal.some((h) => h.at >= from && h.at <= to && overlap(h.from, h.to, below.box.x0, below.box.x1) > 0);
}
