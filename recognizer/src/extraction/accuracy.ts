import { type Extraction, extract } from './extract.ts';
import { type Form, makeForm, slotLabels, type Workshop, withPrinted } from './form.ts';
import { type LearnedForms, type LearnedSample, tableLabel } from './learned.ts';
import { readWords } from './span.ts';
import type { FieldAccuracy, FieldDefinition } from './types.ts';

interface Verdict {
  readonly label: string;
  readonly sample: string;
  readonly isRight: boolean;
  /** How sure the other samples were of something else. */
  readonly surprise: number;
}

/**
 * Leave-one-out: every sample is analysed by a model of the others, and a field is right where its text is exactly the
 * labelled one, or where it is neither labelled nor found.
 */
export function estimateAccuracy(
  fields: readonly FieldDefinition[],
  learned: LearnedForms,
  { workshop, onProgress }: { readonly workshop: Workshop; readonly onProgress?: (done: number) => void },
): FieldAccuracy[] {
  const { samples } = learned;
  const verdicts: Verdict[] = [];
  if (samples.length > 1) {
    for (const [i, sample] of samples.entries()) {
      const rest = samples.filter((_, k) => k !== i);
      // Among many samples one does not change what is known to be printed.
      const others = samples.length > 10 ? rest : withPrinted(rest, workshop);
      const form = makeForm(fields, { ...learned, samples: others }, workshop);
      verdicts.push(...judge(fields, sample, extractSample(form, sample, workshop), workshop));
      onProgress?.((i + 1) / samples.length);
    }
  }
  return fields.map((field): FieldAccuracy => {
    const own = verdicts.filter((v) => v.label === field.name);
    if (own.length === 0) return { name: field.name, disagreeing: [] };
    const wrong = own
      .filter((v) => !v.isRight)
      .sort((a, b) => b.surprise - a.surprise || (a.sample < b.sample ? -1 : 1));
    const accuracy = Math.round((1 - wrong.length / own.length) * 1e4) / 1e4;
    return { name: field.name, accuracy, disagreeing: [...new Set(wrong.map((v) => v.sample))] };
  });
}

function extractSample(form: Form, sample: LearnedSample, workshop: Workshop) {
  return extract(
    form,
    sample.pages.map((page) => workshop.model(page)),
    workshop,
  );
}

function judge(
  fields: readonly FieldDefinition[],
  sample: LearnedSample,
  extraction: Extraction,
  workshop: Workshop,
): Verdict[] {
  const cells = fields
    .filter((field) => field.type === 'array')
    .flatMap((field) => judgeRows(field, fields, sample, extraction, workshop));
  const values = slotLabels(fields).map((label): Verdict => {
    const labelled = sample.pages.flatMap((page) =>
      page.labels
        .filter((l) => l.label === label && l.words.length > 0)
        .map((l) => readWords(workshop.model(page), l.words).text),
    );
    const found = extraction.values.get(label);
    const isRight = (labelled[0] ?? '') === (found?.text ?? '');
    return { label: label.split('/')[0] ?? label, sample: sample.name, isRight, surprise: found?.confidence ?? 0 };
  });
  return [...values, ...cells];
}

/** Row by row: a missing or additional row counts as wrong with each of its cells. */
function judgeRows(
  field: FieldDefinition,
  fields: readonly FieldDefinition[],
  sample: LearnedSample,
  extraction: Extraction,
  workshop: Workshop,
): Verdict[] {
  const labelled = new Map<number, Map<string, string>>();
  for (const page of sample.pages) {
    for (const { label, words } of page.labels) {
      const cell = tableLabel(label, fields);
      if (cell?.definition !== field || words.length === 0) continue;
      const row = labelled.get(Number(cell.row)) ?? new Map<string, string>();
      labelled.set(Number(cell.row), row.set(cell.column, readWords(workshop.model(page), words).text));
    }
  }
  const want = [...labelled].sort(([a], [b]) => a - b).map(([, row]) => row);
  const got = extraction.tables.get(field.name) ?? [];
  return Array.from({ length: Math.max(want.length, got.length) }, (_, i) =>
    [...new Set([...(want[i]?.keys() ?? []), ...(got[i]?.keys() ?? [])])].map((column): Verdict => {
      const isRight = want[i]?.get(column) === got[i]?.get(column)?.text;
      return { label: field.name, sample: sample.name, isRight, surprise: 0.5 };
    }),
  ).flat();
}
