import { v2 } from '@formhaven/contract';
import { existingModel, type Handler, sendJson, type V2Context } from './context.ts';
import { presentFailure } from './errors.ts';
import { presentModel } from './present-model.ts';

/** GET /custom/models/{modelId}. An invalid model repeats its error code in a header. */
export function getCustomModel(context: V2Context): Handler {
  return async (request, reply) => {
    const model = await existingModel(request, context);
    const { includeKeys } = request.query as Readonly<Record<string, string | undefined>>;
    if (model.state.status === 'invalid') {
      const [failure] = model.state.errors;
      if (failure !== undefined) {
        reply.headers(v2.errorCodeHeader(context.version, presentFailure(failure, { isTraining: true }).code));
      }
    }
    return sendJson(reply, presentModel(model, includeKeys?.toLowerCase() === 'true', context));
  };
}
