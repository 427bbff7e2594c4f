import type { PageModel } from '../pageModel.ts';
import { rounded } from '../similarity.ts';
import type { Bounds } from '../span.ts';
import { type Block, type Blocks, isBeside } from './blocks.ts';

export interface Link {
  readonly key: Block;
  readonly value: Block;
  readonly score: number;
}

const leastScore = -0.2;

/**
 * Gives every value its key: on the left of its row, or above. The scores are log-linear in the distance; greedy, one to one,
 * best first; then signature lines, whose key stands directly below; then values left over share a key.
 */
export function linkBlocks(page: PageModel, blocks: Blocks): Link[] {
  const offers = blocks.values.flatMap((value, v) =>
    blocks.keys.map((key, k) => ({ v, k, score: rounded(linkScore(page, blocks, key, value)) })),
  );
  offers.sort((a, b) => b.score - a.score || a.v - b.v || a.k - b.k);
  const keyOf = new Map<number, { k: number; score: number }>();
  const used = new Set<number>();
  for (const { v, k, score } of offers) {
    if (score < leastScore) break;
    if (keyOf.has(v) || used.has(k)) continue;
    keyOf.set(v, { k, score });
    used.add(k);
  }
  for (const [v, value] of blocks.values.entries()) {
    if (keyOf.has(v)) continue;
    const k = blocks.keys.findIndex((key, index) => !used.has(index) && isSignatureLine(page, key, value));
    if (k < 0) continue;
    keyOf.set(v, { k, score: 0 });
    used.add(k);
  }
  for (const { v, k, score } of offers) {
    if (score < leastScore) break;
    if (!keyOf.has(v)) keyOf.set(v, { k, score: score - 0.5 });
  }
  const links = [...keyOf].flatMap(([v, { k, score }]) => {
    const [key, value] = [blocks.keys[k], blocks.values[v]];
    return key && value ? [{ key, value, score }] : [];
  });
  return links.sort(
    (a, b) => a.key.box.y0 - b.key.box.y0 || a.key.box.x0 - b.key.box.x0 || a.value.box.y0 - b.value.box.y0,
  );
}

function linkScore(page: PageModel, blocks: Blocks, key: Block, value: Block): number {
  const { h } = page;
  const colon = key.hasColon ? 0.3 : 0;
  let best = -Infinity;
  const own = value.firstLine;
  if (isBeside(key.box, own) && key.box.x1 <= own.x0 + 0.5 * h) {
    const gap = Math.max(0, own.x0 - key.box.x1) / h;
    const isBlocked = blocks.values.some((other) => other !== value && standsBetween(other.box, key.box, own));
    const isSentence = key.lines.reduce((sum, line) => sum + line.length, 0) >= 9;
    best = 2.16 - 0.7 * Math.log(1 + gap) + colon - (isBlocked ? 1.2 : 0) - (isSentence ? 0.8 : 0);
  }
  const overlap = Math.min(key.box.x1, value.box.x1) - Math.max(key.box.x0, value.box.x0);
  if (overlap > 0 && key.box.y1 <= value.box.y0 + 0.4 * h) {
    const gap = Math.max(0, value.box.y0 - key.box.y1) / h;
    const centre = Math.abs(key.box.x0 + key.box.x1 - value.box.x0 - value.box.x1) / 2;
    const offset = Math.min(Math.abs(key.box.x0 - value.box.x0), centre) / h;
    const isBlocked = [...blocks.values, ...blocks.keys].some(
      (other) => other !== value && other !== key && standsUnder(other.box, key.box, value.box),
    );
    const above = 1.12 - 0.67 * Math.log(1 + gap) - 0.39 * Math.min(1, offset / 8) + colon - (isBlocked ? 1 : 0);
    best = Math.max(best, above);
  }
  return best;
}

function standsBetween(other: Bounds, key: Bounds, value: Bounds): boolean {
  return isBeside(other, value) && (other.x0 + other.x1) / 2 > key.x1 && (other.x0 + other.x1) / 2 < value.x0;
}

function standsUnder(other: Bounds, key: Bounds, value: Bounds): boolean {
  const middle = (other.y0 + other.y1) / 2;
  const isBetween = middle > key.y1 && middle < value.y0;
  return isBetween && other.x0 < Math.min(key.x1, value.x1) && other.x1 > Math.max(key.x0, value.x0);
}

function isSignatureLine(page: PageModel, key: Block, value: Block): boolean {
  const gap = (key.box.y0 - value.box.y1) / page.h;
  return gap > -0.3 && gap < 0.9 && key.box.x0 < value.box.x1 && key.box.x1 > value.box.x0;
}
