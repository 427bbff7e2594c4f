import type { v2 } from '@formhaven/contract';
import type { Failure } from '../../failure.ts';
import { type Manifest, readManifest } from '../../models/manifest.ts';
import type { Model } from '../../ports/store.ts';
import type { TrainResult } from '../../train-result.ts';
import type { V2Context } from './context.ts';
import { presentDate } from './dates.ts';
import { presentFailure } from './errors.ts';

export function presentModelInfo(model: Model, context: Pick<V2Context, 'features'>): v2.ModelInfo {
  const { features } = context;
  return {
    modelId: model.id,
    ...(features.hasModelNames && model.name !== undefined ? { modelName: model.name } : {}),
    ...(features.hasAttributes ? attributes(model) : {}),
    status: model.state.status,
    createdDateTime: presentDate(model.createdOn),
    lastUpdatedDateTime: presentDate(model.lastUpdatedOn),
  };
}

/** The body of GET: modelInfo alone while creating. */
export function presentModel(model: Model, includeKeys: boolean, context: Pick<V2Context, 'features'>): v2.Model {
  const modelInfo = presentModelInfo(model, context);
  switch (model.state.status) {
    case 'creating':
      return { modelInfo };
    case 'invalid':
      return {
        modelInfo,
        keys: { clusters: {} },
        trainResult: {
          trainingDocuments: [],
          errors: model.state.errors.map((failure) => presentFailure(failure, { isTraining: true })),
        },
      };
    case 'ready':
      return { modelInfo, ...presentTraining(readManifest(model.state.manifest), includeKeys, context) };
    default:
      throw new TypeError(`unknown state ${JSON.stringify(model.state satisfies never)}`);
  }
}

function presentTraining(
  manifest: Manifest,
  includeKeys: boolean,
  context: Pick<V2Context, 'features'>,
): Omit<v2.Model, 'modelInfo'> {
  if (manifest.components !== undefined) {
    return {
      composedTrainResults: manifest.components.map((component) => ({
        ...presentLabeled(component.trainResult, context),
        modelId: component.modelId,
      })),
    };
  }
  const result = manifest.trainResult ?? { trainingDocuments: [], errors: [] };
  if (manifest.kind === 'labeled') return { trainResult: presentLabeled(result, context) };
  const clusters = Object.fromEntries((manifest.clusters ?? []).map((keys, index) => [String(index), keys]));
  return {
    ...(includeKeys ? { keys: { clusters } } : {}),
    trainResult: {
      trainingDocuments: result.trainingDocuments.map((document) => ({
        documentName: document.name,
        pages: document.pages,
        errors: document.errors.map((failure) => presentFailure(failure as Failure)),
        status: document.status,
      })),
      errors: result.errors.map((failure) => presentFailure(failure as Failure)),
    },
  };
}

function presentLabeled(result: TrainResult, context: Pick<V2Context, 'features'>): v2.TrainResult {
  const cap = (accuracy: number): number => Math.min(context.features.accuracyCap, accuracy);
  const fields = (result.fields ?? []).map(({ name, accuracy }) => ({ fieldName: name, accuracy: cap(accuracy ?? 0) }));
  return {
    averageModelAccuracy:
      fields.length === 0 ? 0 : round(fields.reduce((sum, field) => sum + field.accuracy, 0) / fields.length),
    trainingDocuments: result.trainingDocuments.map((document) => ({
      documentName: document.name,
      pages: document.pages,
      // Labelled models carry no `errors` here, unless there are some to tell.
      ...(document.errors.length === 0
        ? {}
        : { errors: document.errors.map((failure) => presentFailure(failure as Failure)) }),
      status: document.status,
    })),
    fields: fields.map((field) => ({ ...field, accuracy: round(field.accuracy) })),
    errors: result.errors.map((failure) => presentFailure(failure as Failure)),
  };
}

function attributes(model: Model): { attributes?: v2.Attributes } {
  if (model.state.status !== 'ready') return {};
  const { kind } = readManifest(model.state.manifest);
  return kind === 'unlabeled' ? {} : { attributes: { isComposed: kind === 'composed' } };
}

function round(accuracy: number): number {
  return Math.round(accuracy * 1000) / 1000;
}
