import { type Box, overlap } from '../box.ts';

/** Rows from top to bottom, in each from left to right. Returns the indexes of the boxes. */
export function basicOrder(boxes: readonly Box[]): number[] {
  const byTop = boxes.map((_, i) => i).sort((a, b) => top(boxes, a) - top(boxes, b) || left(boxes, a) - left(boxes, b));
  const rows: { members: number[]; y0: number; y1: number }[] = [];
  for (const i of byTop) {
    const box = boxes[i];
    if (!box) continue;
    const row = rows.findLast(
      ({ y0, y1 }) => overlap(y0, y1, box.y0, box.y1) > 0.5 * Math.min(y1 - y0, box.y1 - box.y0),
    );
    if (row) row.members.push(i);
    else rows.push({ members: [i], y0: box.y0, y1: box.y1 });
  }
  return rows
    .toSorted((a, b) => a.y0 - b.y0)
    .flatMap(({ members }) => members.toSorted((a, b) => left(boxes, a) - left(boxes, b)));
}

/**
 * As a person reads: the page is cut along its widest blank band, across or down, and the parts again, until nothing
 * can be cut (Nagy and Seth, "Hierarchical representation of optically scanned documents", 1984).
 */
export function naturalOrder(boxes: readonly Box[], textHeight: number): number[] {
  const cut = (members: readonly number[], depth: number): number[] => {
    if (members.length <= 1 || depth > 40) return [...members];
    const across = widestBlank(members, (i) => [boxes[i]?.y0 ?? 0, boxes[i]?.y1 ?? 0]);
    const down = widestBlank(members, (i) => [boxes[i]?.x0 ?? 0, boxes[i]?.x1 ?? 0]);
    // A gutter between columns counts when it is wider than the space between words; bands part paragraphs.
    const isDown = down.width > 1.2 * textHeight && down.width >= 0.8 * across.width;
    const best = isDown ? down : across;
    if (best.width <= 0) {
      const own = basicOrder(members.map((i) => boxes[i] ?? { x0: 0, y0: 0, x1: 0, y1: 0 }));
      return own.map((k) => members[k] ?? 0);
    }
    const before = members.filter((i) => (isDown ? (boxes[i]?.x1 ?? 0) : (boxes[i]?.y1 ?? 0)) <= best.at);
    const after = members.filter((i) => !before.includes(i));
    return [...cut(before, depth + 1), ...cut(after, depth + 1)];
  };
  return cut(basicOrder(boxes), 0);
}

function widestBlank(
  members: readonly number[],
  interval: (i: number) => readonly [number, number],
): { at: number; width: number } {
  const sorted = members.map(interval).toSorted((a, b) => a[0] - b[0]);
  let end = sorted[0]?.[1] ?? 0;
  let best = { at: 0, width: 0 };
  for (const [from, to] of sorted) {
    if (from - end > best.width) best = { at: (from + end) / 2, width: from - end };
    end = Math.max(end, to);
  }
  return best;
}

function top(boxes: readonly Box[], i: number): number {
  return boxes[i]?.y0 ?? 0;
}

function left(boxes: readonly Box[], i: number): number {
  return boxes[i]?.x0 ?? 0;
}
