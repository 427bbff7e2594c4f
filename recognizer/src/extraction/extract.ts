import { candidates } from './candidates.ts';
import { type Choice, choose, type Option } from './choose.ts';
import type { Form, Slot, Workshop } from './form.ts';
import { formLikeness } from './formLikeness.ts';
import { joinedText, type PageModel } from './pageModel.ts';
import { findRegion } from './region.ts';
import { settleRivals } from './rivals.ts';
import { emptyScore, slotScorer } from './score.ts';
import { rounded } from './similarity.ts';
import { describeSpan, readWords, type Span } from './span.ts';
import { type FoundRow, findRows } from './tableRows.ts';
import { type PageView, viewPages } from './view.ts';

/** A value as found: the words in reading order, all on one page. */
export interface Found {
  /** Index into the document's pages. */
  readonly page: number;
  readonly words: readonly number[];
  readonly text: string;
  readonly confidence: number;
}

export interface Extraction {
  /** By label; without those that are not on the document. */
  readonly values: ReadonlyMap<string, Found>;
  /** By name of the field. */
  readonly tables: ReadonlyMap<string, readonly FoundRow[]>;
  /** How surely the document is the form of the samples, 0 to 1. */
  readonly likeness: number;
}

/** Finds the values of all slots on a document. */
export function extract(form: Form, pages: readonly PageModel[], workshop: Workshop): Extraction {
  const views = viewPages(form, pages, workshop);
  const spans = pages.map(() => new Map<string, Span>());
  const likeness = formLikeness(views);
  // A page of another form has places that resemble those of the samples, too, but nothing to say about them.
  const foreign = 8 * Math.max(0, 1 - likeness / 0.25);
  const options = form.slots.map((slot) => ({
    options: views.flatMap((view, p) => optionsOn(form, view, slot, { page: p, spans: spans[p] })),
    emptyScore: emptyScore(slot) + foreign,
  }));
  const chosen = choose(options, (a, b) => a === b || form.sharing.has(a < b ? `${a} ${b}` : `${b} ${a}`));
  const parts = new Map<string, { slot: Slot; found: Found | undefined }[]>();
  for (const [s, slot] of form.slots.entries()) {
    const found = slot.kind === 'region' ? findRegion(views, slot) : foundBy(pages, chosen[s]);
    parts.set(slot.label, [...(parts.get(slot.label) ?? []), { slot, found }]);
  }
  const values = new Map<string, Found>();
  for (const [label, own] of parts) {
    const value = joinPieces(
      pages,
      own.map((part) => part.found),
    );
    if (value) values.set(label, { ...value, confidence: rounded(value.confidence * Math.min(1, 0.4 + 2 * likeness)) });
  }
  const tables = new Map(form.tables.map((table) => [table.field.name, findRows(views, table)]));
  return { values, tables, likeness };
}

function optionsOn(
  form: Form,
  view: PageView,
  slot: Slot,
  on: { readonly page: number; readonly spans: Map<string, Span> | undefined },
): Option[] {
  if (slot.kind === 'region') return [];
  const scorer = slotScorer(form, view, slot);
  if (!scorer) return [];
  const spanOf = ({ words }: Pick<Option, 'words'>): Span => {
    const key = words.join(' ');
    const known = on.spans?.get(key);
    if (known) return known;
    const span = describeSpan(view.page, words);
    on.spans?.set(key, span);
    return span;
  };
  const options = candidates(view, slot, scorer.start).map((words): Option => {
    const value = scorer.score(spanOf({ words }));
    // A page with an impossible box must not spoil the other candidates' shares.
    return { page: on.page, words, score: Number.isFinite(value) ? rounded(value) : -100 };
  });
  return settleRivals(view, slot, options, spanOf);
}

function foundBy(pages: readonly PageModel[], choice: Choice | undefined): Found | undefined {
  if (!choice) return undefined;
  const page = pages[choice.option.page];
  if (!page) return undefined;
  return { page: choice.option.page, ...readWords(page, choice.option.words), confidence: choice.confidence };
}

/** Pieces in their order in the samples; a missing piece halves the confidence. */
function joinPieces(pages: readonly PageModel[], pieces: readonly (Found | undefined)[]): Found | undefined {
  const present = pieces.filter((piece) => piece !== undefined);
  const [first] = present;
  if (!first || pieces.length === 1) return first;
  const samePage = present.filter((piece) => piece.page === first.page);
  const words = samePage.flatMap((piece) => piece.words);
  const page = pages[first.page];
  const text = page ? joinedText(page, words) : '';
  const whole = samePage.reduce((product, piece) => product * piece.confidence, 1);
  return { page: first.page, words, text, confidence: rounded(whole * 0.5 ** (pieces.length - samePage.length)) };
}
