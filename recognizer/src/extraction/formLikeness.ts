import { rounded } from './similarity.ts';
import type { PageLink, PageView } from './view.ts';

/**
 * How surely a document is the form of the samples, 0 to 1: by the words it shares with the most similar sample, or by how much
 * of what is printed on that sample stands at the same place here. The second speaks for short forms, where what is filled in
 * outweighs what is printed; it needs two samples to know the difference.
 */
export function formLikeness(views: readonly PageView[]): number {
  const links = views.flatMap((view) => view.links);
  const words = Math.max(0, ...links.map((link) => link.similarity));
  const print = Math.max(0, ...links.map(printedFound));
  return Math.round(rounded(Math.max(between(words, 0.15, 0.6), between(print, 0.3, 0.7))) * 1000) / 1000;
}

function between(value: number, none: number, full: number): number {
  return Math.min(1, Math.max(0, (value - none) / (full - none)));
}

function printedFound({ page, alignment }: PageLink): number {
  let printed = 0;
  let found = 0;
  for (const [i, word] of page.model.words.entries()) {
    if (!word.isAlphabetic || (page.printed[i] ?? 0) < 0.5) continue;
    printed++;
    if ((alignment.toOther[i] ?? -1) >= 0) found++;
  }
  return found / (printed + 8);
}
