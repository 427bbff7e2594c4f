import { expect, test } from 'vitest';
import type { Box } from '../box.ts';
import { binarize } from '../image/binarize.ts';
import { connectedComponents } from '../image/components.ts';
import type { Raster } from '../image/raster.ts';
import { hasHeaderRow } from './header-row.ts';
import { joinLines } from './lines.ts';
import { findMarks } from './marks.ts';
import { basicOrder, naturalOrder } from './reading-order.ts';
import { findRulings } from './rulings.ts';
import type { FoundTable, TableWord } from './table-grid.ts';
import { findTables } from './tables.ts';

const word = (text: string, x: number, y: number, width = text.length * 8): TableWord => ({
  text,
  box: { x0: x, y0: y, x1: x + width, y1: y + 12 },
  line: 0,
  word: 0,
});
const noWords: readonly (Box & { isLong: boolean })[] = [];

test('joins words at the same height to a line, and parts them at a wide gap', () => {
  const box = (x0: number, y0: number, x1: number) => ({ box: { x0, y0, x1, y1: y0 + 10 }, turns: 0 as const });
  const lines = joinLines([box(0, 0, 30), box(36, 1, 60), box(90, 0, 120), box(0, 20, 30)]);
  expect(lines.map((line) => line.map(({ box: { x0 } }) => x0))).toEqual([[0, 36], [90], [0]]);
});

test('joins words of a turned line in its own direction', () => {
  const box = (y0: number, y1: number) => ({ box: { x0: 100, y0, x1: 110, y1 }, turns: 1 as const });
  expect(joinLines([box(40, 60), box(0, 35)])[0]?.map(({ box: { y0 } }) => y0)).toEqual([0, 40]);
});

test('keeps words apart that a ruling parts', () => {
  const box = (x0: number, x1: number) => ({ box: { x0, y0: 0, x1, y1: 10 }, turns: 0 as const });
  expect(joinLines([box(0, 30), box(34, 60)], { isSeparated: () => true })).toHaveLength(2);
});

test('orders rows from left to right, and columns one after the other where they are read so', () => {
  const boxes = [0, 30, 60].flatMap((y) => [
    { x0: 300, y0: y, x1: 500, y1: y + 10 },
    { x0: 0, y0: y + 1, x1: 200, y1: y + 11 },
  ]);
  expect(basicOrder(boxes)).toEqual([1, 0, 3, 2, 5, 4]);
  expect(naturalOrder(boxes, 10)).toEqual([1, 3, 5, 0, 2, 4]);
});

test('reads a picture of components like a matrix', () => {
  const rows = ['##..#', '.#..#', '.....', '#...#', '.#.#.', '..#..'];
  const bits = Uint8Array.from(rows.join('').replace(/#/g, '1').replace(/\./g, '0'), Number);
  const areas = connectedComponents(bits, { width: 5, height: 6 }).map(({ area }) => area);
  expect(areas.toSorted((a, b) => a - b)).toEqual([2, 3, 5]);
});

test('finds boxes with their state, though a tick reaches over the side', () => {
  const page = blankPage(200, 100);
  frame(page, { x0: 20, y0: 20, x1: 40, y1: 40 }, 2);
  frame(page, { x0: 80, y0: 20, x1: 100, y1: 40 }, 2);
  line(page, [84, 30], [90, 36]);
  line(page, [90, 36], [110, 12]);
  frame(page, { x0: 140, y0: 20, x1: 190, y1: 40 }, 2);
  const marks = findMarks(binarize(page), { size: page, words: noWords, areLoose: false, textHeight: 14 });
  expect(marks.map(({ state }) => state)).toEqual(['unselected', 'selected']);
  expect(marks[0]?.box).toEqual({ x0: 20, y0: 20, x1: 40, y1: 40 });
});

test('takes no letter for a box', () => {
  const page = blankPage(120, 60);
  frame(page, { x0: 20, y0: 20, x1: 36, y1: 36 }, 2);
  const words = [{ x0: 19, y0: 18, x1: 80, y1: 38, isLong: true }];
  expect(findMarks(binarize(page), { size: page, words, areLoose: false, textHeight: 16 })).toEqual([]);
});

test('finds dark lines, light lines on dark ground and the edge of an area', () => {
  const page = blankPage(300, 200);
  fill(page, { x0: 20, y0: 20, x1: 280, y1: 22 }, 0);
  fill(page, { x0: 20, y0: 60, x1: 280, y1: 120 }, 90);
  fill(page, { x0: 150, y0: 60, x1: 152, y1: 120 }, 255);
  const { horizontal, vertical } = findRulings(page, 40);
  const near = (list: readonly { at: number }[], at: number) => list.some((ruling) => Math.abs(ruling.at - at) <= 2);
  for (const y of [21, 60, 120]) expect(near(horizontal, y)).toBe(true);
  expect(near(vertical, 151)).toBe(true);
});

test('reads a drawn table with a cell over two columns', () => {
  const page = blankPage(400, 200);
  for (const y of [20, 60, 100, 140]) fill(page, { x0: 20, y0: y, x1: 380, y1: y + 2 }, 0);
  for (const x of [20, 378]) fill(page, { x0: x, y0: 20, x1: x + 2, y1: 142 }, 0);
  fill(page, { x0: 140, y0: 20, x1: 142, y1: 142 }, 0);
  // Not through the head of the last two columns.
  fill(page, { x0: 260, y0: 60, x1: 262, y1: 142 }, 0);
  const words = [
    word('Item', 40, 34),
    word('Price', 240, 34),
    word('net', 170, 74),
    word('gross', 290, 74),
    word('Tea', 40, 114),
    word('2.00', 170, 114),
    word('2.40', 290, 114),
  ];
  const [table] = findTables(words, { rulings: findRulings(page, 36), textHeight: 12, pageWidth: 400 });
  expect(grid(table)).toEqual([
    '0,0 Item',
    '0,1+2 Price',
    '1,0',
    '1,1 net',
    '1,2 gross',
    '2,0 Tea',
    '2,1 2.00',
    '2,2 2.40',
  ]);
});

test('reads a table without lines by its columns', () => {
  const words = [
    ...['City', 'Visitors', 'Share'].map((text, i) => word(text, [20, 150, 280][i] ?? 0, 20)),
    ...['Oslo', '1,200', '12 %'].map((text, i) => word(text, [20, 158, 286][i] ?? 0, 42)),
    ...['Bergen', '900', '9 %'].map((text, i) => word(text, [20, 174, 294][i] ?? 0, 64)),
    ...['Narvik', '80', '1 %'].map((text, i) => word(text, [20, 182, 294][i] ?? 0, 86)),
  ];
  const [table] = findTables(words, { rulings: { horizontal: [], vertical: [] }, textHeight: 12, pageWidth: 400 });
  expect(table).toMatchObject({ rowCount: 4, columnCount: 3 });
  expect(grid(table)).toContain('2,1 900');
});

test('knows the row that names the columns', () => {
  const table = (rows: readonly (readonly string[])[]): FoundTable => ({
    box: { x0: 0, y0: 0, x1: 400, y1: 100 },
    rowCount: rows.length,
    columnCount: rows[0]?.length ?? 0,
    cells: rows.flatMap((row, r) =>
      row.map((text, c) => ({
        ...{ row: r, column: c, rowSpan: 1, columnSpan: 1, box: { x0: c, y0: r, x1: c + 1, y1: r + 1 } },
        words: text === '' ? [] : [word(text, 100 * c, 20 * r)],
      })),
    ),
  });
  expect(
    hasHeaderRow(
      table([
        ['', 'Paid'],
        ['Tea', '2.00'],
        ['Bread', '3.10'],
      ]),
    ),
  ).toBe(false);
  expect(
    hasHeaderRow(
      table([
        ['Item', 'Price'],
        ['Tea', '2.00'],
        ['Bread', '3.10'],
      ]),
    ),
  ).toBe(true);
  expect(
    hasHeaderRow(
      table([
        ['', 'Net', 'Gross'],
        ['Tea', '2.00', '2.40'],
      ]),
    ),
  ).toBe(true);
  expect(
    hasHeaderRow(
      table([
        ['Tea', '2.00'],
        ['Bread', '3.10'],
      ]),
    ),
  ).toBe(false);
  expect(
    hasHeaderRow(
      table([
        ['Name', 'Anna'],
        ['Town', 'Oslo'],
        ['Work', 'Smith'],
      ]),
    ),
  ).toBe(false);
});

test('takes a row of names and a row of figures for a table', () => {
  const rows = (below: readonly string[]) => [
    ...['Number', 'Date', 'Amount'].map((text, i) => word(text, 150 * i, 20)),
    ...below.map((text, i) => word(text, 150 * i, 42)),
  ];
  const page = { rulings: { horizontal: [], vertical: [] }, textHeight: 12, pageWidth: 600 };
  expect(findTables(rows(['Invoice', '2/3/2020', '12.00']), page)).toMatchObject([{ rowCount: 2, columnCount: 3 }]);
  expect(findTables(rows(['Invoice', 'Monday', 'Twelve']), page)).toEqual([]);
});

test('takes two addresses beside each other for no table', () => {
  const words = [
    ...['Address:', 'Invoice for:'].map((text, i) => word(text, [20, 300][i] ?? 0, 20)),
    ...['14564 Main St.', '1234 King St'].map((text, i) => word(text, [20, 300][i] ?? 0, 42)),
    ...['Saratoga', 'Redmond'].map((text, i) => word(text, [20, 300][i] ?? 0, 64)),
  ];
  expect(findTables(words, { rulings: { horizontal: [], vertical: [] }, textHeight: 12, pageWidth: 600 })).toEqual([]);
});

function grid(table: FoundTable | undefined): string[] {
  return (table?.cells ?? []).map(({ row, column, columnSpan, words }) => {
    const place = `${row},${column}${columnSpan > 1 ? `+${columnSpan}` : ''}`;
    return [place, ...words.map(({ text }) => text)].join(' ');
  });
}

function blankPage(width: number, height: number): Raster {
  return { width, height, data: new Uint8Array(width * height).fill(255) };
}

function fill({ width, data }: Raster, { x0, y0, x1, y1 }: Box, value: number): void {
  for (let y = y0; y < y1; y++) data.fill(value, y * width + x0, y * width + x1);
}

function frame(page: Raster, box: Box, thickness: number): void {
  fill(page, box, 0);
  const { x0, y0, x1, y1 } = box;
  fill(page, { x0: x0 + thickness, y0: y0 + thickness, x1: x1 - thickness, y1: y1 - thickness }, 255);
}

function line(page: Raster, [ax, ay]: readonly [number, number], [bx, by]: readonly [number, number]): void {
  for (let i = 0; i <= 60; i++) {
    const x = Math.round(ax + ((bx - ax) * i) / 60);
    const y = Math.round(ay + ((by - ay) * i) / 60);
    fill(page, { x0: x, y0: y, x1: x + 2, y1: y + 2 }, 0);
  }
}
