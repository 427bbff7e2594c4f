import type { Raster } from '../image/raster.ts';

/** A drawn line, level or upright, in pixels. */
export interface Ruling {
  /** Across its direction: the middle. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly thickness: number;
}

export interface Rulings {
  readonly horizontal: readonly Ruling[];
  readonly vertical: readonly Ruling[];
}

/** Thicker than this is an area; its edges are taken as rulings. */
const mostThickness = 9;
/** Gaps within a run that scanning leaves. */
const smallGap = 2;
const leastDensity = 0.88;
const mostRuns = 200_000;

/** Half the thickness of the thickest line that is seen as one. */
const reach = 4;
/** How much darker or lighter than both its sides a line is. */
const lineContrast = 22;
/** How much the two sides of the edge of a filled area differ. */
const edgeContrast = 40;
const evenness = 16;

/**
 * Finds straight level and upright lines at least `shortest` pixels long: dark ones, light ones on dark ground, and the
 * edges of filled areas. A pixel belongs to one when it differs from what lies across, so that text on shaded ground
 * and the ground itself do not matter.
 */
export function findRulings({ width, height, data }: Raster, shortest: number): Rulings {
  const horizontal = collect((visit) => {
    const map = new Uint8Array(width);
    for (let y = 0; y < height; y++) {
      if (isEven(data, y, { length: width, rows: height })) continue;
      markLines({ map, data, from: y * width, before: y, after: height - 1 - y });
      runsOf(map, shortest, (a, b) => visit(y, a, b));
    }
  });
  // Turned on its side, so that columns lie in a row in memory.
  const turned = transposed(data, width, height);
  const vertical = collect((visit) => {
    const map = new Uint8Array(height);
    for (let x = 0; x < width; x++) {
      if (isEven(turned, x, { length: height, rows: width })) continue;
      markLines({ map, data: turned, from: x * height, before: x, after: width - 1 - x });
      runsOf(map, shortest, (a, b) => visit(x, a, b));
    }
  });
  return { horizontal, vertical };
}

/** Whether a row is the same as those on either side that it would be compared with. */
function isEven(data: Uint8Array, row: number, { length, rows }: { length: number; rows: number }): boolean {
  const at = (y: number) => data.subarray(y * length, (y + 1) * length);
  const own = at(row);
  return (
    Buffer.compare(own, at(Math.max(0, row - reach))) === 0 &&
    Buffer.compare(own, at(Math.min(rows - 1, row + reach))) === 0
  );
}

/** Marks the pixels of a row that belong to a line along it. */
function markLines({
  map,
  data,
  from,
  before,
  after,
}: {
  map: Uint8Array;
  data: Uint8Array;
  from: number;
  /** Rows there are on either side. */
  before: number;
  after: number;
}): void {
  const length = map.length;
  const far1 = Math.min(reach, before) * length;
  const far2 = Math.min(reach, after) * length;
  const near1 = Math.min(1, before) * length;
  const near2 = Math.min(1, after) * length;
  for (let i = 0, at = from; i < length; i++, at++) {
    const value = data[at] as number;
    const a = data[at - far1] as number;
    const b = data[at + far2] as number;
    if (a === b && value === a) {
      map[i] = 0;
      continue;
    }
    const isDark = value + lineContrast < a && value + lineContrast < b;
    const isLight = value - lineContrast > a && value - lineContrast > b;
    // The dark side of a filled area is even; that of the upper edge of a row of letters is not.
    const c = data[at - near1] as number;
    const d = data[at + near2] as number;
    const isEdge = Math.abs(c - d) > edgeContrast && (c < d ? Math.abs(a - c) : Math.abs(b - d)) < evenness;
    map[i] = isDark || isLight || isEdge ? 1 : 0;
  }
}

/** In blocks, so that both sides stay in the cache. */
function transposed(data: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const block = 32;
  for (let y0 = 0; y0 < height; y0 += block) {
    const y1 = Math.min(height, y0 + block);
    for (let x0 = 0; x0 < width; x0 += block) {
      const x1 = Math.min(width, x0 + block);
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) out[x * height + y] = data[y * width + x] as number;
    }
  }
  return out;
}

/** Runs along one row or column, over gaps of up to {@link smallGap}. Dense letters leave more blanks than a line. */
function runsOf(map: Uint8Array, shortest: number, visit: (from: number, to: number) => void): void {
  let start = -1;
  let last = -1;
  let count = 0;
  const close = () => {
    const length = last + 1 - start;
    if (length >= shortest && count >= leastDensity * length) visit(start, last + 1);
  };
  for (let i = 0; i < map.length; i++) {
    if (map[i] === 0) continue;
    if (start >= 0 && i - last > smallGap + 1) {
      close();
      start = i;
      count = 0;
    } else if (start < 0) start = i;
    last = i;
    count++;
  }
  if (start >= 0) close();
}

interface OpenBand {
  first: number;
  last: number;
  from: number;
  to: number;
  /** Of the last row, to follow a line that climbs. */
  lastFrom: number;
  lastTo: number;
}

/** Joins runs of neighbouring rows to bands, and bands that continue each other to rulings. */
function collect(scan: (visit: (row: number, from: number, to: number) => void) => void): Ruling[] {
  const done: OpenBand[] = [];
  let open: OpenBand[] = [];
  let runs = 0;
  let current = -1;
  scan((row, from, to) => {
    if (++runs > mostRuns) return;
    if (row !== current) {
      current = row;
      if (open.some((band) => row - band.last > 2)) {
        done.push(...open.filter((band) => row - band.last > 2));
        open = open.filter((band) => row - band.last <= 2);
      }
    }
    const joined = open.find((band) => from < band.lastTo + 3 && to > band.lastFrom - 3);
    if (joined) {
      const isSameRow = joined.last === row;
      joined.last = row;
      joined.from = Math.min(joined.from, from);
      joined.to = Math.max(joined.to, to);
      joined.lastFrom = isSameRow ? Math.min(joined.lastFrom, from) : from;
      joined.lastTo = isSameRow ? Math.max(joined.lastTo, to) : to;
    } else {
      open.push({ first: row, last: row, from, to, lastFrom: from, lastTo: to });
    }
  });
  done.push(...open);
  const rulings: Ruling[] = [];
  for (const { first, last, from, to } of done) {
    const thickness = last - first + 1;
    if (thickness <= mostThickness) rulings.push({ at: (first + last) / 2 + 0.5, from, to, thickness });
    else if (to - from > 2 * thickness) {
      rulings.push({ at: first, from, to, thickness: 1 }, { at: last + 1, from, to, thickness: 1 });
    }
  }
  return joinCollinear(rulings);
}

/** Pieces of one line, parted by a crossing letter or a worn place. */
function joinCollinear(rulings: readonly Ruling[]): Ruling[] {
  const sorted = rulings.toSorted((a, b) => a.from - b.from || a.at - b.at);
  const joined: Ruling[] = [];
  for (const ruling of sorted) {
    const index = joined.findLastIndex(
      (other) => Math.abs(other.at - ruling.at) <= 3 && ruling.from - other.to <= 8 && ruling.from >= other.from,
    );
    const other = joined[index];
    if (other) {
      joined[index] = {
        at:
          (other.at * (other.to - other.from) + ruling.at * (ruling.to - ruling.from)) /
          (other.to - other.from + (ruling.to - ruling.from)),
        from: other.from,
        to: Math.max(other.to, ruling.to),
        thickness: Math.max(other.thickness, ruling.thickness),
      };
    } else joined.push(ruling);
  }
  return joined.toSorted((a, b) => a.at - b.at || a.from - b.from);
}
