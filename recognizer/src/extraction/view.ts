import type { Alignment } from './align.ts';
import { type Form, maxSamplePages, printedShare, type SamplePage, sharpness, type Workshop } from './form.ts';
import type { PageModel } from './pageModel.ts';
import { rounded, similarity } from './similarity.ts';

/** A page under analysis as the samples see it. */
export interface PageView {
  readonly page: PageModel;
  /** The sample pages worth following, most similar first. */
  readonly links: readonly PageLink[];
  /** Per word, 0 to 1: how surely it is printed on the form. */
  readonly printed: Float64Array;
  /** Above this a word is printed: no candidate. */
  readonly threshold: number;
}

export interface PageLink {
  /** Index into {@link Form.pages}. */
  readonly index: number;
  readonly page: SamplePage;
  readonly similarity: number;
  /** How well this sample page fits, against the other sample pages: 1 for the best. */
  readonly weight: number;
  /** How well the page under analysis fits, against the document's other pages: 1 for the best. */
  readonly fit: number;
  readonly alignment: Alignment;
}

export function viewPages(form: Form, pages: readonly PageModel[], workshop: Workshop): PageView[] {
  const similarities = pages.map((page) => {
    const words = workshop.words(page);
    return form.pages.map((sample) => similarity(words, sample.words, form.wordWeights));
  });
  const most = form.pages.map((_, k) => Math.max(0, ...similarities.map((row) => row[k] ?? 0)));
  return pages.map((page, p) => {
    const row = similarities[p] ?? [];
    const best = Math.max(0, ...row);
    const links = form.pages
      .map((samplePage, index) => {
        const own = row[index] ?? 0;
        const weight = rounded(Math.exp(sharpness * (own - best)));
        const fit = rounded(Math.exp(sharpness * (own - (most[index] ?? 0))));
        return { index, page: samplePage, similarity: own, weight, fit };
      })
      .filter((link) => link.weight >= 0.02 && link.fit >= 0.02)
      .sort((a, b) => b.weight - a.weight || a.index - b.index)
      .slice(0, maxSamplePages)
      .map((link) => ({ ...link, alignment: workshop.align(link.page.model, page) }));
    return { page, links, printed: printedShare(page, links), threshold: form.sampleCount === 1 ? 0.99 : 0.5 };
  });
}
