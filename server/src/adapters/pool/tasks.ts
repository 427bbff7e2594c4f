import type { Analysis, ExtractionModel, LabeledModel, Page, Sample } from '@formhaven/recognizer';
import {
  analyze,
  analyzeComposed,
  parseFieldsFile,
  parseLabelsFile,
  parseModel,
  parseOcrFile,
  RecognizerError,
  type RecognizerErrorCode,
  read,
  serializeModel,
  train,
  trainUnlabeled,
} from '@formhaven/recognizer';
import type { ReadSettings, Training, TrainingDocument, TrainingSet } from '../../ports/recognition.ts';
import type { TrainResult } from '../../train-result.ts';

// What runs in a thread of the pool. Plain data in and out; an error of the recognizer is an answer, since an Error loses its
// class on the way between threads.

export type TaskAnswer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: RecognizerErrorCode; readonly message: string };

export interface ReadTask {
  readonly task: 'read';
  readonly document: Uint8Array;
  readonly settings: ReadSettings;
}

export interface AnalyzeTask {
  readonly task: 'analyze';
  readonly document: Uint8Array;
  readonly models: readonly string[];
  readonly settings: ReadSettings;
}

export interface TrainTask {
  readonly task: 'train';
  readonly set: TrainingSet;
}

export interface TaskValues {
  readonly read: readonly Page[];
  readonly analyze: { readonly pages: readonly Page[]; readonly analysis: Analysis; readonly component: number };
  readonly train: Training;
}

export type Task = ReadTask | AnalyzeTask | TrainTask;

export default async function runTask(task: Task): Promise<TaskAnswer<TaskValues[Task['task']]>> {
  try {
    switch (task.task) {
      case 'read':
        return { ok: true, value: await readPages(task.document, task.settings) };
      case 'analyze':
        return { ok: true, value: await analyzeDocument(task) };
      case 'train':
        return { ok: true, value: await trainSet(task.set) };
      default:
        throw new TypeError(`unknown task ${JSON.stringify(task satisfies never)}`);
    }
  } catch (error) {
    if (error instanceof RecognizerError) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}

async function readPages(document: Uint8Array, settings: ReadSettings): Promise<readonly Page[]> {
  const { pages } = await read(document, {
    readingOrder: settings.readingOrder,
    ...(settings.pages === undefined ? {} : { pages: settings.pages }),
    ...(settings.language === undefined ? {} : { language: settings.language }),
  });
  return pages;
}

async function analyzeDocument(task: AnalyzeTask): Promise<TaskValues['analyze']> {
  const pages = await readPages(task.document, task.settings);
  const models = task.models.map(parsedModel);
  const [only] = models;
  if (models.length === 1 && only !== undefined) return { pages, analysis: analyze(only, pages), component: 0 };
  if (pages.length === 0) return { pages, analysis: { kind: 'labeled', forms: [] }, component: 0 };
  const { component, form } = analyzeComposed(
    models.filter((model): model is LabeledModel => model.kind === 'labeled'),
    pages,
  );
  return { pages, analysis: { kind: 'labeled', forms: [form] }, component };
}

// A model is parsed once for many documents; the texts are its identity.
const PARSED_MODELS = 16;
const parsed = new Map<string, ExtractionModel>();

function parsedModel(text: string): ExtractionModel {
  const known = parsed.get(text);
  parsed.delete(text);
  const model = known ?? parseModel(JSON.parse(text));
  parsed.set(text, model);
  const [oldest] = parsed.keys();
  if (parsed.size > PARSED_MODELS && oldest !== undefined) parsed.delete(oldest);
  return model;
}

async function trainSet(set: TrainingSet): Promise<Training> {
  const fields = set.kind === 'labeled' ? parseFieldsFile(parseJson(set.fields, 'fields.json')) : [];
  const samples: Sample[] = [];
  const trainingDocuments: TrainResult['trainingDocuments'] = [];
  for (const document of set.documents) {
    try {
      const sample = await readSample(document);
      trainingDocuments.push({ name: document.name, pages: sample.pages.length, status: 'succeeded', errors: [] });
      if (set.kind === 'unlabeled' || document.labels !== undefined) samples.push(sample);
    } catch (error) {
      if (!(error instanceof RecognizerError)) throw error;
      // One document that cannot be used costs itself, not the training.
      const failure = { code: 'unreadableDocument', message: `${document.name}: ${error.message}` };
      trainingDocuments.push({ name: document.name, pages: 0, status: 'failed', errors: [failure] });
    }
  }
  if (samples.length === 0) {
    const reasons = trainingDocuments.flatMap((document) => document.errors).map((failure) => failure.message);
    throw new RecognizerError('invalidTrainingSet', `No training document can be used. ${reasons.join(' ')}`.trim());
  }
  return set.kind === 'labeled'
    ? finishLabeled(train({ fields, samples }), samples, trainingDocuments)
    : finishUnlabeled(samples, trainingDocuments);
}

function finishLabeled(
  model: LabeledModel,
  samples: readonly Sample[],
  trainingDocuments: TrainResult['trainingDocuments'],
): Training {
  const fields = model.accuracy
    .map(({ name, accuracy, disagreeing }) => ({
      name,
      ...(accuracy === undefined ? {} : { accuracy }),
      disagreeing: [...disagreeing],
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const known = fields.flatMap((field) => field.accuracy ?? []);
  return {
    model: serializeModel(model),
    canary: canaryOf(model, samples),
    clusters: undefined,
    trainResult: {
      trainingDocuments,
      fields,
      ...(known.length === 0
        ? {}
        : { averageModelAccuracy: known.reduce((sum, accuracy) => sum + accuracy, 0) / known.length }),
      errors: [],
    },
  };
}

function finishUnlabeled(samples: readonly Sample[], trainingDocuments: TrainResult['trainingDocuments']): Training {
  const model = trainUnlabeled({ samples });
  return {
    model: serializeModel(model),
    canary: canaryOf(model, samples),
    clusters: model.clusters,
    trainResult: { trainingDocuments, errors: [] },
  };
}

/** The samples' layout and what the model finds on them: what every copy has to find as well. */
function canaryOf(model: ExtractionModel, samples: readonly Sample[]): string {
  return JSON.stringify({
    format: 1,
    samples: samples.map((sample) => ({
      name: sample.name,
      pages: sample.pages,
      analysis: analyze(model, sample.pages),
    })),
  });
}

async function readSample(document: TrainingDocument): Promise<Sample> {
  const pages =
    document.ocr === undefined
      ? (await read(document.bytes, { readingOrder: 'basic' })).pages
      : parseOcrFile(parseJson(document.ocr, `${document.name}.ocr.json`));
  const labels =
    document.labels === undefined
      ? []
      : parseLabelsFile(parseJson(document.labels, `${document.name}.labels.json`)).labels;
  return { name: document.name, pages, labels };
}

function parseJson(text: string, name: string): unknown {
  try {
    // The labelling tool writes a byte order mark on some systems.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new RecognizerError('invalidTrainingSet', `${name} is not JSON`, { cause });
  }
}
