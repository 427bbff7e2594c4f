import { rounded } from './similarity.ts';

/** A scored place for a slot's value. */
export interface Option {
  /** Index of the document's page. */
  readonly page: number;
  readonly words: readonly number[];
  readonly score: number;
}

export interface Choice {
  readonly option: Option;
  /** 0 to 1. */
  readonly confidence: number;
}

const leastConfidence = 0.12;

interface Offer {
  readonly slot: number;
  readonly option: Option;
  readonly probability: number;
  readonly order: number;
}

export interface SlotOptions {
  readonly options: readonly Option[];
  /** What "empty" scores. */
  readonly emptyScore: number;
}

/**
 * One option or none for every slot: a soft-max over the slot's options and "empty", then the most probable first, none of
 * which shares a word with one taken before, unless its field did so with that field in training. A slot stays empty when
 * what is still free for it is together less probable than "empty", or nothing stands out.
 */
export function choose(
  slots: readonly SlotOptions[],
  mayShare: (a: number, b: number) => boolean,
): (Choice | undefined)[] {
  const offers: Offer[] = [];
  const empty: number[] = [];
  const bySlot: Offer[][] = [];
  for (const [slot, { options, emptyScore }] of slots.entries()) {
    const most = options.reduce((best, option) => Math.max(best, option.score), emptyScore);
    const parts = options.map((option) => Math.exp(option.score - most));
    const none = Math.exp(emptyScore - most);
    const sum = parts.reduce((a, b) => a + b, none);
    empty.push(none / sum);
    const own = options.map(
      (option, order): Offer => ({ slot, option, probability: (parts[order] ?? 0) / sum, order }),
    );
    bySlot.push(own);
    offers.push(...own.filter((offer) => offer.probability > 1e-5));
  }
  offers.sort((a, b) => rounded(b.probability) - rounded(a.probability) || a.slot - b.slot || a.order - b.order);
  const chosen: (Choice | undefined)[] = slots.map(() => undefined);
  const isDone = slots.map(() => false);
  const takers = new Map<string, number[]>();
  const isFree = (offer: Offer) =>
    offer.option.words.every((word) =>
      (takers.get(`${offer.option.page} ${word}`) ?? []).every((s) => mayShare(s, offer.slot)),
    );
  for (const offer of offers) {
    if (isDone[offer.slot] || !isFree(offer)) continue;
    isDone[offer.slot] = true;
    const none = empty[offer.slot] ?? 0;
    const free = (bySlot[offer.slot] ?? []).filter(isFree).reduce((sum, o) => sum + o.probability, 0);
    const confidence = rounded(offer.probability / (free + none));
    // The best of many places that are all improbable is no answer.
    if (free < none || confidence < leastConfidence) continue;
    chosen[offer.slot] = { option: offer.option, confidence };
    for (const word of offer.option.words) {
      const key = `${offer.option.page} ${word}`;
      takers.set(key, [...(takers.get(key) ?? []), offer.slot]);
    }
  }
  return chosen;
}
