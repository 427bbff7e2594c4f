import { median, type PageModel, type PageWord, wordsBetween } from './pageModel.ts';
import { editDistance, weightOfText } from './wordText.ts';

/**
 * How a sample page lies on another page. Anchors (words that occur once on both) each keep their own shift, and a point
 * follows the anchors near it; so the part below a table of varying length moves with its own text, and slight tilt and
 * warped paper need no model. The idea of letting words around a value vote for its place is that of Rusinol, Benkhelfallah
 * and Poulain d'Andecy, "Field extraction from administrative documents by incremental structural templates", ICDAR 2013.
 */
export interface Alignment {
  /** Index on the other page of each sample word, or -1. */
  readonly toOther: Int32Array;
  /** Index on the sample page of each word of the other page, or -1. */
  readonly toSample: Int32Array;
  readonly scale: number;
  readonly map: (x: number, y: number) => readonly [number, number];
}

interface Anchor {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly a: number;
  readonly b: number;
}

export function align(sample: PageModel, other: PageModel): Alignment {
  const toOther = new Int32Array(sample.words.length).fill(-1);
  const toSample = new Int32Array(other.words.length).fill(-1);
  const pairs = anchorPairs(sample, other, toOther, toSample);
  const scale = scaleOf(sample, other, pairs);
  const h = other.h;
  const all = pairs.map(([a, b]): Anchor => {
    const [p, q] = [sample.words[a] as PageWord, other.words[b] as PageWord];
    const [x, y] = [p.x0, (p.y0 + p.y1) / 2];
    return { x: scale * x, y: scale * y, dx: q.x0 - scale * x, dy: (q.y0 + q.y1) / 2 - scale * y, a, b };
  });
  const anchors = consistent(all, h);
  const kept = new Set(anchors.map((anchor) => anchor.a));
  for (const { a, b } of all) {
    if (kept.has(a)) continue;
    toOther[a] = -1;
    toSample[b] = -1;
  }
  const map = (x: number, y: number): readonly [number, number] => shifted(anchors, h, scale * x, scale * y);
  matchEqual(sample, other, { toOther, toSample, map });
  matchSimilar(sample, other, { toOther, toSample, map });
  return { toOther, toSample, scale, map };
}

/** Words unique on both pages; then, among the rest, unique together with the right neighbour; then with the left one. */
function anchorPairs(
  sample: PageModel,
  other: PageModel,
  toOther: Int32Array,
  toSample: Int32Array,
): [number, number][] {
  const pairs: [number, number][] = [];
  const keys = [
    (page: PageModel, i: number) => page.words[i]?.norm,
    (page: PageModel, i: number) => joined(page, i, page.right[i] ?? -1),
    (page: PageModel, i: number) => joined(page, i, page.left[i] ?? -1),
  ];
  for (const key of keys) {
    const ofSample = uniqueKeys(sample, toOther, key);
    const ofOther = uniqueKeys(other, toSample, key);
    for (const [text, a] of ofSample) {
      const b = ofOther.get(text);
      if (a < 0 || b === undefined || b < 0) continue;
      pairs.push([a, b]);
      toOther[a] = b;
      toSample[b] = a;
    }
  }
  return pairs;
}

function joined(page: PageModel, i: number, neighbour: number): string | undefined {
  const next = page.words[neighbour];
  return next && next.norm !== '' ? `${page.words[i]?.norm} ${next.norm}` : undefined;
}

function uniqueKeys(page: PageModel, matched: Int32Array, key: (page: PageModel, i: number) => string | undefined) {
  const found = new Map<string, number>();
  for (const [i, word] of page.words.entries()) {
    if (!word.isAlphabetic || matched[i] !== -1 || weightOfText(word.norm) < 2) continue;
    const text = key(page, i);
    if (text !== undefined) found.set(text, found.has(text) ? -1 : i);
  }
  return found;
}

/** Median slope of x over anchors far apart (Theil and Sen); 1 where there is too little to tell. */
function scaleOf(sample: PageModel, other: PageModel, pairs: readonly (readonly [number, number])[]): number {
  if (pairs.length < 5) return 1;
  const step = Math.max(1, pairs.length / 150);
  const slopes: number[] = [];
  for (let i = 0; i < pairs.length; i += step) {
    for (let j = i + step; j < pairs.length; j += step) {
      const [a, b] = pairs[Math.floor(i)] as readonly [number, number];
      const [c, d] = pairs[Math.floor(j)] as readonly [number, number];
      const distance = (sample.words[a]?.x0 ?? 0) - (sample.words[c]?.x0 ?? 0);
      if (Math.abs(distance) > 150) slopes.push(((other.words[b]?.x0 ?? 0) - (other.words[d]?.x0 ?? 0)) / distance);
    }
  }
  const slope = median(slopes);
  return slopes.length > 0 && slope >= 0.6 && slope <= 1.6 ? slope : 1;
}

/** Without the anchors that are alone with their shift: words that happen to occur once on both pages, but elsewhere. */
function consistent(anchors: readonly Anchor[], h: number): Anchor[] {
  if (anchors.length < 3) return [...anchors];
  const middle = median(anchors.map((anchor) => anchor.dx));
  const straight = anchors.filter((anchor) => Math.abs(anchor.dx - middle) <= Math.max(80, 6 * h));
  const sorted = [...straight].sort((p, q) => p.y - q.y || p.a - q.a);
  return sorted.filter((anchor, i) => {
    const near = sorted
      .slice(Math.max(0, i - 8), i + 9)
      .filter((o) => o !== anchor)
      .sort((p, q) => Math.abs(p.y - anchor.y) - Math.abs(q.y - anchor.y) || p.a - q.a)
      .slice(0, 8);
    const agreeing = near.filter((o) => Math.abs(o.dy - anchor.dy) <= 1.5 * h).length;
    return agreeing >= Math.min(2, near.length) || Math.abs(anchor.dy - median(near.map((o) => o.dy))) <= 2.5 * h;
  });
}

/** The point moved by the weighted median shift of its seven nearest anchors. */
function shifted(anchors: readonly Anchor[], h: number, x: number, y: number): readonly [number, number] {
  const near: { d: number; anchor: Anchor }[] = [];
  for (const anchor of anchors) {
    const [across, down] = [(anchor.x - x) / 3, anchor.y - y];
    const d = length(across, down) / h;
    const last = near[near.length - 1];
    if (near.length === 7 && last && d >= last.d) continue;
    let k = near.length;
    while (k > 0 && (near[k - 1]?.d ?? 0) > d) k--;
    near.splice(k, 0, { d, anchor });
    if (near.length > 7) near.pop();
  }
  if (near.length === 0) return [x, y];
  const by = (pick: (anchor: Anchor) => number) => weightedMedian(near.map((n) => [pick(n.anchor), 1 / (0.5 + n.d)]));
  return [x + by((anchor) => anchor.dx), y + by((anchor) => anchor.dy)];
}

// Math.hypot may round differently from engine to engine; a square root may not.
function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}

function weightedMedian(values: readonly (readonly [value: number, weight: number])[]): number {
  const sorted = [...values].sort((a, b) => a[0] - b[0]);
  const half = sorted.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  let sum = 0;
  for (const [value, weight] of sorted) {
    sum += weight;
    if (sum >= half) return value;
  }
  return sorted.at(-1)?.[0] ?? 0;
}

interface Matching {
  readonly toOther: Int32Array;
  readonly toSample: Int32Array;
  readonly map: (x: number, y: number) => readonly [number, number];
}

/** Equal words, numbers and marks too, within 1.6 heights of where the sample's word should be; the nearest first. */
function matchEqual(sample: PageModel, other: PageModel, matching: Matching): void {
  const places = new Map<string, number[]>();
  for (const [j, word] of other.words.entries()) {
    const key = word.norm === '' ? word.text : word.norm;
    const list = places.get(key);
    if (list) list.push(j);
    else places.set(key, [j]);
  }
  const found: [distance: number, a: number, b: number][] = [];
  for (const [i, word] of sample.words.entries()) {
    if (matching.toOther[i] !== -1) continue;
    const same = places.get(word.norm === '' ? word.text : word.norm);
    if (!same) continue;
    const [x, y] = matching.map(word.x0, (word.y0 + word.y1) / 2);
    for (const j of same) {
      const o = other.words[j] as PageWord;
      const distance = length(o.x0 - x, (o.y0 + o.y1) / 2 - y) / other.h;
      if (distance <= 1.6) found.push([distance, i, j]);
    }
  }
  take(found, matching);
}

/** Words that reading may have spoilt: at the very place, with few letters changed. Never numbers, whose digits are their meaning. */
function matchSimilar(sample: PageModel, other: PageModel, matching: Matching): void {
  const found: [distance: number, a: number, b: number][] = [];
  for (const [i, word] of sample.words.entries()) {
    if (matching.toOther[i] !== -1 || !word.isAlphabetic || word.norm.length < 3) continue;
    const [x, y] = matching.map(word.x0, (word.y0 + word.y1) / 2);
    for (const j of wordsBetween(other, y - 0.8 * other.h, y + 0.8 * other.h)) {
      const o = other.words[j] as PageWord;
      if (matching.toSample[j] !== -1 || !o.isAlphabetic || o.norm.length < 3) continue;
      const [dx, dy] = [Math.abs(o.x0 - x), Math.abs((o.y0 + o.y1) / 2 - y)];
      if (dx > 1.2 * other.h || dy > 0.8 * other.h) continue;
      const letters = Math.max(word.norm.length, o.norm.length);
      const limit = Math.floor(letters * (letters < 6 ? 0.26 : 0.34));
      const edits = editDistance(word.norm, o.norm, limit);
      if (edits <= limit) found.push([edits / letters + (dx + dy) / (10 * other.h), i, j]);
    }
  }
  take(found, matching);
}

function take(found: [distance: number, a: number, b: number][], { toOther, toSample }: Matching): void {
  found.sort((p, q) => Math.round((p[0] - q[0]) * 1e6) || p[1] - q[1] || p[2] - q[2]);
  for (const [, a, b] of found) {
    if (toOther[a] !== -1 || toSample[b] !== -1) continue;
    toOther[a] = b;
    toSample[b] = a;
  }
}
