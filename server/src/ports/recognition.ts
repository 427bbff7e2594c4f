import type { Analysis, Page, PageSelection } from '@formhaven/recognizer';
import type { TrainResult } from '../train-result.ts';

/** One document of a training set with the files the labelling tool wrote beside it. */
export interface TrainingDocument {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Text of `{name}.ocr.json`; made by our own reading where it is absent. */
  readonly ocr: string | undefined;
  /** Text of `{name}.labels.json`. */
  readonly labels: string | undefined;
}

export type TrainingSet =
  | { readonly kind: 'labeled'; readonly fields: string; readonly documents: readonly TrainingDocument[] }
  | { readonly kind: 'unlabeled'; readonly documents: readonly TrainingDocument[] };

/** What a training yields: files of the model, and what people are told of it. */
export interface Training {
  /** The extraction model's file. */
  readonly model: string;
  /** JSON of the samples' layout and the fields the model finds on them: what a copy has to find as well. */
  readonly canary: string;
  readonly trainResult: TrainResult;
  readonly clusters: readonly (readonly string[])[] | undefined;
}

export interface ReadSettings {
  /** All where undefined. */
  readonly pages: PageSelection | undefined;
  readonly readingOrder: 'basic' | 'natural';
  readonly language: string | undefined;
}

/**
 * Reading, training and extraction, away from the thread that asks. Deterministic: the same input gives the same result.
 * A document that takes too long or too much memory costs its own request, nothing else.
 * Every method throws {@link OperationFailure} for what is wrong with the input, and any other error for a fault of ours.
 */
export interface Recognition {
  read(document: Uint8Array, settings: ReadSettings, signal: AbortSignal): Promise<readonly Page[]>;
  /** `model` is the text of the model's file, `component` the index of the one chosen where several are given. */
  analyze(
    document: Uint8Array,
    models: readonly string[],
    settings: ReadSettings,
    signal: AbortSignal,
  ): Promise<{ readonly pages: readonly Page[]; readonly analysis: Analysis; readonly component: number }>;
  train(set: TrainingSet, signal: AbortSignal): Promise<Training>;
}
