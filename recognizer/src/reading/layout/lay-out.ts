import type { ElementRef, Line, Page, Polygon, SelectionMark, Table } from '../../document.ts';
import { area, type Box, boxOf, contains, height, intersectionArea, polygonOf, unionOf } from '../box.ts';
import { binarize } from '../image/binarize.ts';
import type { Raster } from '../image/raster.ts';
import { lineText, mapLine, mapPolygon, spanPolygon, type TextLine } from '../page-text.ts';
import { hasHeaderRow } from './header-row.ts';
import { levelPage } from './level.ts';
import { joinLines } from './lines.ts';
import { type FoundMark, findMarks, isBoxLetter } from './marks.ts';
import { basicOrder, naturalOrder } from './reading-order.ts';
import { findRulings, type Rulings } from './rulings.ts';
import type { FoundTable, TableWord } from './table-grid.ts';
import { findTables } from './tables.ts';

/** A page as read: its picture, and text and form fields in pixels of it. */
export interface ReadPage {
  readonly number: number;
  readonly raster: Raster;
  /** Nothing is drawn but text: there are no rulings and no boxes to look for. */
  readonly isPlain?: boolean;
  readonly lines: readonly TextLine[];
  /** Check boxes of a form: known, not seen. */
  readonly checkBoxes: readonly FoundMark[];
  readonly angle: number;
  readonly readingOrder: 'basic' | 'natural';
}

/** How the page is given to the caller. */
export interface PageFrame {
  readonly width: number;
  readonly height: number;
  readonly unit: Page['unit'];
  /** From pixels of the picture. */
  point(x: number, y: number): readonly [number, number];
}

/** Makes the page of lines in reading order, marks and tables. */
export function layOut(page: ReadPage, frame: PageFrame): Page {
  const level = levelPage(page.raster, page.angle);
  const { width, height: rows } = level.raster;
  const rulings: Rulings = page.isPlain
    ? { horizontal: [], vertical: [] }
    : findRulings(level.raster, Math.max(30, Math.round(Math.max(width, rows) / 45)));
  const lines = joinNeighbours(page.lines.map((line) => mapLine(line, level.toLevel))).flatMap((line) =>
    splitAtRulings(line, rulings),
  );
  const textHeight = medianTextHeight(lines);
  const known = page.checkBoxes.map((mark) => ({
    ...mark,
    box: boxOf(mapPolygon(polygonOf(mark.box), level.toLevel)),
  }));
  const drawn = (page.isPlain ? [] : drawnMarks(level.raster, lines, textHeight)).filter(
    ({ box }) => !known.some((mark) => intersectionArea(mark.box, box) > 0.3 * Math.min(area(mark.box), area(box))),
  );
  const marks = [...known, ...drawn].toSorted((a, b) => a.box.y0 - b.box.y0 || a.box.x0 - b.box.x0);
  const ordered = inOrder(
    lines.map((line) => withoutMarks(line, marks)).filter((line) => line.words.length > 0),
    { textHeight, readingOrder: page.readingOrder },
  );
  const tables = findTables(tableWords(ordered), { rulings, textHeight, pageWidth: width });
  const out = (polygon: Polygon) => mapPolygon(level.polygonFromLevel(polygon), frame.point);
  return {
    number: page.number,
    angle: page.angle,
    width: frame.width,
    height: frame.height,
    unit: frame.unit,
    lines: ordered.map((line) => presentLine(line, out)),
    selectionMarks: marks.map(
      ({ box, state, confidence }): SelectionMark => ({ state, confidence, polygon: out(polygonOf(box)) }),
    ),
    tables: tables.map((table) => presentTable(table, { page: page.number, marks, out })),
  };
}

function drawnMarks(raster: Raster, lines: readonly TextLine[], textHeight: number): FoundMark[] {
  return findMarks(binarize(raster), {
    size: { width: raster.width, height: raster.height },
    words: lines.flatMap((line) =>
      line.words
        .filter((word) => !isBoxLetter(word))
        .map((word) => ({ ...boxOf(word.polygon), isLong: isRealWord(word) })),
    ),
    areLoose: lines.some((line) => line.words.some((word) => word.confidence < 1)),
    textHeight,
  });
}

function presentLine(line: TextLine, out: (polygon: Polygon) => Polygon): Line {
  return {
    text: lineText(line),
    polygon: out(line.polygon),
    words: line.words.map((word) => ({ ...word, polygon: out(word.polygon) })),
    // Text of the file is print; of a picture it is not told.
    ...(line.words.every((word) => word.confidence === 1) && { style: { name: 'other', confidence: 1 } as const }),
  };
}

function presentTable(
  table: FoundTable,
  { page, marks, out }: { page: number; marks: readonly FoundMark[]; out: (polygon: Polygon) => Polygon },
): Table {
  const hasHeader = hasHeaderRow(table);
  return {
    rowCount: table.rowCount,
    columnCount: table.columnCount,
    polygon: out(polygonOf(table.box)),
    cells: table.cells.map((cell) => {
      const words = cell.words.toSorted((a, b) => a.line - b.line || a.word - b.word);
      const elements: ElementRef[] = words.map(({ line, word }) => ({ kind: 'word', page, line, word }));
      marks.forEach(({ box }, mark) => {
        const cx = (box.x0 + box.x1) / 2;
        const cy = (box.y0 + box.y1) / 2;
        if (contains(cell.box, { x0: cx, y0: cy, x1: cx, y1: cy })) {
          elements.push({ kind: 'selectionMark', page, mark });
        }
      });
      return {
        rowIndex: cell.row,
        columnIndex: cell.column,
        rowSpan: cell.rowSpan,
        columnSpan: cell.columnSpan,
        text: words.map(({ text }) => text).join(' '),
        polygon: out(polygonOf(cell.box)),
        isHeader: hasHeader && cell.row === 0,
        elements,
      };
    }),
  };
}

function tableWords(lines: readonly TextLine[]): TableWord[] {
  return lines.flatMap((line, l) =>
    line.turns === 0
      ? line.words.map((word, w) => ({ text: word.text, box: boxOf(word.polygon), line: l, word: w }))
      : [],
  );
}

/** Detectors cut a line where its letters stand apart; pieces as near each other as words are one line. */
function joinNeighbours(lines: readonly TextLine[]): TextLine[] {
  const pieces = lines.map((line) => ({ line, turns: line.turns, box: boxOf(line.polygon) }));
  return joinLines(pieces, { gap: 0.9 }).map((group) => {
    const own = group.map(({ line }) => line);
    const [first] = own;
    if (own.length === 1 && first) return first;
    const words = own.flatMap((line) => line.words);
    return { turns: first?.turns ?? 0, words, polygon: spanPolygon(own.map((line) => line.polygon)) };
  });
}

/** A drawn line between two words parts the line. */
function splitAtRulings(line: TextLine, { vertical }: Rulings): TextLine[] {
  if (line.turns !== 0 || line.words.length < 2) return [line];
  const parts: (typeof line.words)[number][][] = [[]];
  line.words.forEach((word, i) => {
    const previous = line.words[i - 1];
    if (previous) {
      const a = boxOf(previous.polygon);
      const b = boxOf(word.polygon);
      if (isParted(vertical, a, b)) parts.push([]);
    }
    parts.at(-1)?.push(word);
  });
  if (parts.length === 1) return [line];
  return parts.map((words) => ({ ...line, words, polygon: spanPolygon(words.map((word) => word.polygon)) }));
}

function isParted(vertical: Rulings['vertical'], a: Box, b: Box): boolean {
  const y0 = Math.min(a.y0, b.y0);
  const y1 = Math.max(a.y1, b.y1);
  // Longer than a letter is high: the stroke of an l is no ruling.
  const isLong = (from: number, to: number) => to - from >= 1.3 * (y1 - y0) && from <= y0 + 2 && to >= y1 - 2;
  return vertical.some((v) => v.at >= a.x1 - 2 && v.at <= b.x0 + 2 && isLong(v.from, v.to));
}

/** A lone letter seen in a mark is its tick, or the box itself read as a letter. What the file says stays. */
function withoutMarks(line: TextLine, marks: readonly FoundMark[]): TextLine {
  if (marks.length === 0) return line;
  const words = line.words.filter((word) => {
    if (isRealWord(word) || word.confidence === 1) return true;
    const box = boxOf(word.polygon);
    return !marks.some((mark) => intersectionArea(mark.box, box) > 0.5 * Math.min(area(box), area(mark.box)));
  });
  if (words.length === line.words.length) return line;
  return { ...line, words, polygon: spanPolygon(words.map((word) => word.polygon)) };
}

function isRealWord({ text }: { text: string }): boolean {
  return [...text].length > 1;
}

function medianTextHeight(lines: readonly TextLine[]): number {
  const heights = lines
    .filter((line) => line.turns === 0)
    .map((line) => height(unionOf(line.words.map((word) => boxOf(word.polygon)))))
    .toSorted((a, b) => a - b);
  return heights[heights.length >> 1] ?? 20;
}

/** Orders lines as they stand when the page is turned to be read: by the way most of its text lies. */
function inOrder(
  lines: readonly TextLine[],
  { textHeight, readingOrder }: { textHeight: number; readingOrder: 'basic' | 'natural' },
): TextLine[] {
  const counts = [0, 0, 0, 0];
  for (const line of lines) counts[line.turns] = (counts[line.turns] ?? 0) + line.words.length;
  const main = counts.indexOf(Math.max(...counts));
  const upright = (box: Box): Box => {
    switch (main) {
      case 1:
        return { x0: box.y0, y0: -box.x1, x1: box.y1, y1: -box.x0 };
      case 2:
        return { x0: -box.x1, y0: -box.y1, x1: -box.x0, y1: -box.y0 };
      case 3:
        return { x0: -box.y1, y0: box.x0, x1: -box.y0, y1: box.x1 };
      default:
        return box;
    }
  };
  const boxes = lines.map((line) => upright(unionOf(line.words.map((word) => boxOf(word.polygon)))));
  const order = readingOrder === 'natural' ? naturalOrder(boxes, textHeight) : basicOrder(boxes);
  return order.map((i) => lines[i]).filter((line) => line !== undefined);
}
