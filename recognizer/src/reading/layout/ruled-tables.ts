import { area, type Box, contains, overlap } from '../box.ts';
import type { Ruling, Rulings } from './rulings.ts';
import type { FoundCell, FoundTable, TableWord } from './table-grid.ts';
import { columnGaps, isFigure, rowsOf } from './text-rows.ts';

/** Rulings this near each other are one line of the grid. */
const sameLine = 5;
/** Share of a cell's side that must be drawn to part it from its neighbour. */
const drawnShare = 0.6;

/**
 * Tables whose cells are drawn: rulings that touch make a grid, and neighbouring fields of the grid without a ruling
 * between them are one cell.
 */
export function ruledTables(rulings: Rulings, words: readonly TableWord[], textHeight: number): FoundTable[] {
  return touchingGroups(rulings)
    .map((group) => gridTable(group, words, textHeight))
    .filter((table) => table !== undefined)
    .map((table) => splitRows(table, textHeight));
}

interface Group {
  readonly horizontal: readonly Ruling[];
  readonly vertical: readonly Ruling[];
}

function touchingGroups({ horizontal, vertical }: Rulings): Group[] {
  const parent = [...horizontal, ...vertical].map((_, i) => i);
  const find = (i: number): number => (parent[i] === i || parent[i] === undefined ? i : find(parent[i] ?? i));
  horizontal.forEach((h, i) => {
    vertical.forEach((v, k) => {
      const reach = sameLine + (h.thickness + v.thickness) / 2;
      const meets = v.at >= h.from - reach && v.at <= h.to + reach && h.at >= v.from - reach && h.at <= v.to + reach;
      if (meets) parent[find(horizontal.length + k)] = find(i);
    });
  });
  const groups = new Map<number, { horizontal: Ruling[]; vertical: Ruling[] }>();
  const groupOf = (i: number) => {
    const root = find(i);
    const group = groups.get(root) ?? { horizontal: [], vertical: [] };
    groups.set(root, group);
    return group;
  };
  horizontal.forEach((h, i) => {
    groupOf(i).horizontal.push(h);
  });
  vertical.forEach((v, k) => {
    groupOf(horizontal.length + k).vertical.push(v);
  });
  return [...groups.values()].filter((group) => group.horizontal.length >= 2 && group.vertical.length >= 1);
}

/** Positions across, near ones joined. */
function gridLines(rulings: readonly Ruling[], nearest: number, extra: readonly number[] = []): number[] {
  const sorted = [...rulings.map((ruling) => ruling.at), ...extra].sort((a, b) => a - b);
  const lines: number[][] = [];
  for (const at of sorted) {
    const last = lines.at(-1);
    if (last && at - (last[0] ?? at) <= nearest) last.push(at);
    else lines.push([at]);
  }
  return lines.map((group) => group.reduce((a, b) => a + b, 0) / group.length);
}

function gridTable(
  { horizontal, vertical }: Group,
  words: readonly TableWord[],
  textHeight: number,
): FoundTable | undefined {
  // Two lines with no room for text between them are one.
  const nearest = Math.max(sameLine, 0.75 * textHeight);
  const ys = gridLines(horizontal, nearest);
  // A table is often open at its sides: where the level rulings end, there its border is.
  const left = Math.min(...horizontal.map((h) => h.from));
  const right = Math.max(...horizontal.map((h) => h.to));
  const sides = [left, right].filter((x) => vertical.every((v) => Math.abs(v.at - x) > 4 * sameLine));
  let xs = gridLines(vertical, nearest, sides);
  if (xs.length === 2 && ys.length > 2) xs = columnsOfText(xs, ys, { words, textHeight });
  const rows = ys.length - 1;
  const columns = xs.length - 1;
  if (rows < 1 || columns < 1 || rows * columns < 2 || rows > 300 || columns > 100) return undefined;
  const hasLine = (rulings: readonly Ruling[], at: number, [from, to]: readonly [number, number]) => {
    let drawn = 0;
    for (const ruling of rulings) {
      if (Math.abs(ruling.at - at) <= nearest) drawn += Math.max(0, overlap(ruling.from, ruling.to, from, to));
    }
    return drawn >= drawnShare * (to - from);
  };
  const fieldOf = (row: number, column: number) => row * columns + column;
  const parent = Array.from({ length: rows * columns }, (_, i) => i);
  const find = (i: number): number => (parent[i] === i || parent[i] === undefined ? i : find(parent[i] ?? i));
  const x = (i: number) => xs[i] ?? 0;
  const y = (i: number) => ys[i] ?? 0;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      if (c + 1 < columns && !hasLine(vertical, x(c + 1), [y(r), y(r + 1)])) {
        parent[find(fieldOf(r, c + 1))] = find(fieldOf(r, c));
      }
      if (r + 1 < rows && !hasLine(horizontal, y(r + 1), [x(c), x(c + 1)])) {
        parent[find(fieldOf(r + 1, c))] = find(fieldOf(r, c));
      }
    }
  }
  const regions = new Map<number, { r0: number; c0: number; r1: number; c1: number; fields: number }>();
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const root = find(fieldOf(r, c));
      const region = regions.get(root) ?? { r0: r, c0: c, r1: r, c1: c, fields: 0 };
      region.r0 = Math.min(region.r0, r);
      region.c0 = Math.min(region.c0, c);
      region.r1 = Math.max(region.r1, r);
      region.c1 = Math.max(region.c1, c);
      region.fields++;
      regions.set(root, region);
    }
  }
  const box: Box = { x0: x(0), y0: y(0), x1: x(columns), y1: y(rows) };
  const inside = words.filter((word) => contains(box, middle(word.box)));
  const cells: FoundCell[] = [];
  for (const { r0, c0, r1, c1 } of [...regions.values()].sort((a, b) => a.r0 - b.r0 || a.c0 - b.c0)) {
    const cell: Box = { x0: x(c0), y0: y(r0), x1: x(c1 + 1), y1: y(r1 + 1) };
    // A region that is no rectangle (an open corner) overlaps others; its words go to the smaller cells first.
    cells.push({ row: r0, column: c0, rowSpan: r1 - r0 + 1, columnSpan: c1 - c0 + 1, box: cell, words: [] });
  }
  const filled = withWords({ box, rowCount: rows, columnCount: columns, cells }, inside);
  return { ...filled, cells: splitCells(splitTallCells(filled.cells, ys, textHeight), xs) };
}

/** Rows are drawn and columns are not: they are where all rows leave a blank. */
function columnsOfText(
  xs: readonly number[],
  ys: readonly number[],
  { words, textHeight }: { words: readonly TableWord[]; textHeight: number },
): number[] {
  const [left = 0, right = 0] = xs;
  const box = { x0: left, y0: ys[0] ?? 0, x1: right, y1: ys.at(-1) ?? 0 };
  const rows = rowsOf(
    words.filter((word) => contains(box, middle(word.box))),
    textHeight,
  ).filter(({ segments }) => segments.length >= 2);
  if (rows.length < 2) return [...xs];
  return [left, ...columnGaps(rows, textHeight).map(({ from, to }) => (from + to) / 2), right];
}

/**
 * Many tables draw the columns of the head only. A cell over several columns is parted where its words stand on both
 * sides of a column's line and none on the line.
 */
function splitCells(cells: readonly FoundCell[], xs: readonly number[]): FoundCell[] {
  return cells.flatMap((cell): FoundCell[] => {
    if (cell.columnSpan === 1 || cell.words.length < 2) return [cell];
    const isBlankAt = (column: number) => {
      const x = xs[column] ?? 0;
      return cell.words.every(({ box }) => box.x1 <= x + 2 || box.x0 >= x - 2);
    };
    const borders = bordersOf(cell.column, cell.columnSpan, isBlankAt);
    const parts = borders.slice(0, -1).map((column, i): FoundCell => {
      const next = borders[i + 1] ?? column + 1;
      const box = { ...cell.box, x0: xs[column] ?? 0, x1: xs[next] ?? 0 };
      const words = cell.words.filter((word) => {
        const cx = (word.box.x0 + word.box.x1) / 2;
        return cx >= box.x0 && cx < box.x1;
      });
      return { ...cell, column, columnSpan: next - column, box, words };
    });
    // A heading over columns stands in the middle of them, or at their beginning: one part then has all of the words.
    return parts.filter((part) => part.words.length > 0).length >= 2 ? parts : [cell];
  });
}

/** The same for a cell over several rows whose text is a list: its neighbours' lines go on through it. */
function splitTallCells(cells: readonly FoundCell[], ys: readonly number[], textHeight: number): FoundCell[] {
  return cells.flatMap((cell): FoundCell[] => {
    if (cell.rowSpan === 1 || rowsOf(cell.words, textHeight).length < 5) return [cell];
    const isBlankAt = (row: number) => {
      const y = ys[row] ?? 0;
      return cell.words.every(({ box }) => box.y1 <= y + 2 || box.y0 >= y - 2);
    };
    const borders = bordersOf(cell.row, cell.rowSpan, isBlankAt);
    return borders.slice(0, -1).map((row, i): FoundCell => {
      const next = borders[i + 1] ?? row + 1;
      const box = { ...cell.box, y0: ys[row] ?? 0, y1: ys[next] ?? 0 };
      const words = cell.words.filter((word) => {
        const cy = (word.box.y0 + word.box.y1) / 2;
        return cy >= box.y0 && cy < box.y1;
      });
      return { ...cell, row, rowSpan: next - row, box, words };
    });
  });
}

/** First, the inner ones that hold, and the one after the last. */
function bordersOf(first: number, span: number, holds: (border: number) => boolean): number[] {
  const borders = [first];
  for (let border = first + 1; border < first + span; border++) if (holds(border)) borders.push(border);
  return [...borders, first + span];
}

const leastTextRows = 3;

/** A drawn row that holds several rows of text, side by side in most of its columns, is so many rows. */
function splitRows(table: FoundTable, textHeight: number): FoundTable {
  let shift = 0;
  const cells: FoundCell[] = [];
  for (let row = 0; row < table.rowCount; row++) {
    const own = table.cells.filter((cell) => cell.row === row);
    const isPlain =
      own.every((cell) => cell.rowSpan === 1) && !table.cells.some((c) => c.row < row && c.row + c.rowSpan > row);
    const textRows = isPlain
      ? rowsOf(
          own.flatMap((cell) => cell.words),
          textHeight,
        )
      : [];
    // Wrapped text makes rows too; a row of a table has its name, and figures beside it.
    const listed = textRows.filter(({ box }) => {
      const parts = own
        .toSorted((a, b) => a.column - b.column)
        .map(({ words }) =>
          words.filter((w) => overlap(w.box.y0, w.box.y1, box.y0, box.y1) > 0.5 * (w.box.y1 - w.box.y0)),
        );
      return (parts[0]?.length ?? 0) > 0 && parts.slice(1).some(isFigure);
    });
    if (textRows.length < leastTextRows || own.length < 2 || listed.length < 0.75 * textRows.length) {
      cells.push(...own.map((cell) => ({ ...cell, row: row + shift })));
      continue;
    }
    textRows.forEach(({ box }, i) => {
      const y0 = i === 0 ? (own[0]?.box.y0 ?? box.y0) : (box.y0 + (textRows[i - 1]?.box.y1 ?? box.y0)) / 2;
      const y1 =
        i === textRows.length - 1 ? (own[0]?.box.y1 ?? box.y1) : (box.y1 + (textRows[i + 1]?.box.y0 ?? box.y1)) / 2;
      for (const cell of own) {
        const words = cell.words.filter((word) => {
          const cy = (word.box.y0 + word.box.y1) / 2;
          return cy >= y0 && cy < y1;
        });
        cells.push({ ...cell, row: row + shift + i, box: { ...cell.box, y0, y1 }, words });
      }
    });
    shift += textRows.length - 1;
  }
  // Cells over several rows grow with the rows they cover only where no row before them was split.
  return { ...table, rowCount: table.rowCount + shift, cells };
}

function middle(box: Box): Box {
  const cx = (box.x0 + box.x1) / 2;
  const cy = (box.y0 + box.y1) / 2;
  return { x0: cx, y0: cy, x1: cx, y1: cy };
}

/** Puts each word into the smallest cell around its middle. */
export function withWords(table: FoundTable, words: readonly TableWord[]): FoundTable {
  const lists = new Map<FoundCell, TableWord[]>();
  const bySize = table.cells.toSorted((a, b) => area(a.box) - area(b.box));
  for (const word of words) {
    const cell = bySize.find(({ box }) => contains(box, middle(word.box), 1));
    if (!cell) continue;
    const list = lists.get(cell) ?? [];
    list.push(word);
    lists.set(cell, list);
  }
  return { ...table, cells: table.cells.map((cell) => ({ ...cell, words: lists.get(cell) ?? [] })) };
}
