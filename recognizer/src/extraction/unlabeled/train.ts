import { RecognizerError } from '../../errors.ts';
import { align } from '../align.ts';
import { frameOf, type PageModel, pageModel, pageText, wordsBetween } from '../pageModel.ts';
import { rounded } from '../similarity.ts';
import type { Sample, UnlabeledModel } from '../types.ts';
import { clusterPages, type FormPage, likeness, pageTerms } from './cluster.ts';
import type { LearnedClusters } from './learnedClusters.ts';
import { pairsOn, textOf } from './pairs.ts';
import { endsKey } from './staticText.ts';

/** Comparing a page with more others than this tells nothing new. */
const maxOthers = 12;

export interface TrainUnlabeledRequest {
  /** Labels are not looked at. */
  readonly samples: readonly Sample[];
  /** Called with the share of the work that is done, 0 to 1, now and then. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Learns form types from documents alone: pages are grouped by the words they share, and what all pages of a group print at
 * the same place is the form, the rest what was filled in.
 *
 * @throws RecognizerError `invalidTrainingSet` where there is no page with words
 */
export function trainUnlabeled({ samples, onProgress }: TrainUnlabeledRequest): UnlabeledModel {
  const texts = samples.flatMap((sample) => sample.pages.map((page) => pageText(page, frameOf(page))));
  const pages = texts
    .map((text) => {
      const model = pageModel(text);
      return { text, model, terms: pageTerms(model) };
    })
    .filter(({ model }) => model.words.some((w) => !w.mark));
  if (pages.length === 0) throw new RecognizerError('invalidTrainingSet', 'no training document has a word on it');
  const clusters = clusterPages(pages);
  onProgress?.(0.2);
  let done = 0;
  const learned = clusters.map((members) => {
    const own = members.flatMap((i) => pages[i] ?? []);
    done += members.length;
    const cluster = learnCluster(own);
    onProgress?.(0.2 + (0.8 * done) / pages.length);
    return { ...cluster, pages: own.map(({ text }) => text) };
  });
  const forms: LearnedClusters = { clusters: learned.map(({ pages: own, keyShares }) => ({ pages: own, keyShares })) };
  return { kind: 'unlabeled', version: 1, clusters: learned.map(({ keys }) => keys), learned: forms };
}

function learnCluster(pages: readonly FormPage[]) {
  const counts = new Map<string, number>();
  const headers = new Set<string>();
  for (const page of pages) {
    const found = pairsOn(
      page.model,
      sharedWords(
        page,
        pages.filter((other) => other !== page),
      ),
    );
    const keys = new Set(found.links.map(({ key }) => textOf(page.model, key.lines.flat())));
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const header of found.headers) headers.add(header);
  }
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const keyShares = Object.fromEntries(sorted.map(([key, count]) => [key, rounded(count / pages.length)]));
  return { keyShares, keys: [...new Set([...counts.keys(), ...headers])].sort((a, b) => (a < b ? -1 : 1)) };
}

/** Per word, in how many of the most similar other pages it stands at the same place, 0 to 1. */
export function sharedWords(page: FormPage, others: readonly FormPage[]): Float64Array {
  const near = others
    .map((other, k) => ({ other, k, likeness: likeness(page.terms, other.terms) }))
    .sort((a, b) => b.likeness - a.likeness || a.k - b.k)
    .slice(0, maxOthers);
  const share = new Float64Array(page.model.words.length);
  for (const { other } of near) {
    for (const i of sharedWith(page.model, other.model)) share[i] = (share[i] ?? 0) + 1;
  }
  return share.map((count) => rounded(count / Math.max(1, near.length)));
}

/** Words at the same place on both pages; and words with a colon anywhere on the same line, since values push them along. */
function sharedWith(page: PageModel, other: PageModel): number[] {
  const { toSample, toOther, map } = align(other, page);
  const taken = new Set<number>();
  for (const [k, word] of other.words.entries()) {
    if ((toOther[k] ?? -1) >= 0 || !endsKey(word.text)) continue;
    const y = map(word.x0, (word.y0 + word.y1) / 2)[1];
    const moved = wordsBetween(page, y - page.h, y + page.h).find((i) => {
      const own = page.words[i];
      const isFree = (toSample[i] ?? -1) < 0 && !taken.has(i);
      return isFree && own?.norm === word.norm && endsKey(own.text) && Math.abs((own.y0 + own.y1) / 2 - y) < page.h;
    });
    if (moved !== undefined) taken.add(moved);
  }
  return [...page.words.keys()].filter((i) => (toSample[i] ?? -1) >= 0 || taken.has(i));
}
