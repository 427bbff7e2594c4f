// Text and box measures, as the published sets use them. Boxes are eight numbers in fractions of the page.

export function bounds(p) {
  const xs = [p[0], p[2], p[4], p[6]];
  const ys = [p[1], p[3], p[5], p[7]];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export function iou(a, b) {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return 0;
  const area = (x) => (x[2] - x[0]) * (x[3] - x[1]);
  return (w * h) / (area(a) + area(b) - w * h);
}

export const norms = {
  exact: (s) => s,
  nocase: (s) => s.toUpperCase(),
  alnum: (s) => s.toUpperCase().replace(/[^\p{L}\p{N}]/gu, ''),
};
export const tokens = (s) => s.split(/\s+/).filter(Boolean);

export function bag(truth, read, norm) {
  const left = new Map();
  const count = { truth: 0, read: 0, hit: 0 };
  for (const w of truth) {
    const k = norm(w);
    if (!k) continue;
    count.truth++;
    left.set(k, (left.get(k) ?? 0) + 1);
  }
  for (const w of read) {
    const k = norm(w);
    if (!k) continue;
    count.read++;
    const n = left.get(k) ?? 0;
    if (n > 0) {
      count.hit++;
      left.set(k, n - 1);
    }
  }
  return count;
}

export function prf({ truth, read, hit }) {
  const p = read ? hit / read : 0;
  const r = truth ? hit / truth : 0;
  return { p, r, f1: p + r ? (2 * p * r) / (p + r) : 0 };
}

export function editDistance(a, b) {
  const s = [...a];
  const t = [...b];
  let previous = Array.from({ length: t.length + 1 }, (_, i) => i);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (s[i - 1] === t[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[t.length];
}

/** One to one, best first. */
export function matchBoxes(truth, read, least) {
  const a = truth.map((w) => bounds(w.box));
  const b = read.map((w) => bounds(w.box));
  const pairs = [];
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      const v = iou(x, y);
      if (v >= least) pairs.push([v, i, j]);
    });
  });
  pairs.sort((x, y) => y[0] - x[0]);
  const usedA = new Set();
  const usedB = new Set();
  return pairs.filter(([, i, j]) => !usedA.has(i) && !usedB.has(j) && usedA.add(i) && usedB.add(j));
}

export function auroc(right, wrong) {
  const all = [...right.map((v) => [v, 1]), ...wrong.map((v) => [v, 0])].sort((a, b) => a[0] - b[0]);
  let ranks = 0;
  for (let i = 0; i < all.length; ) {
    let j = i;
    while (j < all.length && all[j][0] === all[i][0]) j++;
    for (let k = i; k < j; k++) if (all[k][1]) ranks += (i + 1 + j) / 2;
    i = j;
  }
  return (ranks - (right.length * (right.length + 1)) / 2) / (right.length * wrong.length);
}

export const mean = (a) => (a.length ? a.reduce((x, y) => x + y, 0) / a.length : Number.NaN);
export const median = (a) => {
  const s = [...a].sort((x, y) => x - y);
  return s.length ? (s[(s.length - 1) >> 1] + s[s.length >> 1]) / 2 : Number.NaN;
};
