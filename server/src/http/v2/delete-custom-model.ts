import { resourceOf } from '../parts.ts';
import { existingModel, type Handler, type V2Context } from './context.ts';

/** DELETE /custom/models/{modelId}: 204. Work under way with the model ends without it. */
export function deleteCustomModel(context: V2Context): Handler {
  return async (request, reply) => {
    const model = await existingModel(request, context);
    await context.parts.store.deleteModel(resourceOf(request).name, model.id, context.parts.clock.now());
    return reply.code(204).send();
  };
}
