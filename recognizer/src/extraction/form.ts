import { type Alignment, align } from './align.ts';
import {
  cellLabel,
  type LearnedForms,
  type LearnedLabel,
  type LearnedPage,
  type LearnedSample,
  tableLabel,
} from './learned.ts';
import { type PageModel, type PageText, pageModel } from './pageModel.ts';
import { pieces } from './pieces.ts';
import { rounded, similarity, wordSet, wordWeights } from './similarity.ts';
import { boundsOf, describeSpan, type Span } from './span.ts';
import { type TableSlot, tableSlot } from './tableExample.ts';
import type { FieldDefinition } from './types.ts';

/** Samples made ready for comparison: what a field looked like on each of them. */
export interface Form {
  readonly fields: readonly FieldDefinition[];
  readonly sampleCount: number;
  readonly pages: readonly SamplePage[];
  readonly wordWeights: ReadonlyMap<string, number>;
  readonly slots: readonly Slot[];
  readonly tables: readonly TableSlot[];
  /** Pairs `a b` (a < b) of slots that shared words in a sample, and so may again. */
  readonly sharing: ReadonlySet<string>;
  readonly learned: LearnedForms;
}

export interface SamplePage {
  readonly sample: number;
  readonly model: PageModel;
  readonly words: ReadonlySet<string>;
  /** Per word, 0 to 1: share of the other samples that have it printed. */
  readonly printed: Float64Array;
  readonly doubtful: ReadonlySet<number>;
  readonly labels: readonly LearnedLabel[];
  /** Labels of each labelled word. */
  readonly labelsOf: ReadonlyMap<number, readonly string[]>;
}

/** A place for one value: a field, a cell of a table with fixed rows, or a piece of either. */
export interface Slot {
  readonly label: string;
  readonly piece: number;
  readonly pieceCount: number;
  readonly kind: 'text' | 'mark' | 'region';
  readonly exemplars: readonly Exemplar[];
  readonly regions: readonly Region[];
  readonly maxWords: number;
  readonly maxRows: number;
  readonly maxGap: number;
  /** Share of its most frequent text among its values. */
  readonly constancy: number;
  /** Share of the values that have this word. */
  readonly vocabulary: ReadonlyMap<string, number>;
}

export interface Exemplar {
  /** Index into {@link Form.pages}. */
  readonly page: number;
  readonly span: Span;
}

export interface Region {
  readonly page: number;
  readonly box: readonly [number, number, number, number];
}

/** Page models, word sets and alignments; training keeps what it made, since every sample meets every other several times. */
export interface Workshop {
  readonly model: (page: PageText) => PageModel;
  readonly words: (page: PageModel) => ReadonlySet<string>;
  readonly align: (sample: PageModel, other: PageModel) => Alignment;
}

export const plainWorkshop: Workshop = { model: pageModel, words: wordSet, align };

export function rememberingWorkshop(): Workshop {
  const models = new WeakMap<readonly number[], PageModel>();
  const sets = new WeakMap<PageModel, ReadonlySet<string>>();
  const alignments = new WeakMap<PageModel, WeakMap<PageModel, Alignment>>();
  return {
    model: (page) => remembered(models, page.boxes, () => pageModel(page)),
    words: (page) => remembered(sets, page, () => wordSet(page)),
    align: (sample, other) =>
      remembered(
        remembered(alignments, sample, () => new WeakMap<PageModel, Alignment>()),
        other,
        () => align(sample, other),
      ),
  };
}

function remembered<Key extends object, Value>(memory: WeakMap<Key, Value>, key: Key, make: () => Value): Value {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const made = make();
  memory.set(key, made);
  return made;
}

/**
 * Of every word the weighted share of other samples in which it stands at the same place without a label: what is printed on
 * the form. A sample weighs by its likeness, so several layouts in one training set do not disturb each other.
 */
export function withPrinted(samples: readonly LearnedSample[], workshop: Workshop): LearnedSample[] {
  const doubted = withDoubtful(samples, workshop);
  const pages = doubted.flatMap((sample, s) => sample.pages.map((page) => samplePage(page, s, workshop)));
  const weights = wordWeights(pages.map((page) => page.words));
  let index = 0;
  return doubted.map((sample) => ({
    ...sample,
    pages: sample.pages.map((page) => {
      const own = pages[index++] as SamplePage;
      const share = printedShare(own.model, otherSamples(own, pages, weights, workshop));
      return { ...page, printed: [...share].map((v) => Math.min(9, Math.floor(v * 9 + 0.5))).join('') };
    }),
  }));
}

/** Fills in {@link LearnedPage.doubtful}. */
function withDoubtful(samples: readonly LearnedSample[], workshop: Workshop): LearnedSample[] {
  const pages = samples.flatMap((sample, s) =>
    sample.pages.map((page) => samplePage({ ...page, doubtful: [] }, s, workshop)),
  );
  const weights = wordWeights(pages.map((page) => page.words));
  let index = 0;
  return samples.map((sample) => {
    const labelled = new Set(sample.pages.flatMap((page) => page.labels.map((label) => label.label)));
    return {
      ...sample,
      pages: sample.pages.map((page) => {
        const own = pages[index++] as SamplePage;
        const doubtful = new Set<number>();
        for (const { page: other, alignment, weight } of otherSamples(own, pages, weights, workshop)) {
          if (weight < 0.3) continue;
          for (const { label, words } of other.labels) {
            const here = words.map((i) => alignment.toOther[i] ?? -1).filter((i) => i >= 0 && !own.labelsOf.has(i));
            if (!labelled.has(label) && here.length >= 0.6 * words.length) for (const i of here) doubtful.add(i);
          }
        }
        return { ...page, doubtful: [...doubtful].sort((a, b) => a - b) };
      }),
    };
  });
}

function otherSamples(
  own: SamplePage,
  pages: readonly SamplePage[],
  weights: ReadonlyMap<string, number>,
  workshop: Workshop,
): (WeightedPage & { readonly alignment: Alignment })[] {
  const others = pages.filter((page) => page.sample !== own.sample);
  return weighted(own, others, weights).map((o) => ({ ...o, alignment: workshop.align(o.page.model, own.model) }));
}

export interface WeightedPage {
  readonly page: SamplePage;
  /** 1 for the most similar page. */
  readonly weight: number;
}

/** How much faster than linearly likeness counts. */
export const sharpness = 8;
/** Comparing with more sample pages than this tells nothing new. */
export const maxSamplePages = 12;

function weighted(
  own: { words: ReadonlySet<string> },
  pages: readonly SamplePage[],
  weights: ReadonlyMap<string, number>,
): WeightedPage[] {
  const similarities = pages.map((page) => similarity(own.words, page.words, weights));
  const most = Math.max(0, ...similarities);
  return pages
    .map((page, i) => ({ page, weight: rounded(Math.exp(sharpness * ((similarities[i] ?? 0) - most))) }))
    .filter((p) => p.weight >= 0.02)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, maxSamplePages);
}

/** Per word of the page: the weighted share of sample pages in which its match has no label. */
export function printedShare(
  page: PageModel,
  others: readonly (WeightedPage & { readonly alignment: Alignment })[],
): Float64Array {
  return Float64Array.from(page.words, (_, i) => {
    let all = 0;
    let share = 0;
    for (const { page: other, weight, alignment } of others) {
      const match = alignment.toSample[i] ?? -1;
      if (other.doubtful.has(match)) continue;
      all += weight;
      if (match >= 0 && !other.labelsOf.has(match)) share += weight;
    }
    return all > 0 ? rounded(share / all) : 0;
  });
}

function samplePage(page: LearnedPage, sample: number, workshop: Workshop): SamplePage {
  const model = workshop.model(page);
  const labelsOf = new Map<number, string[]>();
  for (const { label, words } of page.labels) {
    for (const i of words) labelsOf.set(i, [...(labelsOf.get(i) ?? []), label]);
  }
  const printed = Float64Array.from(model.words, (_, i) => Number(page.printed[i] ?? 0) / 9);
  return {
    sample,
    model,
    words: workshop.words(model),
    printed,
    doubtful: new Set(page.doubtful),
    labels: page.labels,
    labelsOf,
  };
}

export function makeForm(fields: readonly FieldDefinition[], learned: LearnedForms, workshop: Workshop): Form {
  const pages = learned.samples.flatMap((sample, s) => sample.pages.map((page) => samplePage(page, s, workshop)));
  const slots = slotLabels(fields).flatMap((label) => slotsOf(label, pages));
  return {
    fields,
    sampleCount: learned.samples.length,
    pages,
    wordWeights: wordWeights(pages.map((page) => page.words)),
    slots,
    tables: fields.filter((field) => field.type === 'array').map((field) => tableSlot(field, pages, fields)),
    sharing: sharingSlots(slots),
    learned,
  };
}

/** Labels of all single values: plain fields and the cells of tables with fixed rows. */
export function slotLabels(fields: readonly FieldDefinition[]): string[] {
  return fields.flatMap((field) => {
    if (field.type === 'array') return [];
    if (field.type !== 'object') return [field.name];
    return (field.fields ?? []).flatMap((row) =>
      (row.fields ?? []).map((column) => cellLabel(field.name, row.name, column.name)),
    );
  });
}

/** The definition behind a slot's label. */
export function definitionOf(label: string, fields: readonly FieldDefinition[]): FieldDefinition | undefined {
  const plain = fields.find((field) => field.name === label && field.type !== 'array' && field.type !== 'object');
  if (plain) return plain;
  const cell = tableLabel(label, fields);
  const row =
    cell?.definition.type === 'array' ? cell.definition : cell?.definition.fields?.find((r) => r.name === cell.row);
  return row?.fields?.find((column) => column.name === cell?.column);
}

interface Occurrence {
  readonly page: number;
  readonly label: LearnedLabel;
}

function slotsOf(label: string, pages: readonly SamplePage[]): Slot[] {
  const found = pages.flatMap((page, p) =>
    page.labels.filter((l) => l.label === label).map((l): Occurrence => ({ page: p, label: l })),
  );
  const written = found.filter(({ label: l }) => l.words.length > 0);
  const drawn = found.flatMap(({ page, label: l }): Region[] => (l.box ? [{ page, box: l.box }] : []));
  if (written.length === 0) return drawn.length > 0 ? [slot(label, 0, 1, [], drawn)] : [];
  const cut = written.map(({ page, label: l }) => {
    const model = (pages[page] as SamplePage).model;
    return { page, model, pieces: pieces(model, l.words) };
  });
  const count = usualCount(cut.map((c) => c.pieces.length));
  if (count === 1) {
    const whole = cut.map(
      ({ page, model, pieces: parts }): Exemplar => ({ page, span: describeSpan(model, parts.flat()) }),
    );
    return [slot(label, 0, 1, whole, [])];
  }
  const typical = cut.filter((c) => c.pieces.length === count);
  const places = Array.from({ length: count }, (_, k) => {
    const boxes = typical.map((c) => boundsOf(c.model, c.pieces[k] ?? []));
    return [mean(boxes.map((b) => b.x0)), mean(boxes.map((b) => b.y0))] as const;
  });
  return places.map((_, k) => {
    const exemplars = cut.flatMap(({ page, model, pieces: parts }): Exemplar[] => {
      const own =
        parts.length === count
          ? (parts[k] ?? [])
          : parts.filter((part) => nearestPlace(model, part, places) === k).flat();
      return own.length > 0 ? [{ page, span: describeSpan(model, own) }] : [];
    });
    return slot(label, k, count, exemplars, []);
  });
}

/** The number of pieces that more than half of the labels have; 1 without such. */
function usualCount(counts: readonly number[]): number {
  for (const count of new Set(counts)) if (counts.filter((c) => c === count).length * 2 > counts.length) return count;
  return 1;
}

function nearestPlace(
  model: PageModel,
  words: readonly number[],
  places: readonly (readonly [number, number])[],
): number {
  const box = boundsOf(model, words);
  const distances = places.map(([x, y]) => Math.abs(box.x0 - x) + Math.abs(box.y0 - y));
  return distances.indexOf(Math.min(...distances));
}

function slot(
  label: string,
  piece: number,
  pieceCount: number,
  exemplars: readonly Exemplar[],
  regions: readonly Region[],
): Slot {
  const texts = new Map<string, number>();
  const vocabulary = new Map<string, number>();
  for (const { span } of exemplars) {
    texts.set(span.text, (texts.get(span.text) ?? 0) + 1);
    for (const word of new Set(span.norms)) vocabulary.set(word, (vocabulary.get(word) ?? 0) + 1 / exemplars.length);
  }
  const marks = exemplars.filter(({ span }) => span.textClass === 'mark').length;
  const most = (pick: (span: Span) => number) => Math.max(0, ...exemplars.map(({ span }) => pick(span)));
  return {
    label,
    piece,
    pieceCount,
    kind: exemplars.length === 0 ? 'region' : marks * 2 > exemplars.length ? 'mark' : 'text',
    exemplars,
    regions,
    maxWords: most((span) => span.words.length),
    maxRows: most((span) => span.rows),
    maxGap: most((span) => span.innerGap),
    constancy: exemplars.length > 0 ? Math.max(...texts.values()) / exemplars.length : 0,
    vocabulary,
  };
}

function sharingSlots(slots: readonly Slot[]): Set<string> {
  const owners = new Map<string, number[]>();
  const sharing = new Set<string>();
  for (const [s, { exemplars }] of slots.entries()) {
    for (const { page, span } of exemplars) {
      for (const word of span.words) {
        const key = `${page} ${word}`;
        const before = owners.get(key) ?? [];
        for (const other of before) if (other !== s) sharing.add(`${other} ${s}`);
        owners.set(key, [...before, s]);
      }
    }
  }
  return sharing;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
