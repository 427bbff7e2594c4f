import { ServiceError, v2 } from '@formhaven/contract';
import { composeModel } from '../../models/compose.ts';
import { newModelId } from '../../operations/accept.ts';
import { readJson } from '../body.ts';
import { resourceOf } from '../parts.ts';
import {
  type Handler,
  isReady,
  type ReadyModel,
  requireModelRoom,
  requireParsed,
  sendLocation,
  type V2Context,
} from './context.ts';

/** POST /custom/models/compose: 201. Nothing has to be trained, so the model is ready at once. */
export function composeCustomModelsAsync(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    const body = await readJson(request, reply, { code: '1002' });
    const compose = requireParsed(v2.parseComposeRequest(body));
    const resource = resourceOf(request).name;
    const components: ReadyModel[] = [];
    for (const modelId of compose.modelIds) {
      const model = await parts.store.getModel(resource, modelId);
      if (model === undefined || !isReady(model)) throw new ServiceError('1001', { values: { modelId } });
      components.push(model);
    }
    await requireModelRoom(request, parts);
    const id = newModelId();
    const composed = await composeModel({ id, resource, name: compose.modelName, components }, parts);
    if (!('model' in composed)) {
      throw composed.problem === 'unlabeled'
        ? new ServiceError('1001', {
            message: `Specified model not found or not ready, or has incompatible API version, Model Id: ${composed.modelId}. Only models trained with labels can be composed.`,
          })
        : new ServiceError('1002', {
            message: `The model would have ${composed.count} components; it may have ${v2.V2_LIMITS.composedModels}.`,
          });
    }
    await parts.store.addModel(composed.model);
    return sendLocation(request, reply, context, { status: 201, location: { kind: 'model', version, modelId: id } });
  };
}
