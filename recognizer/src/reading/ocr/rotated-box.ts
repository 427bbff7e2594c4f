import type { Polygon } from '../../document.ts';

/** A rectangle about its centre, turned by `angle` radians (clockwise, y down). */
export interface RotatedBox {
  readonly cx: number;
  readonly cy: number;
  /** Along the angle. */
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}

/** A point of the box: `along` and `across` from its top left corner. */
export function pointOf(box: RotatedBox, along: number, across: number): [number, number] {
  const cos = Math.cos(box.angle);
  const sin = Math.sin(box.angle);
  const u = along - box.width / 2;
  const v = across - box.height / 2;
  return [box.cx + u * cos - v * sin, box.cy + u * sin + v * cos];
}

/** The corners of a part of the box, clockwise from its own top left. */
export function polygonOfPart(
  box: RotatedBox,
  { from, to, top = 0, bottom = box.height }: { from: number; to: number; top?: number; bottom?: number },
): Polygon {
  const [ax, ay] = pointOf(box, from, top);
  const [bx, by] = pointOf(box, to, top);
  const [cx, cy] = pointOf(box, to, bottom);
  const [dx, dy] = pointOf(box, from, bottom);
  return [ax, ay, bx, by, cx, cy, dx, dy];
}

/** Convex hull by Andrew's monotone chain (1979); points as x,y pairs, result counter-clockwise without repetition. */
export function convexHull(points: readonly (readonly [number, number])[]): [number, number][] {
  const sorted = points.map(([x, y]): [number, number] => [x, y]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (list: readonly [number, number][]) => {
    const chain: [number, number][] = [];
    for (const p of list) {
      for (;;) {
        const b = chain.at(-1);
        const a = chain.at(-2);
        if (!a || !b || (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        chain.pop();
      }
      chain.push(p);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** The box of the given angle around the points. */
export function boxAtAngle(points: readonly (readonly [number, number])[], angle: number): RotatedBox {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  let u0 = Infinity;
  let u1 = -Infinity;
  let v0 = Infinity;
  let v1 = -Infinity;
  for (const [x, y] of points) {
    const u = x * cos + y * sin;
    const v = y * cos - x * sin;
    if (u < u0) u0 = u;
    if (u > u1) u1 = u;
    if (v < v0) v0 = v;
    if (v > v1) v1 = v;
  }
  const u = (u0 + u1) / 2;
  const v = (v0 + v1) / 2;
  return { cx: u * cos - v * sin, cy: u * sin + v * cos, width: u1 - u0, height: v1 - v0, angle };
}

/**
 * The smallest box around a convex polygon: one of its sides lies along the box (Freeman and Shapira, "Determining the
 * minimum-area encasing rectangle for an arbitrary closed curve", 1975). The angle is within 45 degrees of level.
 */
export function smallestBox(hull: readonly (readonly [number, number])[]): RotatedBox {
  let best = boxAtAngle(hull, 0);
  let bestArea = best.width * best.height;
  hull.forEach(([x, y], i) => {
    const [nx, ny] = hull[(i + 1) % hull.length] ?? [x, y];
    if (nx === x && ny === y) return;
    let angle = Math.atan2(ny - y, nx - x);
    angle -= Math.round(angle / (Math.PI / 2)) * (Math.PI / 2);
    const box = boxAtAngle(hull, angle);
    if (box.width * box.height < bestArea - 1e-9) {
      best = box;
      bestArea = box.width * box.height;
    }
  });
  return best;
}
