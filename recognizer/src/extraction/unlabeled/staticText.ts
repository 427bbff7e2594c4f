import { type PageModel, segmentGap } from '../pageModel.ts';

/**
 * Which words belong to the form and which to what was filled in.
 *
 * @param share per word, in how many of the form's other pages it stands at the same place, 0 to 1
 */
export function staticWords(page: PageModel, share: Float64Array): Uint8Array {
  const fixed = Uint8Array.from(page.words, (word, i) => {
    if (word.mark) return 1;
    return (share[i] ?? 0) >= (mayVary(word.text) ? 0.8 : 0.6) - 1e-9 ? 1 : 0;
  });
  for (const segment of segments(page)) {
    takeInto(page, segment, fixed);
    freeConstants(page, segment, fixed);
  }
  freeBelow(page, fixed);
  freeContinued(page, fixed);
  return fixed;
}

/** Codes and addresses on the net are filled in more often than printed. */
function mayVary(text: string): boolean {
  return /\d|@|www\./i.test(text);
}

export function endsKey(text: string): boolean {
  return /[:：]$/.test(text) && /[^:：]/.test(text);
}

export function segments(page: PageModel): number[][] {
  const starts = page.words.flatMap((word, i) => (!word.mark && (page.gapLeft[i] ?? Infinity) > segmentGap ? [i] : []));
  return starts.map((start) => {
    const segment = [start];
    for (let i = start; (page.gapRight[i] ?? Infinity) <= segmentGap; ) {
      i = page.right[i] ?? -1;
      if (i < 0) break;
      segment.push(i);
    }
    return segment;
  });
}

/** `Seattle, WA 98383`: a few words that happen to be the same everywhere stay with the value they follow. */
function takeInto(page: PageModel, segment: readonly number[], fixed: Uint8Array): void {
  for (let k = 1; k < segment.length; k++) {
    const [before, i] = [segment[k - 1] ?? 0, segment[k] ?? 0];
    if (fixed[i] !== 1 || fixed[before] !== 0 || (page.gapRight[before] ?? Infinity) >= 0.6) continue;
    let end = k;
    while (end < segment.length && fixed[segment[end] ?? 0] === 1) end++;
    const run = segment.slice(k, end);
    if (run.length > 3 || run.some((w) => endsKey(page.words[w]?.text ?? ''))) continue;
    for (const w of run) fixed[w] = 0;
  }
}

/** `Phone: 555-348-6512`: what follows a colon is a value, even where it never changes. */
function freeConstants(page: PageModel, segment: readonly number[], fixed: Uint8Array): void {
  const key = segment.findIndex((i) => fixed[i] === 1 && endsKey(page.words[i]?.text ?? ''));
  if (key < 0) return;
  const rest = segment.slice(key + 1);
  if (rest.length === 0 || rest.length > 8 || rest.some((i) => endsKey(page.words[i]?.text ?? ''))) return;
  for (const i of rest) fixed[i] = 0;
}

/** The same for a constant text with digits under a colon that has nothing to its right. */
function freeBelow(page: PageModel, fixed: Uint8Array): void {
  const all = segments(page);
  for (const segment of all) {
    const last = page.words[segment.at(-1) ?? -1];
    const first = page.words[segment[0] ?? -1];
    if (!last || !first || !endsKey(last.text) || segment.some((i) => fixed[i] === 0)) continue;
    const under = all.find((other) => {
      const word = page.words[other[0] ?? -1];
      if (!word || other === segment) return false;
      const gap = (word.y0 - last.y1) / page.h;
      return gap > -0.3 && gap < 1.5 && Math.abs(word.x0 - first.x0) < 1.2 * page.h;
    });
    const isConstant = under?.every((i) => fixed[i] === 1) && under.some((i) => mayVary(page.words[i]?.text ?? ''));
    if (under && isConstant && !under.some((i) => endsKey(page.words[i]?.text ?? '')))
      for (const i of under) fixed[i] = 0;
  }
}

/** Lines that go on below a value beside its key, at the left edge of the value: an address in a form that has but one client. */
function freeContinued(page: PageModel, fixed: Uint8Array): void {
  const all = segments(page);
  for (const [i, word] of page.words.entries()) {
    const key = page.words[page.left[i] ?? -1];
    if (fixed[i] !== 0 || !key || !endsKey(key.text) || (page.gapRight[page.left[i] ?? -1] ?? Infinity) > 1.6) continue;
    let bottom = word.y1;
    for (let line = 0; line < 4; line++) {
      const next = all.find((segment) => {
        const first = page.words[segment[0] ?? -1];
        if (!first || beforeKey(page, segment).length === 0) return false;
        const leading = (first.y0 - bottom) / page.h;
        return leading > -0.4 && leading < 0.75 && Math.abs(first.x0 - word.x0) < 0.6 * page.h;
      });
      if (!next) break;
      for (const w of beforeKey(page, next)) fixed[w] = 0;
      bottom = page.words[next[0] ?? -1]?.y1 ?? Infinity;
    }
  }
}

/** The part of a segment before its first key: the words up to the one with a colon and the letters that lead to it. */
function beforeKey(page: PageModel, segment: readonly number[]): readonly number[] {
  let end = segment.findIndex((i) => endsKey(page.words[i]?.text ?? ''));
  if (end < 0) return segment;
  while (end > 0 && page.words[segment[end - 1] ?? -1]?.isAlphabetic) end--;
  return segment.slice(0, end);
}
