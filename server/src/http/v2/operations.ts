import type { RateGroup } from '../rates.ts';
import { analyzeLayoutAsync } from './analyze-layout-async.ts';
import { analyzeWithCustomModel } from './analyze-with-custom-model.ts';
import { composeCustomModelsAsync } from './compose-custom-models-async.ts';
import type { Handler, V2Context } from './context.ts';
import { copyCustomModel } from './copy-custom-model.ts';
import { deleteCustomModel } from './delete-custom-model.ts';
import { generateModelCopyAuthorization } from './generate-model-copy-authorization.ts';
import { getAnalyzeFormResult } from './get-analyze-form-result.ts';
import { getAnalyzeLayoutResult } from './get-analyze-layout-result.ts';
import { getCustomModel } from './get-custom-model.ts';
import { getCustomModelCopyResult } from './get-custom-model-copy-result.ts';
import { getCustomModels } from './get-custom-models.ts';
import { trainCustomModelAsync } from './train-custom-model-async.ts';

/** One operation of the generation, its handler in the file of its operationId in the swagger of v2.0. */
export interface V2Operation {
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the version, `{name}` for what varies. */
  readonly path: string;
  /** As the gateway's 429 names it. */
  readonly title: string;
  readonly group: RateGroup;
  readonly handler: (context: V2Context) => Handler;
}

const MODELS = 'Custom Form Model Management';

const OPERATIONS: readonly V2Operation[] = [
  {
    operationId: 'TrainCustomModelAsync',
    method: 'POST',
    path: '/custom/models',
    title: `${MODELS} - Train Custom Model Operation`,
    group: 'management',
    handler: trainCustomModelAsync,
  },
  {
    operationId: 'GetCustomModels',
    method: 'GET',
    path: '/custom/models',
    title: `${MODELS} - List Custom Models Operation`,
    group: 'list',
    handler: getCustomModels,
  },
  {
    operationId: 'GenerateModelCopyAuthorization',
    method: 'POST',
    path: '/custom/models/copyAuthorization',
    title: `${MODELS} - Generate Copy Authorization Operation`,
    group: 'management',
    handler: generateModelCopyAuthorization,
  },
  {
    operationId: 'ComposeCustomModelsAsync',
    method: 'POST',
    path: '/custom/models/compose',
    title: `${MODELS} - Compose Custom Models Operation`,
    group: 'management',
    handler: composeCustomModelsAsync,
  },
  {
    operationId: 'GetCustomModel',
    method: 'GET',
    path: '/custom/models/{modelId}',
    title: `${MODELS} - Get Custom Model Operation`,
    group: 'get',
    handler: getCustomModel,
  },
  {
    operationId: 'DeleteCustomModel',
    method: 'DELETE',
    path: '/custom/models/{modelId}',
    title: `${MODELS} - Delete Custom Model Operation`,
    group: 'management',
    handler: deleteCustomModel,
  },
  {
    operationId: 'AnalyzeWithCustomModel',
    method: 'POST',
    path: '/custom/models/{modelId}/analyze',
    title: 'Analyze Form Operation',
    group: 'analyze',
    handler: analyzeWithCustomModel,
  },
  {
    operationId: 'GetAnalyzeFormResult',
    method: 'GET',
    path: '/custom/models/{modelId}/analyzeResults/{resultId}',
    title: 'Get Analyze Form Result Operation',
    group: 'get',
    handler: getAnalyzeFormResult,
  },
  {
    operationId: 'CopyCustomModel',
    method: 'POST',
    path: '/custom/models/{modelId}/copy',
    title: `${MODELS} - Copy Custom Model Operation`,
    group: 'management',
    handler: copyCustomModel,
  },
  {
    operationId: 'GetCustomModelCopyResult',
    method: 'GET',
    path: '/custom/models/{modelId}/copyResults/{resultId}',
    title: `${MODELS} - Get Custom Model Copy Result Operation`,
    group: 'get',
    handler: getCustomModelCopyResult,
  },
  {
    operationId: 'AnalyzeLayoutAsync',
    method: 'POST',
    path: '/layout/analyze',
    title: 'Analyze Layout Operation',
    group: 'analyze',
    handler: analyzeLayoutAsync,
  },
  {
    operationId: 'GetAnalyzeLayoutResult',
    method: 'GET',
    path: '/layout/analyzeResults/{resultId}',
    title: 'Get Analyze Layout Result Operation',
    group: 'get',
    handler: getAnalyzeLayoutResult,
  },
];

/** What a version has. */
export function operationsOf(context: Pick<V2Context, 'features'>): readonly V2Operation[] {
  return OPERATIONS.filter(
    ({ operationId }) => context.features.canCompose || operationId !== 'ComposeCustomModelsAsync',
  );
}
