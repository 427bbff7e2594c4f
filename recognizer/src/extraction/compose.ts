import type { Page } from '../document.ts';
import { analyzeLabeled } from './analyzeLabeled.ts';
import { plainWorkshop } from './form.ts';
import { learnedForms } from './modelFile.ts';
import { frameOf, type PageModel, pageText } from './pageModel.ts';
import { rounded } from './similarity.ts';
import type { AnalyzedForm, LabeledModel } from './types.ts';

export interface ComposedAnalysis {
  /** Index of the component that fits the document best; the form is what it found. */
  readonly component: number;
  readonly form: AnalyzedForm;
}

/** So many components are compared word by word with the document, the rest only by the words they share. */
const shortlist = 5;

/**
 * What the best fitting component of a composed model finds. First the components with the most similar words are picked, then
 * the one whose sample lies best on the document, word on word.
 *
 * @param models up to some hundreds; of those that fit equally the first
 * @param pages at least one
 * @throws RangeError where there are no models or no pages
 */
export function analyzeComposed(models: readonly LabeledModel[], pages: readonly Page[]): ComposedAnalysis {
  if (models.length === 0 || pages.length === 0)
    throw new RangeError('a composed analysis needs a component and a page');
  const component = models.length === 1 ? 0 : chooseComponent(models, pages);
  return { component, form: analyzeLabeled(models[component] as LabeledModel, pages) };
}

function chooseComponent(models: readonly LabeledModel[], pages: readonly Page[]): number {
  const texts = pages.map((page) => pageText(page, frameOf(page)));
  const own = rawWords(texts.flatMap((text) => text.texts));
  const ranked = models
    .map((model, component) => {
      const samples = learnedForms(model).samples.map((sample, index) => {
        const words = rawWords(sample.pages.flatMap((page) => page.texts));
        return { index, likeness: jaccard(own, words) };
      });
      const best = samples.reduce((a, b) => (b.likeness > a.likeness ? b : a), { index: -1, likeness: -1 });
      return { component, sample: best.index, likeness: best.likeness };
    })
    .sort((a, b) => b.likeness - a.likeness || a.component - b.component)
    .slice(0, shortlist);
  const documentPages = texts.map(plainWorkshop.model);
  let best = { component: ranked[0]?.component ?? 0, fit: -1 };
  for (const { component, sample, likeness } of ranked) {
    const samplePages = learnedForms(models[component] as LabeledModel).samples[sample]?.pages ?? [];
    const fit = rounded(likeness + overlap(documentPages, samplePages.map(plainWorkshop.model)));
    if (fit > best.fit || (fit === best.fit && component < best.component)) best = { component, fit };
  }
  return best.component;
}

/** Cheap enough for hundreds of components: no normal form. */
function rawWords(texts: readonly string[]): Set<string> {
  return new Set(texts.filter((text) => text.length >= 2 && !/\d/.test(text)).map((text) => text.toLowerCase()));
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let both = 0;
  for (const word of a) if (b.has(word)) both++;
  return rounded(both / Math.max(1, a.size + b.size - both));
}

/** Share of the words that lie on each other, page by page (Dice's coefficient). */
function overlap(document: readonly PageModel[], sample: readonly PageModel[]): number {
  let both = 0;
  let all = 0;
  for (const page of document) all += page.words.length;
  for (const [p, page] of sample.entries()) {
    all += page.words.length;
    const other = document[p];
    if (other) both += plainWorkshop.align(page, other).toOther.reduce((sum, match) => sum + (match >= 0 ? 1 : 0), 0);
  }
  return (2 * both) / Math.max(1, all);
}
