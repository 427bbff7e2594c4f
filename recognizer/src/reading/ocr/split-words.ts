import { histogramOf, otsu } from '../image/otsu.ts';
import type { Raster } from '../image/raster.ts';
import type { ReadCharacter } from './recognize.ts';

/** A word of a line, in pixels along its crop. */
export interface LineWord {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly characters: readonly ReadCharacter[];
}

/** A gap in the ink this wide, in heights, parts words where the network read no space... */
const leastGap = 0.26;
/** ...if the characters beside it also stand this much farther apart than the line's characters do. */
const leastStretch = 1.25;

/** Within a figure the gap must be this wide; a narrower one stands beside its point, even where a space was read. */
const leastFigureGap = 0.5;
const leastFigureSpace = 0.2;

/** Parts a line into words at the spaces that were read and at gaps in the ink, and trims each to its ink. */
export function splitWords(characters: readonly ReadCharacter[], crop: Raster): LineWord[] {
  const ink = inkColumns(crop);
  const glyphs = characters.filter(({ text }) => text.trim() !== '');
  const advances = glyphs.slice(1).map((glyph, i) => center(glyph) - center(glyphs[i] ?? glyph));
  const advance = median(advances);
  const words: LineWord[] = [];
  let current: ReadCharacter[] = [];
  let start = 0;
  let hasSpace = false;
  const close = (cut: number) => {
    if (current.length > 0) words.push(trimmed(current, { start, end: cut, ink }));
    current = [];
    start = cut;
  };
  for (const character of characters) {
    if (character.text.trim() === '') {
      hasSpace = true;
      continue;
    }
    const previous = current.at(-1);
    if (previous) {
      const gap = widestGap(ink, Math.round(center(previous)), Math.round(center(character)));
      const isFigure = continuesFigure(current, character);
      const isWide =
        gap.width >= (isFigure ? leastFigureGap : leastGap) * crop.height &&
        center(character) - center(previous) >= leastStretch * advance;
      const isSpace = hasSpace && (!isFigure || gap.width >= leastFigureSpace * crop.height);
      if (isSpace || isWide) close(gap.width > 0 ? gap.middle : (previous.to + character.from) / 2);
    }
    hasSpace = false;
    current.push(character);
  }
  close(crop.width);
  return words;
}

/** Points, commas and hyphens of amounts and numbers stand alone in the middle of wide gaps. */
function continuesFigure(before: readonly ReadCharacter[], { text }: ReadCharacter): boolean {
  const last = before.at(-1)?.text ?? '';
  if (isDigit(last)) return text === '.' || text === ',';
  return /^[.,-]$/.test(last) && isDigit(before.at(-2)?.text ?? '') && isDigit(text);
}

function isDigit(text: string): boolean {
  return /^\d$/.test(text);
}

/** For each column whether there is ink; light text on dark ground counts as ink too. */
function inkColumns({ width, height, data }: Raster): Uint8Array {
  const histogram = histogramOf(data);
  const { threshold } = otsu(histogram);
  let dark = 0;
  for (let i = 0; i <= threshold; i++) dark += histogram[i] ?? 0;
  const isInverted = dark > data.length / 2;
  const columns = new Uint8Array(width);
  for (let y = 2; y < height - 2; y++) {
    for (let x = 0; x < width; x++) {
      if ((data[y * width + x] ?? 0) <= threshold !== isInverted) columns[x] = 1;
    }
  }
  return columns;
}

function widestGap(ink: Uint8Array, from: number, to: number): { middle: number; width: number } {
  let best = { middle: (from + to) / 2, width: 0 };
  for (let x = from; x < to; ) {
    if (ink[x] !== 0) {
      x++;
      continue;
    }
    const start = x;
    while (x < to && ink[x] === 0) x++;
    if (x - start > best.width) best = { middle: (start + x) / 2, width: x - start };
  }
  return best;
}

function trimmed(
  characters: readonly ReadCharacter[],
  { start, end, ink }: { start: number; end: number; ink: Uint8Array },
): LineWord {
  let from = Math.max(0, Math.floor(start));
  let to = Math.min(ink.length, Math.ceil(end));
  while (from < to && ink[from] === 0) from++;
  while (to > from && ink[to - 1] === 0) to--;
  if (to <= from) {
    from = characters[0]?.from ?? start;
    to = characters.at(-1)?.to ?? end;
  }
  return { text: characters.map(({ text }) => text).join(''), from, to, characters };
}

function center({ from, to }: ReadCharacter): number {
  return (from + to) / 2;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
