import type { SelectionMark } from '../../document.ts';
import { area, type Box, contains, height, intersectionArea } from '../box.ts';

/** A box to tick, in pixels. */
export interface FoundMark {
  readonly box: Box;
  readonly state: SelectionMark['state'];
  readonly confidence: number;
}

const shortestSide = 8;
const longestSide = 64;
/** Height over width of a box. */
const flattest = 0.75;
const tallest = 1.34;
/** Share of a side that must be drawn. */
const drawnShare = 0.85;
/** Ink inside the box from which on it is taken as ticked, as a share of the inner area. */
const tickedFill = 0.09;

/**
 * Finds square boxes by their four sides, ticked or not; a tick may reach over the sides. Boxes inside words (letters)
 * and areas filled to the edge (bullets) are left out.
 */
export function findMarks(
  ink: Uint8Array,
  {
    size,
    words,
    areLoose,
    textHeight,
  }: {
    size: { width: number; height: number };
    words: readonly (Box & { readonly isLong: boolean })[];
    /** The boxes of the words were seen, not known. */
    areLoose: boolean;
    textHeight: number;
  },
): FoundMark[] {
  const picture = { ink, ...size };
  const least = Math.max(shortestSide, 0.55 * textHeight);
  const most = Math.min(longestSide, 3 * textHeight);
  const candidates: Box[] = [];
  for (let y = 2; y < size.height - shortestSide; y++) {
    const row = y * size.width;
    for (let x = 1; x < size.width; ) {
      if (ink[row + x] === 0) {
        x++;
        continue;
      }
      const start = x;
      while (x < size.width && ink[row + x] !== 0) x++;
      const side = x - start;
      if (side < least || side > most || !mayHaveSides(picture, { y, from: start, to: x })) continue;
      // The upper edge of something: paper above it.
      if (
        rowShare(picture, { y: y - 1, from: start, to: x }) > 0.5 &&
        rowShare(picture, { y: y - 2, from: start, to: x }) > 0.3
      )
        continue;
      const box = closeBox(picture, { y, from: start, to: x });
      if (box) candidates.push(box);
    }
  }
  const marks: FoundMark[] = [];
  for (const box of candidates) {
    if (words.some((word) => contains(word, box, 2))) continue;
    if (marks.some((mark) => intersectionArea(mark.box, box) > 0.3 * area(box))) continue;
    if (words.some((word) => word.isLong && intersectionArea(word, box) > 0.5 * area(box))) {
      // A box before or behind a word is often taken into it by the detector; it is higher than the letters.
      if (height(box) < 1.15 * textHeight || !areLoose) continue;
    }
    const fill = innerFill(picture, box);
    if (fill > 0.9) continue;
    const state = fill > tickedFill ? 'selected' : 'unselected';
    const doubt = Math.min(1, Math.abs(fill - tickedFill) / tickedFill);
    marks.push({ box, state, confidence: Math.round((0.6 + 0.39 * doubt) * 1000) / 1000 });
  }
  return marks;
}

interface Picture {
  readonly ink: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A quick look at four places where the sides would be; strokes of letters mostly fail it. */
function mayHaveSides(
  { ink, width, height }: Picture,
  { y, from, to }: { y: number; from: number; to: number },
): boolean {
  const side = to - from;
  for (const part of [0.3, 0.6]) {
    const row = y + Math.round(side * part);
    if (row >= height) return false;
    const left = row * width + from;
    const right = row * width + to - 1;
    if (!ink[left] && !ink[left + 1] && !ink[left - 1]) return false;
    if (!ink[right] && !ink[right + 1] && !ink[right - 1]) return false;
  }
  return true;
}

/** Looks below an upper edge for the sides and the lower edge that make it a box. */
function closeBox(picture: Picture, { y, from, to }: { y: number; from: number; to: number }): Box | undefined {
  const side = to - from;
  for (let h = Math.round(flattest * side); h <= Math.round(tallest * side); h++) {
    const bottom = y + h - 1;
    if (bottom >= picture.height) return undefined;
    if (rowShare(picture, { y: bottom, from: from + 1, to: to - 1 }) < 0.9) continue;
    // The outermost row of the lower edge.
    if (rowShare(picture, { y: bottom + 1, from: from + 1, to: to - 1 }) > 0.6) continue;
    if (columnShare(picture, { x: from, inwards: 1, top: y, bottom }) < drawnShare) return undefined;
    if (columnShare(picture, { x: to - 1, inwards: -1, top: y, bottom }) < drawnShare) return undefined;
    return { x0: from, y0: y, x1: to, y1: bottom + 1 };
  }
  return undefined;
}

function rowShare({ ink, width, height }: Picture, { y, from, to }: { y: number; from: number; to: number }): number {
  if (y < 0 || y >= height || to <= from) return 0;
  let count = 0;
  for (let x = Math.max(0, from); x < Math.min(width, to); x++) count += ink[y * width + x] ?? 0;
  return count / (to - from);
}

/** Share of rows with ink in one of the three columns at an edge. */
function columnShare(
  { ink, width }: Picture,
  { x, inwards, top, bottom }: { x: number; inwards: 1 | -1; top: number; bottom: number },
): number {
  let count = 0;
  for (let y = top; y <= bottom; y++) {
    const at = y * width + x;
    if (ink[at] || ink[at + inwards] || ink[at - inwards]) count++;
  }
  return count / (bottom - top + 1);
}

/** Ink inside, away from the drawn sides. */
function innerFill({ ink, width }: Picture, box: Box): number {
  const inset = Math.max(2, Math.round((box.x1 - box.x0) * 0.24));
  let count = 0;
  let all = 0;
  for (let y = box.y0 + inset; y < box.y1 - inset; y++) {
    for (let x = box.x0 + inset; x < box.x1 - inset; x++) {
      count += ink[y * width + x] ?? 0;
      all++;
    }
  }
  return all > 0 ? count / all : 0;
}

/** Letters that are boxes themselves. */
export function isBoxLetter({ text }: { text: string }): boolean {
  return /^[\u2610-\u2612\u25a0-\u25a3\u25fb-\u25fe\u2b1a-\u2b1d\ue000-\uf8ff]$/u.test(text);
}
