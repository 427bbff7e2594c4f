import type { Exemplar, Form, Slot } from './form.ts';
import { type PageModel, type PageWord, segmentGap, wordsBetween } from './pageModel.ts';
import { rounded } from './similarity.ts';
import { type Context, rowContext, type Span } from './span.ts';
import type { PageLink, PageView } from './view.ts';
import { editDistance } from './wordText.ts';

// Every candidate is compared with the labelled values of the samples by features in 0..1 with one weight each, the same for
// all forms. Scoring candidates for a field by their neighbourhood is the idea of Majumder et al., "Representation learning
// for information extraction from form-like documents", ACL 2020 (Glean); the weights replace what that learns from
// thousands of forms, since five samples cannot teach them.

const weights = {
  x: 1,
  y: 1.5,
  place: 3,
  tight: 1.5,
  bottom: 1,
  absolute: 0.3,
  left: 2.5,
  leftGap: 0.7,
  above: 1.2,
  aboveGap: 0.5,
  right: 0.3,
  below: 0.3,
  fineShape: 1,
  coarseShape: 1.2,
  textClass: 1,
  characters: 1,
  length: 0.4,
  wordCount: 0.3,
  sameText: 0.5,
  constantText: 1.5,
  vocabulary: 0.5,
  rows: 0.6,
  start: 0.6,
  end: 0.6,
  afterPrinted: 0.3,
  goesOnRight: -3,
  goesOnLeft: -2.5,
  goesOnBelow: -2,
  goesOnAbove: -1.5,
  printed: -4,
  height: 0.3,
  placeAndShape: 1,
  placeAndContext: 1.5,
  matchedLabel: 2,
  nextShape: 0.6,
  previousShape: 0.4,
} as const;

/** An exemplar laid on the page under analysis. */
interface Placed {
  readonly exemplar: Exemplar;
  readonly link: PageLink;
  readonly x0: number;
  readonly x1: number;
  readonly y: number;
  readonly goesOn: GoesOn;
  /** Likeness of contexts by side and key: candidates by the hundred share a few contexts. */
  readonly known: Readonly<Record<Side, Map<string, number>>>;
}

/** 1 where text that is not printed goes on in the segment, or on the line below or above. */
type GoesOn = Readonly<Record<Side, number>>;

type Side = 'left' | 'right' | 'above' | 'below';

export interface Scorer {
  readonly score: (candidate: Span) => number;
  /** How promising a word is as the first of the value; cheap, only for leaving out hopeless ones on crowded pages. */
  readonly start: (word: number) => number;
}

/** Scores the slot's candidates on this page; undefined where none of the slot's samples is like the page. */
export function slotScorer(form: Form, view: PageView, slot: Slot): Scorer | undefined {
  const links = new Map(view.links.map((link) => [link.index, link]));
  const placed = slot.exemplars.flatMap((exemplar): Placed[] => {
    const link = links.get(exemplar.page);
    return link ? [placeExemplar(form, view, exemplar, link)] : [];
  });
  if (placed.length === 0) return undefined;
  const total = placed.reduce((sum, p) => sum + p.link.weight, 0);
  const usually = (side: Side) => placed.reduce((sum, p) => sum + p.goesOn[side] * p.link.weight, 0) / total;
  const usual: GoesOn = {
    left: usually('left'),
    right: usually('right'),
    above: usually('above'),
    below: usually('below'),
  };
  // A page unlike all samples that have the value is a poor place to look for it.
  const fitting = Math.max(...placed.map((p) => p.link.fit * Math.min(1, 2 * p.link.weight)));
  const unfit = 5 * (1 - fitting);
  const score = (candidate: Span): number => {
    const own = pageFeatures(view, slot, candidate, usual);
    let mean = 0;
    let best = -Infinity;
    let bestScore = 0;
    for (const p of placed) {
      const { score, likeness } = compare(view, slot, candidate, p);
      mean += (score * p.link.weight) / total;
      const rank = likeness * (0.3 + p.link.weight);
      if (rank > best) {
        best = rank;
        bestScore = score;
      }
    }
    return own + 0.5 * mean + 0.5 * bestScore - unfit;
  };
  return { score, start: (word) => startLikeness(view, placed, word) };
}

function startLikeness({ page }: PageView, placed: readonly Placed[], i: number): number {
  const word = page.words[i] as PageWord;
  const context = rowContext(page, i, 'left');
  const likeness = placed.map((p) => {
    const [dx, dy] = [Math.abs(word.x0 - p.x0) / page.h, Math.abs((word.y0 + word.y1) / 2 - p.y) / page.h];
    const left = p.known.left.get(context.key) ?? contextLikeness(p.exemplar.span.left, context, true);
    p.known.left.set(context.key, left);
    return Math.exp(-dx / 8 - dy / 3) + Math.exp(-dy / 2) + Math.max(0, left);
  });
  return rounded(Math.max(...likeness));
}

function placeExemplar(form: Form, view: PageView, exemplar: Exemplar, link: PageLink): Placed {
  const { span } = exemplar;
  const { alignment, page } = link;
  const [x0, yLeft] = alignment.map(span.firstX0, span.firstY);
  const [right, yRight] = alignment.map(span.firstX1, span.firstY);
  const n = form.sampleCount;
  const isVariable = (i: number) => {
    if (page.model.words[i]?.mark) return false;
    // A word that is on both pages is the same on both: where reading spoils print, the samples may disagree about it.
    const match = alignment.toOther[i] ?? -1;
    if (match >= 0 && !page.labelsOf.has(i)) return (view.printed[match] ?? 0) < view.threshold;
    return ((page.printed[i] ?? 0) * (n - 1)) / n < 0.5;
  };
  return {
    exemplar,
    link,
    x0,
    x1: right,
    y: (yLeft + yRight) / 2,
    goesOn: goesOnAround(page.model, span, isVariable),
    known: { left: new Map(), right: new Map(), above: new Map(), below: new Map() },
  };
}

function goesOnAround(page: PageModel, span: Span, isVariable: (i: number) => boolean): GoesOn {
  const beside = (from: number, side: 'left' | 'right') => {
    const next = page[side][from] ?? -1;
    const gap = (side === 'left' ? page.gapLeft : page.gapRight)[from] ?? Infinity;
    return next >= 0 && gap <= segmentGap && isVariable(next) ? 1 : 0;
  };
  const [first, last] = [page.words[span.first] as PageWord, page.words[span.last] as PageWord];
  const nextTo = (side: 'above' | 'below') => {
    const [top, bottom] = side === 'above' ? [first.y0 - page.h, first.y0] : [last.y1, last.y1 + page.h];
    const isNext = (i: number) => {
      const word = page.words[i] as PageWord;
      const centre = (word.y0 + word.y1) / 2;
      const isBeyond = side === 'above' ? centre < first.y0 : centre > last.y1;
      const gap = side === 'above' ? first.y0 - word.y1 : word.y0 - last.y1;
      return isBeyond && gap < page.h && word.x0 < span.x1 && word.x1 > span.x0 && isVariable(i);
    };
    return wordsBetween(page, top, bottom).some(isNext) ? 1 : 0;
  };
  return {
    left: beside(span.first, 'left'),
    right: beside(span.last, 'right'),
    above: nextTo('above'),
    below: nextTo('below'),
  };
}

/** Features that do not depend on the exemplar. */
function pageFeatures(view: PageView, slot: Slot, c: Span, usual: GoesOn): number {
  const isVariable = (i: number) => (view.printed[i] ?? 0) < view.threshold && !view.page.words[i]?.mark;
  const own = goesOnAround(view.page, c, isVariable);
  let printed = 0;
  for (const i of c.words) printed += view.printed[i] ?? 0;
  let known = 0;
  for (const norm of c.norms) known += slot.vocabulary.get(norm) ?? 0;
  const before = view.page.left[c.first] ?? -1;
  const isAfterPrinted = before >= 0 && !isVariable(before);
  return (
    weights.vocabulary * (slot.kind === 'mark' ? 1 : known / c.norms.length) +
    weights.afterPrinted * (isAfterPrinted ? 1 : 0) +
    weights.goesOnRight * Math.abs(own.right - usual.right) +
    weights.goesOnLeft * Math.abs(own.left - usual.left) +
    weights.goesOnBelow * Math.abs(own.below - usual.below) +
    weights.goesOnAbove * Math.abs(own.above - usual.above) +
    (weights.printed * printed) / c.words.length
  );
}

function compare(
  view: PageView,
  slot: Slot,
  c: Span,
  placed: Placed,
): { readonly score: number; readonly likeness: number } {
  const e = placed.exemplar.span;
  const { alignment, page: samplePage } = placed.link;
  const h = view.page.h;
  let matched = 0;
  for (const i of c.words) {
    const match = alignment.toSample[i] ?? -1;
    if (match >= 0 && samplePage.labelsOf.get(match)?.includes(slot.label)) matched++;
  }
  return resemblance(slot, c, e, {
    dx: Math.min(Math.abs(c.firstX0 - placed.x0), Math.abs(c.firstX1 - placed.x1)) / h,
    dy: Math.abs(c.firstY - placed.y) / h,
    bottom: Math.abs(c.y1 - placed.y - (e.y1 - e.firstY) * alignment.scale) / h,
    absolute: Math.exp(
      -Math.abs(c.firstY - e.firstY) / view.page.height / 0.05 - Math.abs(c.x0 + c.x1 - e.x0 - e.x1) / 240,
    ),
    scale: alignment.scale,
    matched: matched / c.words.length,
    left: likenessOn('left', placed, c),
    right: likenessOn('right', placed, c),
    above: likenessOn('above', placed, c),
    below: likenessOn('below', placed, c),
  });
}

/** How a candidate lies to an exemplar: distances in word heights, shares and likenesses 0 to 1 (-1 where there is no context). */
interface Relation extends Readonly<Record<Side, number>> {
  readonly dx: number;
  readonly dy: number;
  /** Between the lower edges. */
  readonly bottom: number;
  readonly absolute: number;
  readonly scale: number;
  readonly matched: number;
}

function resemblance(
  slot: Slot,
  c: Span,
  e: Span,
  at: Relation,
): { readonly score: number; readonly likeness: number } {
  const { dx, dy, matched, left, right, above, below } = at;
  const place = Math.exp(-dx / 4 - dy / 1.5);
  const coarse = c.coarse === e.coarse ? 1 : 0;
  const same = slot.kind !== 'mark' && c.text === e.text ? 1 : 0;
  let shareDistance = 0;
  for (let k = 0; k < 4; k++) shareDistance += Math.abs((c.shares[k] ?? 0) - (e.shares[k] ?? 0));
  const known = (value: number, both: boolean) => (value >= 0 ? value : both ? 1 : 0.4);
  const L = known(left, c.left.words.length === 0);
  const A = known(above, c.above.words.length === 0);
  const score =
    weights.x * Math.exp(-dx / 2.5) +
    weights.y * Math.exp(-dy / 0.6) +
    weights.place * place +
    weights.tight * Math.exp(-dx - dy / 0.5) +
    weights.bottom * Math.exp(-at.bottom / 1.5) +
    weights.absolute * at.absolute +
    weights.left * L +
    weights.leftGap * L * gapLikeness(c.left.gap, e.left.gap, 4) +
    weights.above * A +
    weights.aboveGap * A * gapLikeness(c.above.gap, e.above.gap, 1) +
    weights.right * known(right, c.right.words.length === 0) +
    weights.below * known(below, c.below.words.length === 0) +
    weights.fineShape * (c.fine === e.fine ? 1 : 0) +
    weights.coarseShape * coarse +
    weights.textClass * (c.textClass === e.textClass ? 1 : 0) +
    weights.characters * (1 - shareDistance / 2) +
    weights.length * Math.exp(-Math.abs(Math.log(c.text.length / e.text.length))) +
    weights.wordCount * Math.exp(-Math.abs(c.words.length - e.words.length)) +
    weights.sameText * same +
    weights.constantText * same * slot.constancy +
    weights.rows * (c.rows === e.rows ? 1 : 0) +
    weights.start * (c.startsSegment === e.startsSegment ? 1 : 0) +
    weights.end * (c.endsSegment === e.endsSegment ? 1 : 0) +
    weights.height * Math.exp(-3 * Math.abs(Math.log(c.wordHeight / (e.wordHeight * at.scale)))) +
    weights.placeAndShape * place * coarse +
    weights.placeAndContext * place * Math.max(L, A) +
    weights.matchedLabel * matched +
    weights.nextShape * (c.nextShape === e.nextShape ? 1 : 0) +
    weights.previousShape * (c.previousShape === e.previousShape ? 1 : 0);
  const available = [left, right, above, below].filter((v) => v >= 0);
  const context = available.length > 0 ? available.reduce((sum, v) => sum + v, 0) / available.length : 0;
  const likeness =
    place + 0.4 * context + 0.7 * Math.max(0, left) + 0.5 * Math.max(0, above) + 0.3 * coarse + 0.5 * same + matched;
  return { score, likeness };
}

/**
 * What a document without the value scores: a candidate worth less is none. A number under a fixed key resembles its samples in
 * all respects, a free text in few; so "empty" is measured by how much the samples resemble each other.
 */
export function emptyScore(slot: Slot): number {
  const spans = slot.exemplars.slice(0, 10).map((exemplar) => exemplar.span);
  if (spans.length < 2) return 5;
  let sum = 0;
  for (const a of spans) {
    for (const b of spans) {
      if (a === b) continue;
      const context = (side: Side) => contextLikeness(b[side], a[side], side === 'left' || side === 'right');
      const around = {
        left: context('left'),
        right: context('right'),
        above: context('above'),
        below: context('below'),
      };
      sum += resemblance(slot, a, b, {
        dx: 0.5,
        dy: 0.2,
        bottom: 0.2,
        absolute: 1,
        scale: 1,
        matched: 0,
        ...around,
      }).score;
    }
  }
  const usual = sum / (spans.length * (spans.length - 1));
  return rounded(Math.min(8, Math.max(4, 0.4 * usual)));
}

function gapLikeness(a: number, b: number, width: number): number {
  if (a === Infinity || b === Infinity) return a === b ? 1 : 0;
  return Math.exp(-Math.abs(a - b) / width);
}

function likenessOn(side: Side, placed: Placed, candidate: Span): number {
  const context = candidate[side];
  const known = placed.known[side].get(context.key);
  if (known !== undefined) return known;
  const likeness = contextLikeness(placed.exemplar.span[side], context, side === 'left' || side === 'right');
  placed.known[side].set(context.key, likeness);
  return likeness;
}

const outwards = [1, 0.6, 0.4];

/** Share of the sample's alphabetic context words found around the candidate; -1 where the sample has none. */
export function contextLikeness(sample: Context, own: Context, isRow: boolean): number {
  let all = 0;
  let found = 0;
  for (const [k, word] of sample.words.entries()) {
    if (word === '') continue;
    const weight = isRow ? (outwards[k] ?? 0.4) : 1;
    all += weight;
    let best = 0;
    for (const [j, other] of own.words.entries()) {
      if (other === '') continue;
      const elsewhere = isRow && j !== k ? 0.8 : 1;
      if (other === word) best = Math.max(best, elsewhere);
      else if (best < 0.9 * elsewhere && word.length >= 5) {
        const limit = Math.floor(word.length / 5);
        if (editDistance(word, other, limit) <= limit) best = 0.9 * elsewhere;
      }
    }
    found += weight * best;
  }
  return all > 0 ? found / all : -1;
}
