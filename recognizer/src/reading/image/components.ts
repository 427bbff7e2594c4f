/** A connected region of set pixels, as its runs. */
export interface Component {
  readonly x0: number;
  readonly y0: number;
  /** Exclusive. */
  readonly x1: number;
  readonly y1: number;
  readonly area: number;
  /** Row, first column and column after the last of each run, three numbers a run, from top to bottom. */
  readonly runs: readonly number[];
}

/**
 * Regions of set pixels that touch by a side or a corner: runs of each row are joined with those of the row above by
 * union-find (Wu, Otoo and Suzuki, "Optimizing two-pass connected-component labeling algorithms", 2009).
 */
export function connectedComponents(
  bits: Uint8Array,
  {
    width,
    height,
    minArea = 1,
    maxRuns = 4_000_000,
  }: { width: number; height: number; minArea?: number; maxRuns?: number },
): Component[] {
  const rows: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const parent: number[] = [];
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] ?? root;
    for (let at = i; at !== root; ) {
      const next = parent[at] ?? root;
      parent[at] = root;
      at = next;
    }
    return root;
  };
  let above = 0;
  let aboveEnd = 0;
  for (let y = 0; y < height; y++) {
    const first = rows.length;
    let scan = above;
    const from = y * width;
    for (let x = 0; x < width; ) {
      if (bits[from + x] === 0) {
        x++;
        continue;
      }
      const start = x;
      while (x < width && bits[from + x] !== 0) x++;
      const run = rows.length;
      if (run >= maxRuns) return [];
      rows.push(y);
      starts.push(start);
      ends.push(x);
      parent.push(run);
      while (scan < aboveEnd && (ends[scan] ?? 0) < start) scan++;
      for (let k = scan; k < aboveEnd && (starts[k] ?? 0) <= x; k++) {
        const a = find(k);
        const b = find(run);
        if (a !== b) parent[Math.max(a, b)] = Math.min(a, b);
      }
    }
    above = first;
    aboveEnd = rows.length;
  }
  const found = new Map<number, { x0: number; y0: number; x1: number; y1: number; area: number; runs: number[] }>();
  for (let i = 0; i < rows.length; i++) {
    const root = find(i);
    const y = rows[i] ?? 0;
    const start = starts[i] ?? 0;
    const end = ends[i] ?? 0;
    let component = found.get(root);
    if (!component) {
      component = { x0: start, y0: y, x1: end, y1: y + 1, area: 0, runs: [] };
      found.set(root, component);
    }
    component.x0 = Math.min(component.x0, start);
    component.x1 = Math.max(component.x1, end);
    component.y1 = y + 1;
    component.area += end - start;
    component.runs.push(y, start, end);
  }
  return [...found.values()].filter((component) => component.area >= minArea);
}
