import { align } from '../align.ts';
import { type PageModel, segmentGap } from '../pageModel.ts';
import { rounded } from '../similarity.ts';
import { weightOfText } from '../wordText.ts';

/** What tells form types apart: words and pairs of neighbouring words, without numbers. */
export type PageTerms = ReadonlyMap<string, number>;

const pairWeight = 1.5;

/** Pages less alike than this are of different forms. */
export const clusterSimilarity = 0.33;
/** A page that is less like every form is of none. */
export const membership = 0.3;

export function pageTerms(page: PageModel): PageTerms {
  const terms = new Map<string, number>();
  for (const [i, word] of page.words.entries()) {
    if (!isTerm(word.norm, word.isAlphabetic)) continue;
    terms.set(word.norm, 1);
    const next = page.words[page.right[i] ?? -1];
    if (next && (page.gapRight[i] ?? Infinity) <= segmentGap && isTerm(next.norm, next.isAlphabetic)) {
      terms.set(`${word.norm} ${next.norm}`, pairWeight);
    }
  }
  return terms;
}

function isTerm(norm: string, isAlphabetic: boolean): boolean {
  return isAlphabetic && weightOfText(norm) >= 2 && !/\d/.test(norm);
}

/** Weighted Jaccard similarity, 0 to 1. */
export function likeness(a: PageTerms, b: PageTerms): number {
  let both = 0;
  let either = 0;
  for (const [term, weight] of a) {
    either += weight;
    if (b.has(term)) both += weight;
  }
  for (const [term, weight] of b) if (!a.has(term)) either += weight;
  return either > 0 ? rounded(both / either) : 0;
}

export interface FormPage {
  readonly model: PageModel;
  readonly terms: PageTerms;
}

/**
 * How surely two pages are the same form. Where the words alone leave it open (short forms say more in what is filled in than
 * in what is printed), the words that also keep their arrangement decide.
 */
export function sameForm(a: FormPage, b: FormPage): number {
  const words = likeness(a.terms, b.terms);
  if (words < 0.12 || words > 0.35) return words;
  const { toOther } = align(a.model, b.model);
  const kept = toOther.reduce((sum, match, i) => sum + (match >= 0 && a.model.words[i]?.isAlphabetic ? 1 : 0), 0);
  const count = (page: PageModel) => page.words.filter((word) => word.isAlphabetic).length;
  const arranged = kept / Math.max(1, Math.min(count(a.model), count(b.model)));
  // A few words in the same order are chance: receipts of all shops end with total, cash and change.
  const evidence = (arranged * kept) / (kept + 20);
  return rounded(Math.max(words, 0.8 * (words + evidence)));
}

/**
 * Groups pages by form type: agglomerative clustering with average linkage (Sokal and Michener 1958), up to
 * {@link clusterSimilarity}.
 *
 * @returns indices of the pages of each cluster, in the order of their first page
 */
export function clusterPages(pages: readonly FormPage[]): number[][] {
  const clusters = pages.map((_, i) => [i]);
  // Sums of the likenesses between two clusters; merging adds them up.
  const sums = pages.map(() => pages.map(() => 0));
  for (const [i, a] of pages.entries()) {
    for (let j = i + 1; j < pages.length; j++) {
      const same = sameForm(a, pages[j] as FormPage);
      (sums[i] as number[])[j] = same;
      (sums[j] as number[])[i] = same;
    }
  }
  for (;;) {
    let best = { a: -1, b: -1, mean: clusterSimilarity };
    for (const [a, own] of clusters.entries()) {
      for (let b = a + 1; b < clusters.length; b++) {
        const mean = rounded((sums[a]?.[b] ?? 0) / (own.length * (clusters[b]?.length ?? 1)));
        if (mean > best.mean) best = { a, b, mean };
      }
    }
    if (best.a < 0) return clusters;
    for (const row of sums) row[best.a] = (row[best.a] ?? 0) + (row[best.b] ?? 0);
    const [into, from] = [sums[best.a] as number[], sums[best.b] as number[]];
    for (const c of into.keys()) into[c] = (into[c] ?? 0) + (from[c] ?? 0);
    clusters[best.a]?.push(...(clusters[best.b] ?? []));
    clusters.splice(best.b, 1);
    sums.splice(best.b, 1);
    for (const row of sums) row.splice(best.b, 1);
  }
}
