import type { PageModel, PageWord } from '../pageModel.ts';
import { type Bounds, boundsOf } from '../span.ts';
import { endsKey } from './staticText.ts';

/** A key or a value: lines of words, top to bottom. */
export interface Block {
  readonly lines: readonly (readonly number[])[];
  readonly box: Bounds;
  readonly firstLine: Bounds;
  readonly lastLine: Bounds;
  readonly hasColon: boolean;
}

export interface Blocks {
  readonly keys: readonly Block[];
  readonly values: readonly Block[];
}

/** Static runs that can name something, and variable runs, their lines joined where they belong together. */
export function findBlocks(page: PageModel, fixed: Uint8Array, isLeftOut: (i: number) => boolean): Blocks {
  const isFree = (i: number) => !page.words[i]?.mark && !isLeftOut(i);
  const isSymbol = (i: number) => !/[\p{L}\p{N}]/u.test(page.words[i]?.text ?? '');
  // `#:` in `Order #:` goes with the key; a `$` alone does not.
  const isAttached = (i: number) => (page.gapLeft[i] ?? Infinity) <= 0.75 && !/\p{Sc}/u.test(page.words[i]?.text ?? '');
  const keyRuns = runs(page, {
    maxGap: 0.75,
    belongs: (i) => isFree(i) && fixed[i] === 1 && (!isSymbol(i) || isAttached(i)),
    itemNumbers: true,
  });
  const named = keyRuns.flatMap((run) => cutAfterColons(page, run)).filter((run) => hasLetters(page, run));
  const valueRuns = runs(page, { maxGap: 1.6, belongs: (i) => isFree(i) && fixed[i] === 0, itemNumbers: false });
  const values = stackValues(page, valueRuns, named).map((lines) => widened(page, fixed, block(page, lines)));
  const keys = wrapKeys(page, named, values).map((lines) => block(page, lines));
  return { keys, values };
}

const itemNumber = /^\(?\d{1,2}[a-z]?[.)]?$/i;

interface RunRule {
  readonly maxGap: number;
  readonly belongs: (i: number) => boolean;
  /** Whether a lone number at the start of a segment goes with what follows. */
  readonly itemNumbers: boolean;
}

function runs(page: PageModel, { maxGap, belongs, itemNumbers }: RunRule): number[][] {
  const joins = (i: number): boolean => {
    const next = page.right[i] ?? -1;
    if (next < 0 || !belongs(next)) return false;
    const gap = page.gapRight[i] ?? Infinity;
    const isItem = itemNumbers && itemNumber.test(page.words[i]?.text ?? '');
    return gap <= maxGap || (isItem && gap <= 2.5);
  };
  const joined = new Set<number>();
  for (const i of page.words.keys()) if (belongs(i) && joins(i)) joined.add(page.right[i] ?? -1);
  const starts = page.words.flatMap((_, i) => (belongs(i) && !joined.has(i) ? [i] : []));
  return starts.map((start) => {
    const run = [start];
    for (let i = start; joins(i); ) {
      i = page.right[i] ?? -1;
      run.push(i);
    }
    return run;
  });
}

function cutAfterColons(page: PageModel, run: readonly number[]): number[][] {
  const parts: number[][] = [[]];
  for (const i of run) {
    parts.at(-1)?.push(i);
    if (endsKey(page.words[i]?.text ?? '')) parts.push([]);
  }
  return parts.filter((part) => part.length > 0);
}

function hasLetters(page: PageModel, run: readonly number[]): boolean {
  return (
    (run
      .map((i) => page.words[i]?.text ?? '')
      .join('')
      .match(/\p{L}/gu)?.length ?? 0) >= 2
  );
}

function block(page: PageModel, lines: readonly (readonly number[])[]): Block {
  const last = lines.at(-1)?.at(-1) ?? -1;
  return {
    lines,
    box: boundsOf(page, lines.flat()),
    firstLine: boundsOf(page, lines[0] ?? []),
    lastLine: boundsOf(page, lines.at(-1) ?? []),
    hasColon: endsKey(page.words[last]?.text ?? ''),
  };
}

/** Keys that wrap: the next line at the same left edge, hardly any leading, up to three lines, no value beside the first. */
function wrapKeys(
  page: PageModel,
  keyRuns: readonly (readonly number[])[],
  values: readonly Block[],
): (readonly number[])[][] {
  const boxes = keyRuns.map((run) => boundsOf(page, run));
  const used = new Set<number>();
  const order = keyRuns.map((_, i) => i).sort((a, b) => (boxes[a]?.y0 ?? 0) - (boxes[b]?.y0 ?? 0) || a - b);
  const wrapped: (readonly number[])[][] = [];
  for (const start of order) {
    if (used.has(start)) continue;
    const lines = [keyRuns[start] ?? []];
    // The lines of `13 Excess golden parachute` go on below its second word.
    const firstWords = (lines[0] ?? []).map((i) => page.words[i] as PageWord);
    const hanging = itemNumber.test(firstWords[0]?.text ?? '') ? 2 : 1;
    const leftEdges = firstWords.slice(0, hanging).map((word) => word.x0);
    used.add(start);
    let current = start;
    while (lines.length < 3) {
      const own = boxes[current] as Bounds;
      if (endsKey(page.words[lines.at(-1)?.at(-1) ?? -1]?.text ?? '')) break;
      if (values.some((value) => isBeside(own, value.firstLine) && value.box.x0 - own.x1 < 6 * page.h)) break;
      const next = order.find((i) => {
        const box = boxes[i] as Bounds;
        const leading = (box.y0 - own.y1) / page.h;
        const isSame = leftEdges.some((x0) => Math.abs(box.x0 - x0) < 0.7 * page.h) && leading > -0.5 && leading < 0.35;
        return !used.has(i) && box.y0 > own.y0 + 0.4 * page.h && isSame;
      });
      if (next === undefined) break;
      used.add(next);
      lines.push(keyRuns[next] ?? []);
      current = next;
    }
    wrapped.push(lines);
  }
  return wrapped;
}

/** Lines of one value: same left edge, little leading, similar height, and no key of its own on the left. */
function stackValues(page: PageModel, valueRuns: readonly (readonly number[])[], keys: readonly (readonly number[])[]) {
  const { h } = page;
  const keyBoxes = keys.map((key) => boundsOf(page, key));
  const sorted = valueRuns
    .map((run) => ({ run, box: boundsOf(page, run) }))
    .sort((a, b) => a.box.y0 - b.box.y0 || a.box.x0 - b.box.x0);
  const stacks: { lines: (readonly number[])[]; last: Bounds }[] = [];
  for (const { run, box } of sorted) {
    const height = box.y1 - box.y0;
    const hasKey = keyBoxes.some(
      (key) =>
        isBeside(key, box) && key.x1 <= box.x0 + 0.5 * h && box.x0 - key.x1 < 12 * h && !isBetween(sorted, key, box),
    );
    const above = stacks.find(({ last }) => {
      const lastHeight = last.y1 - last.y0;
      const leading = box.y0 - last.y1;
      const isNext =
        leading > -0.5 * h && leading <= 0.75 * Math.max(h, Math.min(height, lastHeight)) && box.y0 > last.y0 + 0.4 * h;
      const isAlike = height < 1.6 * lastHeight && lastHeight < 1.6 * height;
      return isNext && isAlike && Math.abs(box.x0 - last.x0) <= 1.2 * h;
    });
    if (above && !hasKey) {
      above.lines.push(run);
      above.last = box;
    } else stacks.push({ lines: [run], last: box });
  }
  return stacks.map((stack) => stack.lines);
}

function isBetween(all: readonly { readonly box: Bounds }[], key: Bounds, value: Bounds): boolean {
  return all.some(({ box }) => box !== value && isBeside(box, value) && box.x0 > key.x1 - 1 && box.x1 < value.x0 + 1);
}

export function isBeside(a: Bounds, b: Bounds): boolean {
  return Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0) >= 0.5 * Math.min(a.y1 - a.y0, b.y1 - b.y0);
}

/** A printed currency sign or the like belongs to the place of the value on its right, though not to its text. */
function widened(page: PageModel, fixed: Uint8Array, value: Block): Block {
  let { firstLine } = value;
  for (let i = page.left[value.lines[0]?.[0] ?? -1] ?? -1; i >= 0; i = page.left[i] ?? -1) {
    const word = page.words[i] as PageWord;
    const reach = /\p{Sc}/u.test(word.text) ? 16 : 1.6;
    if (fixed[i] !== 1 || /[\p{L}\p{N}:]/u.test(word.text) || firstLine.x0 - word.x1 > reach * page.h) break;
    firstLine = { ...firstLine, x0: word.x0 };
  }
  return firstLine === value.firstLine
    ? value
    : { ...value, firstLine, box: { ...value.box, x0: Math.min(value.box.x0, firstLine.x0) } };
}
