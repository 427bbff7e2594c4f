import type { Slot } from './form.ts';
import { type PageModel, type PageWord, segmentGap, wordsBetween } from './pageModel.ts';
import { boundsOf } from './span.ts';
import type { PageView } from './view.ts';

/** So many candidates are enough: on crowded pages only the most promising first words are tried. */
const enough = 4000;

/** Words further apart than a segment's may be one value: what is written by hand, or read from it, has wider spaces. */
const handGap = 1.7;

/**
 * Word indices of every span of the page that may be the slot's value, each once, in a fixed order.
 *
 * @param start how promising a first word is
 */
export function candidates(view: PageView, slot: Slot, start: (word: number) => number): number[][] {
  const { page } = view;
  const isFree = (i: number) => (view.printed[i] ?? 0) < view.threshold;
  if (slot.kind === 'mark') return page.words.flatMap((word, i) => (word.mark && isFree(i) ? [[i]] : []));
  const maxGap = Math.max(handGap, 1.25 * slot.maxGap + 0.2);
  const maxWords = Math.ceil(1.6 * slot.maxWords) + 2;
  const maxRows = Math.ceil(1.6 * slot.maxRows);
  const found = new Map<string, number[]>();
  let words = 0;
  const add = (span: number[]) => {
    const key = span.join(' ');
    if (found.has(key)) return;
    found.set(key, span);
    words += span.length;
  };
  let starts = page.words.flatMap((word, i) => (!word.mark && isFree(i) ? [i] : []));
  const perStart = Math.min(maxWords, 20) + (slot.maxRows > 1 ? 3 * maxRows : 0);
  if (starts.length * perStart > enough) {
    const ranked = starts.map((i) => ({ i, likeness: start(i) })).sort((a, b) => b.likeness - a.likeness || a.i - b.i);
    starts = ranked.map(({ i }) => i);
  }
  for (const i of starts) {
    if (found.size > enough || words > 20 * enough) break;
    const run = runFrom(page, i, { maxGap, isFree });
    for (let length = 1; length <= Math.min(run.length, maxWords); length++) add(run.slice(0, length));
    if (slot.maxRows > 1 && isStart(page, i, isFree)) {
      for (const block of blocksFrom(page, run, { maxGap, isFree, maxRows })) {
        if (block.length <= maxWords + slot.maxRows) add(block);
      }
    }
  }
  return [...found.values()];
}

interface RunLimits {
  readonly maxGap: number;
  readonly isFree: (i: number) => boolean;
}

function runFrom(page: PageModel, start: number, { maxGap, isFree }: RunLimits): number[] {
  const run = [start];
  for (;;) {
    const last = run[run.length - 1] ?? start;
    const next = page.right[last] ?? -1;
    if (next < 0 || (page.gapRight[last] ?? Infinity) > maxGap || !isFree(next) || run.length > 60) return run;
    run.push(next);
  }
}

function isStart(page: PageModel, i: number, isFree: (i: number) => boolean): boolean {
  const before = page.left[i] ?? -1;
  return before < 0 || (page.gapLeft[i] ?? Infinity) > segmentGap || !isFree(before);
}

/** Blocks of lines below each other: all lines whole, and with the last line cut by up to two words. */
function blocksFrom(
  page: PageModel,
  firstLine: readonly number[],
  limits: RunLimits & { readonly maxRows: number },
): number[][] {
  const blocks: number[][] = [];
  let lines = [...firstLine];
  let last: readonly number[] = firstLine;
  for (let row = 1; row < limits.maxRows; row++) {
    const next = nextLine(page, last, limits);
    if (!next) break;
    for (let cut = 0; cut <= 2 && cut < next.length; cut++)
      blocks.push([...lines, ...next.slice(0, next.length - cut)]);
    lines = [...lines, ...next];
    last = next;
  }
  return blocks;
}

function nextLine(page: PageModel, line: readonly number[], limits: RunLimits): number[] | undefined {
  const box = boundsOf(page, line);
  const centre = (box.y0 + box.y1) / 2;
  const height = box.y1 - box.y0;
  const below = wordsBetween(page, box.y1 - 0.5 * height, box.y1 + 1.6 * page.h).filter((i) => {
    const word = page.words[i] as PageWord;
    if (word.mark || !limits.isFree(i) || !isStart(page, i, limits.isFree)) return false;
    const isBelow =
      (word.y0 + word.y1) / 2 > centre + 0.6 * Math.min(height, word.y1 - word.y0) && word.y0 - box.y1 <= 1.6 * page.h;
    return isBelow && overlaps(page, runFrom(page, i, limits), box);
  });
  const top = Math.min(...below.map((i) => page.words[i]?.y0 ?? Infinity));
  const near = below.filter((i) => (page.words[i]?.y0 ?? 0) <= top + 0.5 * page.h);
  const start = near.sort((a, b) => (page.words[a]?.x0 ?? 0) - (page.words[b]?.x0 ?? 0) || a - b)[0];
  return start === undefined ? undefined : runFrom(page, start, limits);
}

function overlaps(page: PageModel, run: readonly number[], box: { x0: number; x1: number }): boolean {
  const own = boundsOf(page, run);
  return own.x0 < box.x1 && own.x1 > box.x0;
}
