import type { Page } from '../../document.ts';
import { elementRefs, frameOf, type PageModel, pageModel, pageText, polygonOnPage } from '../pageModel.ts';
import { rounded } from '../similarity.ts';
import { boundsOf } from '../span.ts';
import type { AnalyzedFormPage, KeyValuePair, TextRegion, UnlabeledModel } from '../types.ts';
import { membership, pageTerms, sameForm } from './cluster.ts';
import type { LearnedClusters } from './learnedClusters.ts';
import type { Link } from './link.ts';
import { pairsOn, textOf } from './pairs.ts';
import { sharedWords } from './train.ts';

/** The form type of each page and its pairs of keys and values. */
export function analyzeUnlabeled(model: UnlabeledModel, pages: readonly Page[]): AnalyzedFormPage[] {
  const { clusters } = model.learned as LearnedClusters;
  const known = clusters.map((cluster) =>
    cluster.pages.map((text) => {
      const page = pageModel(text);
      return { model: page, terms: pageTerms(page) };
    }),
  );
  return pages.map((page): AnalyzedFormPage => {
    const frame = frameOf(page);
    const own = pageModel(pageText(page, frame));
    const terms = pageTerms(own);
    const means = known.map((members) =>
      rounded(members.reduce((sum, m) => sum + sameForm({ model: own, terms }, m), 0) / members.length),
    );
    const best = Math.max(0, ...means);
    const clusterId = means.indexOf(best);
    if (clusterId < 0 || best < membership) return { page: page.number, clusterId: null, keyValuePairs: [] };
    const { links } = pairsOn(own, sharedWords({ model: own, terms }, known[clusterId] ?? []));
    const shares = clusters[clusterId]?.keyShares ?? {};
    const refs = elementRefs(page);
    const region = (words: readonly number[]): TextRegion => {
      const { x0, y0, x1, y1 } = boundsOf(own, words);
      return {
        text: textOf(own, words),
        polygon: polygonOnPage(page, frame, [x0, y0, x1, y1]),
        elements: words.flatMap((i) => refs[i] ?? []),
      };
    };
    const keyValuePairs = links.map((link): KeyValuePair => {
      const [key, value] = [region(link.key.lines.flat()), region(link.value.lines.flat())];
      return { key, value, confidence: confidence(link, shares[textOfKey(own, link)] ?? 0) };
    });
    return { page: page.number, clusterId, keyValuePairs };
  });
}

function textOfKey(page: PageModel, link: Link): string {
  return textOf(page, link.key.lines.flat());
}

/** How often the samples had a value at that key, and how well the two stand together. */
function confidence(link: Link, share: number): number {
  const closeness = 1 / (1 + Math.exp(-3 * link.score));
  return Math.round(rounded((0.5 + 0.5 * share) * closeness) * 1000) / 1000;
}
