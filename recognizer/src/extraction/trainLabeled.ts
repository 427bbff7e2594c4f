import { RecognizerError } from '../errors.ts';
import { estimateAccuracy } from './accuracy.ts';
import { definitionOf, rememberingWorkshop, withPrinted } from './form.ts';
import type { LearnedForms, LearnedSample } from './learned.ts';
import { learnPages } from './learnLabels.ts';
import { pageModel } from './pageModel.ts';
import { readWords } from './span.ts';
import type { FieldDefinition, LabeledModel, Sample } from './types.ts';
import { type DateOrder, learnDateOrder } from './values/date.ts';

export interface TrainRequest {
  readonly fields: readonly FieldDefinition[];
  readonly samples: readonly Sample[];
  /** Called with the share of the work that is done, 0 to 1, now and then. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Learns a labelled model: where each field's value stands, what stands around it and what it looks like. One sample is
 * enough, five are good. Samples without labels are left out; labels of fields that are not defined are, too.
 *
 * The same request gives the same model, byte for byte, in any process.
 *
 * @throws RecognizerError `invalidTrainingSet` where no sample has a label of a defined field
 */
export function train({ fields, samples, onProgress }: TrainRequest): LabeledModel {
  const workshop = rememberingWorkshop();
  const learnedSamples = samples.map((sample): LearnedSample => ({ name: sample.name, pages: learnPages(sample) }));
  const usable = learnedSamples
    .map((sample) => ({
      ...sample,
      pages: sample.pages.map((page) => ({
        ...page,
        labels: page.labels.filter(({ label }) => definitionOf(label, fields) !== undefined),
      })),
    }))
    .filter((sample) => sample.pages.some((page) => page.labels.length > 0));
  if (usable.length === 0) {
    throw new RecognizerError('invalidTrainingSet', 'no training document has a label of a field in fields.json');
  }
  const learned: LearnedForms = {
    samples: withPrinted(usable, workshop),
    dateOrders: learnDateOrders(fields, usable),
  };
  onProgress?.(1 / (usable.length + 1));
  const accuracy = estimateAccuracy(fields, learned, {
    workshop,
    onProgress: (done) => onProgress?.((1 + done * usable.length) / (usable.length + 1)),
  });
  return { kind: 'labeled', version: 1, fields, accuracy, learned };
}

function learnDateOrders(
  fields: readonly FieldDefinition[],
  samples: readonly LearnedSample[],
): Record<string, DateOrder> {
  const texts = new Map<string, string[]>();
  for (const page of samples.flatMap((sample) => sample.pages)) {
    const model = pageModel(page);
    for (const { label, words } of page.labels) {
      const definition = definitionOf(label, fields);
      if (definition?.type !== 'date' || definition.format !== 'not-specified') continue;
      texts.set(label, [...(texts.get(label) ?? []), readWords(model, words).text]);
    }
  }
  const orders: Record<string, DateOrder> = {};
  for (const [label, own] of [...texts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // A field whose samples leave it open follows the form's other dates.
    const order = learnDateOrder(own) ?? learnDateOrder([...texts.values()].flat());
    if (order) orders[label] = order;
  }
  return orders;
}
