import { type Box, overlap, type QuarterTurns, turnBox, union } from '../box.ts';

/** What a line is made of. */
export interface Piece {
  readonly box: Box;
  /** Box of the font, where it is known: tells better than the glyphs which words stand on one line. */
  readonly lineBox?: Box;
  readonly turns: QuarterTurns;
}

/**
 * Widest gap inside a line, in heights of its higher word. The service's recorded results keep words up to 1.00
 * heights apart together, and begin a new line from 1.2 heights on.
 */
const widestGap = 1.1;

/** Share of the lower word's height that must lie beside the other. */
const leastOverlap = 0.5;

/**
 * Joins words to lines: each is put behind the nearest one that ends to its left at the same height, unless the gap is
 * too wide or a ruling stands between. Lines and their words come out from top to bottom and from left to right.
 */
export function joinLines<T extends Piece>(
  pieces: readonly T[],
  {
    isSeparated = () => false,
    gap = widestGap,
  }: { isSeparated?: (left: Box, right: Box) => boolean; gap?: number } = {},
): T[][] {
  const lines: T[][] = [];
  for (const turns of [0, 1, 2, 3] as const) {
    const back = turns === 0 ? 0 : turns === 1 ? 3 : turns === 3 ? 1 : 2;
    const upright = pieces
      .filter((piece) => piece.turns === turns)
      .map((piece) => ({ piece, box: turnBox(piece.box, back), lineBox: turnBox(piece.lineBox ?? piece.box, back) }));
    lines.push(...joinUpright(upright, { isSeparated, widest: gap }));
  }
  return lines;
}

interface Upright<T> {
  readonly piece: T;
  readonly box: Box;
  readonly lineBox: Box;
}

interface OpenLine<T> {
  readonly pieces: T[];
  last: Upright<T>;
  box: Box;
}

function joinUpright<T extends Piece>(
  pieces: readonly Upright<T>[],
  { isSeparated, widest }: { isSeparated: (left: Box, right: Box) => boolean; widest: number },
): T[][] {
  const sorted = pieces.toSorted((a, b) => a.box.x0 - b.box.x0 || a.box.y0 - b.box.y0);
  const lines: OpenLine<T>[] = [];
  for (const next of sorted) {
    let best: OpenLine<T> | undefined;
    let bestGap = Infinity;
    for (const line of lines) {
      const gap = gapBetween(line.last, next, widest);
      if (gap !== undefined && gap < bestGap && !isSeparated(line.last.piece.box, next.piece.box)) {
        best = line;
        bestGap = gap;
      }
    }
    if (best) {
      best.pieces.push(next.piece);
      best.last = next;
      best.box = union(best.box, next.box);
    } else {
      lines.push({ pieces: [next.piece], last: next, box: next.box });
    }
  }
  return lines.toSorted((a, b) => a.box.y0 - b.box.y0 || a.box.x0 - b.box.x0).map((line) => line.pieces);
}

function gapBetween<T>(left: Upright<T>, right: Upright<T>, widest: number): number | undefined {
  const a = left.lineBox;
  const b = right.lineBox;
  const shared = overlap(a.y0, a.y1, b.y0, b.y1);
  if (shared < leastOverlap * Math.min(a.y1 - a.y0, b.y1 - b.y0)) return undefined;
  const higher = Math.max(left.box.y1 - left.box.y0, right.box.y1 - right.box.y0);
  const gap = right.box.x0 - left.box.x1;
  // Words of a line may overlap a little (italics, kerning), but not lie upon each other.
  if (gap > widest * higher || gap < -0.5 * higher) return undefined;
  return Math.abs(gap);
}
