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
  const close = best.map((option) => ({ option, span: spanOf(option) }));
  const links = new Map(view.links.map((link) => [link.index, link]));
  const votes = new Map<Option, Map<Option, number>>();
  const met = new Map<Option, number>();
  const undecided = new Map<Option, Map<Option, number>>();
  for (const exemplar of slot.exemplars) {
    const link = links.get(exemplar.page);
    if (!link || link.weight < 0.3) continue;
    const chosen = close.filter(({ span }) => isCounterpart(exemplar.span, span));
    if (chosen.length === 0) continue;
    const others = close
      .filter(({ span }) => !isCounterpart(exemplar.span, span))
      .map((other) => ({ ...other, stands: counterpartOn(link, exemplar.span, other.span) }));
    for (const { option: winner, span } of chosen) {
      met.set(winner, (met.get(winner) ?? 0) + 1);
      for (const other of others) {
        if (other.stands === 'otherText') add(votes, winner, other.option);
        if (other.stands === 'sameText' && other.span.text !== span.text) add(undecided, winner, other.option);
      }
    }
  }
  const count = (table: typeof votes, a: Option, b: Option) => table.get(a)?.get(b) ?? 0;
  const loses = (option: Option) => close.some((o) => count(votes, o.option, option) > count(votes, option, o.option));
  // All samples have the same value at both places, and this page has not: which one was meant, nobody can say.
  const [first] = best;
  const isAsGood = (option: Option) =>
    first !== undefined && count(undecided, first, option) === (met.get(first) ?? Infinity);
  return options.map((option) => {
    if (loses(option)) return { ...option, score: option.score - certainty };
    return isAsGood(option) ? { ...option, score: Math.max(option.score, top - 1) } : option;
  });
}

function add(table: Map<Option, Map<Option, number>>, a: Option, b: Option): void {
  const own = table.get(a) ?? new Map<Option, number>();
  table.set(a, own.set(b, (own.get(b) ?? 0) + 1));
}

/** Whether the sample has text of the same kind under the candidate's key, and whether it says what the labelled one does. */
function counterpartOn(link: PageLink, labelled: Span, candidate: Span): 'otherText' | 'sameText' | undefined {
  const { model } = link.page;
  let found: 'otherText' | 'sameText' | undefined;
  for (const [i, word] of model.words.entries()) {
    if (word.mark || labelled.words.includes(i) || !startsValue(model, link, i)) continue;
    const span = describeSpan(model, [i]);
    if (span.textClass !== labelled.textClass || !isCounterpart(span, candidate)) continue;
    if (word.text !== labelled.text) return 'otherText';
    found = 'sameText';
  }
  return found;
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
