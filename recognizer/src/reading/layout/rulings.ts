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
const mostRuns = 200_000;

/** Finds straight level and upright lines of ink at least `shortest` pixels long. */
export function findRulings(
  ink: Uint8Array,
  { width, height, shortest }: { width: number; height: number; shortest: number },
): Rulings {
  const horizontal = collect((visit) => {
    for (let y = 0; y < height; y++)
      runsOf(
        width,
        (x) => ink[y * width + x] !== 0,
        shortest,
        (a, b) => visit(y, a, b),
      );
  });
  const vertical = collect((visit) => {
    for (let x = 0; x < width; x++)
      runsOf(
        height,
        (y) => ink[y * width + x] !== 0,
        shortest,
        (a, b) => visit(x, a, b),
      );
  });
  return { horizontal, vertical };
}

/** Runs of ink along one row or column, over gaps of up to {@link smallGap}. */
function runsOf(
  length: number,
  isInk: (i: number) => boolean,
  shortest: number,
  visit: (from: number, to: number) => void,
): void {
  let start = -1;
  let last = -1;
  for (let i = 0; i < length; i++) {
    if (!isInk(i)) continue;
    if (start >= 0 && i - last > smallGap + 1) {
      if (last + 1 - start >= shortest) visit(start, last + 1);
      start = i;
    } else if (start < 0) start = i;
    last = i;
  }
  if (start >= 0 && last + 1 - start >= shortest) visit(start, last + 1);
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
  scan((row, from, to) => {
    if (++runs > mostRuns) return;
    const still: OpenBand[] = [];
    let joined: OpenBand | undefined;
    for (const band of open) {
      if (row - band.last > 2) {
        done.push(band);
        continue;
      }
      still.push(band);
      if (!joined && from < band.lastTo + 3 && to > band.lastFrom - 3) joined = band;
    }
    open = still;
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
