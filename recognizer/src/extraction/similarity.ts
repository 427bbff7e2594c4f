import type { PageModel } from './pageModel.ts';
import { weightOfText } from './wordText.ts';

/** The words by which pages are told apart: alphabetic, in normal form. */
export function wordSet(page: PageModel): ReadonlySet<string> {
  return new Set(page.words.filter((w) => w.isAlphabetic && weightOfText(w.norm) >= 2).map((w) => w.norm));
}

/** Inverse document frequency over the samples' pages: words that separate the samples weigh more. */
export function wordWeights(sets: readonly ReadonlySet<string>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const set of sets) for (const word of set) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Map([...counts].map(([word, count]) => [word, Math.log(1 + sets.length / count)]));
}

/** Weighted Jaccard similarity, 0 to 1, over the words that have a weight. */
export function similarity(
  a: ReadonlySet<string>,
  b: ReadonlySet<string>,
  weights: ReadonlyMap<string, number>,
): number {
  let both = 0;
  let either = 0;
  for (const word of a) {
    const weight = weights.get(word) ?? 0;
    either += weight;
    if (b.has(word)) both += weight;
  }
  for (const word of b) if (!a.has(word)) either += weights.get(word) ?? 0;
  return either > 0 ? rounded(both / either) : 0;
}

/** To six places: logarithms and exponentials may differ in the last bit between engines, and must not decide anything. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
