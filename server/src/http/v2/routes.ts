import { ServiceError, v2 } from '@formhaven/contract';
import type { FastifyInstance } from 'fastify';
import type { HttpParts } from '../parts.ts';
import { analyzeLayoutAsync } from './analyze-layout-async.ts';
import { analyzeWithCustomModel } from './analyze-with-custom-model.ts';
import { composeCustomModelsAsync } from './compose-custom-models-async.ts';
import type { V2Context } from './context.ts';
import { copyCustomModel } from './copy-custom-model.ts';
import { deleteCustomModel } from './delete-custom-model.ts';
import { generateModelCopyAuthorization } from './generate-model-copy-authorization.ts';
import { getAnalyzeFormResult } from './get-analyze-form-result.ts';
import { getAnalyzeLayoutResult } from './get-analyze-layout-result.ts';
import { getCustomModel } from './get-custom-model.ts';
import { getCustomModelCopyResult } from './get-custom-model-copy-result.ts';
import { getCustomModels } from './get-custom-models.ts';
import { trainCustomModelAsync } from './train-custom-model-async.ts';

/** Every operation of one version, each in the file of its operationId in the swagger of v2.0. */
export function v2Routes(app: FastifyInstance, version: v2.V2Version, parts: HttpParts): void {
  const context: V2Context = { version, features: v2.V2_FEATURES[version], parts };
  app.register(
    async (routes) => {
      routes.post('/custom/models', trainCustomModelAsync(context));
      routes.get('/custom/models', getCustomModels(context));
      routes.post('/custom/models/copyAuthorization', generateModelCopyAuthorization(context));
      if (context.features.canCompose) routes.post('/custom/models/compose', composeCustomModelsAsync(context));
      routes.get('/custom/models/:modelId', getCustomModel(context));
      routes.delete('/custom/models/:modelId', deleteCustomModel(context));
      routes.post('/custom/models/:modelId/analyze', analyzeWithCustomModel(context));
      routes.get('/custom/models/:modelId/analyzeResults/:resultId', getAnalyzeFormResult(context));
      routes.post('/custom/models/:modelId/copy', copyCustomModel(context));
      routes.get('/custom/models/:modelId/copyResults/:resultId', getCustomModelCopyResult(context));
      routes.post('/layout/analyze', analyzeLayoutAsync(context));
      routes.get('/layout/analyzeResults/:resultId', getAnalyzeLayoutResult(context));

      // Named and refused, never a silent success.
      for (const name of context.features.prebuilt) {
        routes.post(`/prebuilt/${name}/analyze`, refuse(`The prebuilt model ${name}`));
        routes.get(`/prebuilt/${name}/analyzeResults/:resultId`, refuse(`The prebuilt model ${name}`));
      }
    },
    { prefix: v2.basePath(version) },
  );
}

function refuse(feature: string): () => Promise<never> {
  return async () => {
    throw new ServiceError('NotSupported', { values: { feature } });
  };
}
