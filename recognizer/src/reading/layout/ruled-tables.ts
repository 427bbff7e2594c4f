import { area, type Box, contains, overlap } from '../box.ts';
import type { Ruling, Rulings } from './rulings.ts';
import type { FoundCell, FoundTable, TableWord } from './table-grid.ts';

/** Rulings this near each other are one line of the grid. */
const sameLine = 5;
/** Share of a cell's side that must be drawn to part it from its neighbour. */
const drawnShare = 0.6;

/**
 * Tables whose cells are drawn: rulings that touch make a grid, and neighbouring fields of the grid without a ruling
 * between them are one cell.
 */
export function ruledTables(rulings: Rulings, words: readonly TableWord[]): FoundTable[] {
  return touchingGroups(rulings)
    .map((group) => gridTable(group, words))
    .filter((table) => table !== undefined);
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
function gridLines(rulings: readonly Ruling[], extra: readonly number[] = []): number[] {
  const sorted = [...rulings.map((ruling) => ruling.at), ...extra].sort((a, b) => a - b);
  const lines: number[][] = [];
  for (const at of sorted) {
    const last = lines.at(-1);
    if (last && at - (last.at(-1) ?? at) <= sameLine) last.push(at);
    else lines.push([at]);
  }
  return lines.map((group) => group.reduce((a, b) => a + b, 0) / group.length);
}

function gridTable({ horizontal, vertical }: Group, words: readonly TableWord[]): FoundTable | undefined {
  const ys = gridLines(horizontal);
  // A table is often open at its sides: where the level rulings end, there its border is.
  const left = Math.min(...horizontal.map((h) => h.from));
  const right = Math.max(...horizontal.map((h) => h.to));
  const sides = [left, right].filter((x) => vertical.every((v) => Math.abs(v.at - x) > 4 * sameLine));
  const xs = gridLines(vertical, sides);
  const rows = ys.length - 1;
  const columns = xs.length - 1;
  if (rows < 1 || columns < 1 || rows * columns < 2 || rows > 300 || columns > 100) return undefined;
  const hasLine = (rulings: readonly Ruling[], at: number, [from, to]: readonly [number, number]) => {
    let drawn = 0;
    for (const ruling of rulings) {
      if (Math.abs(ruling.at - at) <= sameLine) drawn += Math.max(0, overlap(ruling.from, ruling.to, from, to));
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
  return withWords({ box, rowCount: rows, columnCount: columns, cells }, inside);
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
