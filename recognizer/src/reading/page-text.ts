import type { Polygon } from '../document.ts';
import { type Box, boxOf, type QuarterTurns, unionOf } from './box.ts';

/** Text of a page in pixels of its picture, wherever it was read from. */
export interface TextLine {
  readonly words: readonly TextWord[];
  readonly polygon: Polygon;
  readonly turns: QuarterTurns;
}

export interface TextWord {
  readonly text: string;
  readonly polygon: Polygon;
  readonly confidence: number;
}

export function lineText(line: TextLine): string {
  return line.words.map((word) => word.text).join(' ');
}

export function lineBox(line: TextLine): Box {
  return unionOf(line.words.map((word) => boxOf(word.polygon)));
}

/** Applies a function to each corner. */
export function mapPolygon(polygon: Polygon, point: (x: number, y: number) => readonly [number, number]): Polygon {
  const [ax, ay, bx, by, cx, cy, dx, dy] = polygon;
  return [...point(ax, ay), ...point(bx, by), ...point(cx, cy), ...point(dx, dy)];
}

/** The outermost corners of polygons that lie along one line, in the frame of a text turned by `turns`. */
export function spanPolygon(polygons: readonly Polygon[]): Polygon {
  const first = polygons[0];
  const last = polygons.at(-1);
  if (!first || !last) return [0, 0, 0, 0, 0, 0, 0, 0];
  return [first[0], first[1], last[2], last[3], last[4], last[5], first[6], first[7]];
}

export function mapLine(line: TextLine, point: (x: number, y: number) => readonly [number, number]): TextLine {
  return {
    ...line,
    polygon: mapPolygon(line.polygon, point),
    words: line.words.map((word) => ({ ...word, polygon: mapPolygon(word.polygon, point) })),
  };
}
