import { RecognizerError } from '../errors.ts';
import { isRecord } from './jsonPath.ts';
import type { LearnedForms } from './learned.ts';
import type { ExtractionModel, LabeledModel } from './types.ts';

/** The model as the text of its file: one line of JSON, keys in a fixed order, the same bytes for the same model. */
export function serializeModel(model: ExtractionModel): string {
  return JSON.stringify(canonical(model));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, v]) => [key, canonical(v)]),
  );
}

/**
 * A model from its file's JSON.
 *
 * @throws RecognizerError `unsupportedModel` where the file is of a later version, or no model at all
 */
export function parseModel(json: unknown): ExtractionModel {
  if (!isRecord(json) || (json.kind !== 'labeled' && json.kind !== 'unlabeled')) {
    throw new RecognizerError('unsupportedModel', 'this is not a model file');
  }
  if (json.version !== 1) {
    const problem = `the model file has version ${String(json.version)}; this release reads version 1`;
    throw new RecognizerError('unsupportedModel', problem);
  }
  const isComplete =
    json.kind === 'labeled'
      ? Array.isArray(json.fields) && Array.isArray(json.accuracy) && hasSamples(json.learned)
      : Array.isArray(json.clusters) && hasClusters(json.learned);
  if (!isComplete) throw new RecognizerError('unsupportedModel', 'the model file is damaged: parts of it are missing');
  return json as unknown as ExtractionModel;
}

function hasSamples(learned: unknown): boolean {
  if (!isRecord(learned) || !isRecord(learned.dateOrders) || !Array.isArray(learned.samples)) return false;
  return learned.samples.every(
    (sample) => isRecord(sample) && Array.isArray(sample.pages) && sample.pages.every(isPage),
  );
}

function hasClusters(learned: unknown): boolean {
  if (!isRecord(learned) || !Array.isArray(learned.clusters)) return false;
  return learned.clusters.every(
    (cluster) =>
      isRecord(cluster) &&
      isRecord(cluster.keyShares) &&
      Array.isArray(cluster.pages) &&
      cluster.pages.every(isPageText),
  );
}

function isPage(page: unknown): boolean {
  if (!isRecord(page) || !isPageText(page)) return false;
  const count = Array.isArray(page.texts) ? page.texts.length : 0;
  const isWord = (i: unknown) => typeof i === 'number' && Number.isInteger(i) && i >= 0 && i < count;
  const isLabel = (label: unknown) =>
    isRecord(label) && typeof label.label === 'string' && Array.isArray(label.words) && label.words.every(isWord);
  const hasLabels = Array.isArray(page.labels) && page.labels.every(isLabel);
  return hasLabels && typeof page.printed === 'string' && Array.isArray(page.doubtful);
}

function isPageText(page: unknown): boolean {
  if (!isRecord(page) || !Array.isArray(page.texts) || !Array.isArray(page.boxes)) return false;
  const count = page.texts.length;
  const isWhole =
    page.boxes.length === 4 * count &&
    page.boxes.every(Number.isFinite) &&
    typeof page.kinds === 'string' &&
    page.kinds.length === count;
  return isWhole && typeof page.height === 'number' && typeof page.number === 'number';
}

/** What {@link train} put into the model; {@link parseModel} has checked its shape. */
export function learnedForms(model: LabeledModel): LearnedForms {
  return model.learned as LearnedForms;
}
