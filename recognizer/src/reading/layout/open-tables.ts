import { overlap, unionOf } from '../box.ts';
import { hasHeaderRow } from './header-row.ts';
import type { Ruling, Rulings } from './rulings.ts';
import type { FoundCell, FoundTable, TableWord } from './table-grid.ts';
import { columnGaps, type Gap, isFigure, type Row, rowsOf, type Segment } from './text-rows.ts';

/** Space between rows, in text heights, that ends a table. */
const rowGap = 2.6;
const leastRows = 3;
/** Two rows are a table where the first names so many columns and figures stand below. */
const leastColumnsOfTwo = 3;

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

/** Runs of rows that could be one table. */
function regionsOf(rows: readonly Row[], { textHeight, rulings }: { textHeight: number; rulings: Rulings }): Row[][] {
  const regions: Row[][] = [];
  let region: Row[] = [];
  let singles = 0;
  const close = () => {
    // Rows with one segment belong to a table only between others.
    while (region.length > 0 && (region.at(-1)?.segments.length ?? 0) < 2) region.pop();
    const isPair = region.length === 2 && region.every((row) => row.segments.length >= leastColumnsOfTwo);
    if (isPair || region.filter((row) => row.segments.length >= 2).length >= leastRows) regions.push(region);
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
  const table = { box, rowCount: merged.length, columnCount, cells };
  if (region.length < leastRows && !isNamedRow(table)) return undefined;
  return table;
}

/** A row of names over a row in which every name has something below, and most have a figure. */
function isNamedRow(table: FoundTable): boolean {
  if (table.rowCount !== 2 || table.columnCount < leastColumnsOfTwo || !hasHeaderRow(table)) return false;
  const below = table.cells.filter((cell) => cell.row === 1);
  const figures = below.filter(({ words }) => isFigure(words)).length;
  return table.cells.length === 2 * table.columnCount && figures >= 0.5 * below.length;
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
  // Addresses and pairs of label and value stand in two columns too; a table of two has figures in one of them.
  const figures = rows.filter(({ segments: own }) => isFigure(own.at(-1)?.words ?? [])).length;
  return figures < 0.6 * rows.length;
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
