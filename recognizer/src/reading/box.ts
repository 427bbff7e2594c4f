import type { Polygon } from '../document.ts';

/** An upright rectangle; y grows downwards. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/** How far text is turned clockwise from upright, in quarter turns. */
export type QuarterTurns = 0 | 1 | 2 | 3;

export const width = (box: Box): number => box.x1 - box.x0;
export const height = (box: Box): number => box.y1 - box.y0;
export const area = (box: Box): number => Math.max(0, width(box)) * Math.max(0, height(box));

export function union(a: Box, b: Box): Box {
  return { x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1) };
}

export function unionOf(boxes: readonly Box[]): Box {
  return boxes.reduce(union, { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity });
}

/** Length shared by two intervals, negative when they are apart. */
export function overlap(a0: number, a1: number, b0: number, b1: number): number {
  return Math.min(a1, b1) - Math.max(a0, b0);
}

export function intersectionArea(a: Box, b: Box): number {
  return Math.max(0, overlap(a.x0, a.x1, b.x0, b.x1)) * Math.max(0, overlap(a.y0, a.y1, b.y0, b.y1));
}

export function contains(outer: Box, inner: Box, slack = 0): boolean {
  return (
    inner.x0 >= outer.x0 - slack &&
    inner.y0 >= outer.y0 - slack &&
    inner.x1 <= outer.x1 + slack &&
    inner.y1 <= outer.y1 + slack
  );
}

/** The corners, beginning at the one where a text turned by `turns` starts at its top. */
export function polygonOf(box: Box, turns: QuarterTurns = 0): Polygon {
  const { x0, y0, x1, y1 } = box;
  switch (turns) {
    case 0:
      return [x0, y0, x1, y0, x1, y1, x0, y1];
    case 1:
      return [x1, y0, x1, y1, x0, y1, x0, y0];
    case 2:
      return [x1, y1, x0, y1, x0, y0, x1, y0];
    case 3:
      return [x0, y1, x0, y0, x1, y0, x1, y1];
  }
}

export function boxOf(polygon: Polygon): Box {
  const [ax, ay, bx, by, cx, cy, dx, dy] = polygon;
  return {
    x0: Math.min(ax, bx, cx, dx),
    y0: Math.min(ay, by, cy, dy),
    x1: Math.max(ax, bx, cx, dx),
    y1: Math.max(ay, by, cy, dy),
  };
}

/** Turns a box clockwise about the origin by quarter turns, so that text turned by `-turns` comes out upright. */
export function turnBox({ x0, y0, x1, y1 }: Box, turns: QuarterTurns): Box {
  switch (turns) {
    case 0:
      return { x0, y0, x1, y1 };
    case 1:
      return { x0: -y1, y0: x0, x1: -y0, y1: x1 };
    case 2:
      return { x0: -x1, y0: -y1, x1: -x0, y1: -y0 };
    case 3:
      return { x0: y0, y0: -x1, x1: y1, y1: -x0 };
  }
}
