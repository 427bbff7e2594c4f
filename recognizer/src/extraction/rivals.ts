import type { Option } from './choose.ts';
import type { Slot } from './form.ts';
import { type PageModel, segmentGap } from './pageModel.ts';
import { contextLikeness } from './score.ts';
import { type Context, describeSpan, type Span } from './span.ts';
import type { PageLink, PageView } from './view.ts';

// Two places may deserve a value equally: the total before and after rounding, where four samples of five show no rounding.
// The one sample that shows both says which of them is meant; being one of five it is lost in a mean.

/** Only these many of the best candidates are weighed against each other. */
const contenders = 6;
const certainty = 6;

/**
 * Lowers the score of a candidate whose counterpart stands on a sample without being labelled, where another candidate's
 * counterpart is.
 */
export function settleRivals(
  view: PageView,
  slot: Slot,
  options: readonly Option[],
  spanOf: (option: Option) => Span,
): Option[] {
  if (slot.kind !== 'text' || options.length < 2) return [...options];
  const best = [...options].sort((a, b) => b.score - a.score).slice(0, contenders);
  const top = best[0]?.score ?? 0;
  const close = best
    .filter((option) => option.score > top - 2 * certainty)
    .map((option) => ({ option, span: spanOf(option) }));
  if (close.length < 2) return [...options];
  const links = new Map(view.links.map((link) => [link.index, link]));
  const votes = new Map<Option, Map<Option, number>>();
  for (const exemplar of slot.exemplars) {
    const link = links.get(exemplar.page);
    if (!link || link.weight < 0.3) continue;
    const chosen = close.filter(({ span }) => isCounterpart(exemplar.span, span));
    if (chosen.length === 0) continue;
    const refused = close.filter(
      ({ span }) => !isCounterpart(exemplar.span, span) && standsUnlabelled(link, exemplar.span, span),
    );
    for (const { option: winner } of chosen) {
      const own = votes.get(winner) ?? new Map<Option, number>();
      votes.set(winner, own);
      for (const { option: loser } of refused) own.set(loser, (own.get(loser) ?? 0) + 1);
    }
  }
  const wins = (a: Option, b: Option) => votes.get(a)?.get(b) ?? 0;
  const loses = (option: Option) => close.some((other) => wins(other.option, option) > wins(option, other.option));
  return options.map((option) => (loses(option) ? { ...option, score: option.score - certainty } : option));
}

/** Whether the sample has text of the same kind under the candidate's key, and it is not the labelled one. */
function standsUnlabelled(link: PageLink, labelled: Span, candidate: Span): boolean {
  const { model } = link.page;
  return model.words.some((word, i) => {
    if (word.mark || word.text === labelled.text || labelled.words.includes(i) || !startsValue(model, link, i))
      return false;
    const span = describeSpan(model, [i]);
    return span.textClass === labelled.textClass && isCounterpart(span, candidate);
  });
}

function startsValue(page: PageModel, link: PageLink, i: number): boolean {
  const before = page.left[i] ?? -1;
  const isPrinted = (k: number) => (link.page.printed[k] ?? 0) >= 0.5;
  return (
    !isPrinted(i) &&
    (before < 0 || (page.gapLeft[i] ?? Infinity) > segmentGap || !/\d/.test(page.words[before]?.text ?? ''))
  );
}

/** Whether the same words stand on the left of both. */
function isCounterpart(a: Span, b: Span): boolean {
  return sameContext(a.left, b.left) && a.textClass === b.textClass;
}

function sameContext(a: Context, b: Context): boolean {
  return contextLikeness(a, b, true) >= 0.85 && contextLikeness(b, a, true) >= 0.85;
}
