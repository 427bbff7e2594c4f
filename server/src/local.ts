import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { parseModelId, v2 } from '@formhaven/contract';
import type { Page } from '@formhaven/recognizer';
import { createLocalRecognition, createLocalSources } from './compose.ts';
import { presentAnalyzeResult } from './http/v2/present-analysis.ts';
import { gatherTrainingSet } from './models/train.ts';
import type { ReadSettings } from './ports/recognition.ts';
import type { TrainResult } from './train-result.ts';

// The same reading, training and extraction as behind the wire, for one person at one machine and without a server.

const FORMAT = 'formhaven-model-file/1';

/** A model in one file, as `formhaven train --output` writes it. */
export interface LocalModel {
  readonly format: typeof FORMAT;
  /** Text of the extraction model. */
  readonly model: string;
  readonly trainResult: TrainResult;
  readonly clusters?: readonly (readonly string[])[];
}

/** `analyzeResult` as v2.1 answers it, and the pages as they were read. */
export interface LocalAnalysis {
  readonly pages: readonly Page[];
  readonly analyzeResult: v2.AnalyzeResult;
}

const EVERYTHING: ReadSettings = { pages: undefined, readingOrder: 'basic', language: undefined };

export interface LocalRecognizer extends AsyncDisposable {
  /** @throws OperationFailure for what is wrong with the file */
  read(document: Uint8Array, settings: Partial<ReadSettings>, signal: AbortSignal): Promise<LocalAnalysis>;
  /** @throws OperationFailure for what is wrong with the folder or its files */
  train(
    folder: string,
    options: { readonly useLabelFile: boolean; readonly includeSubFolders: boolean },
    signal: AbortSignal,
  ): Promise<LocalModel>;
  /** @throws OperationFailure for what is wrong with the file */
  analyze(model: LocalModel, name: string, document: Uint8Array, signal: AbortSignal): Promise<LocalAnalysis>;
}

export function createLocalRecognizer(): LocalRecognizer {
  const recognition = createLocalRecognition();
  const options = { features: v2.V2_FEATURES['v2.1'], includeTextDetails: true };
  return {
    async read(document, settings, signal) {
      const pages = await recognition.read(document, { ...EVERYTHING, ...settings }, signal);
      return { pages, analyzeResult: presentAnalyzeResult({ format: 1, pages }, options) };
    },
    async train(folder, { useLabelFile, includeSubFolders }, signal) {
      const root = resolve(folder);
      const request = { prefix: '', includeSubFolders, useLabelFile };
      const { set } = await gatherTrainingSet(root, request, createLocalSources(root), signal);
      const { model, trainResult, clusters } = await recognition.train(set, signal);
      return { format: FORMAT, model, trainResult, ...(clusters === undefined ? {} : { clusters }) };
    },
    async analyze(model, name, document, signal) {
      const { pages, analysis } = await recognition.analyze(document, [model.model], EVERYTHING, signal);
      const modelId = parseModelId(randomUUID());
      if (modelId === undefined) throw new TypeError('randomUUID makes GUIDs');
      const custom = { modelId, modelName: name, analysis };
      return { pages, analyzeResult: presentAnalyzeResult({ format: 1, pages, custom }, options) };
    },
    [Symbol.asyncDispose]: () => recognition[Symbol.asyncDispose](),
  };
}

/** @throws Error that says what the text is not */
export function parseLocalModel(text: string): LocalModel {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('format' in value) || !('model' in value)) {
    throw new Error('This is no model file: write one with `formhaven train FOLDER --output MODEL`.');
  }
  if (value.format !== FORMAT || typeof value.model !== 'string') {
    throw new Error(`This model file has the format ${JSON.stringify(value.format)}; this release reads ${FORMAT}.`);
  }
  return value as LocalModel;
}
