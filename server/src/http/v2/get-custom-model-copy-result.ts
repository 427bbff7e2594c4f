import { v2 } from '@formhaven/contract';
import { existingOperation, type Handler, sendJson, type V2Context } from './context.ts';
import { presentCopyOperation } from './present-copy.ts';

/** GET /custom/models/{modelId}/copyResults/{resultId}. A failed copy repeats its error code in a header. */
export function getCustomModelCopyResult(context: V2Context): Handler {
  return async (request, reply) => {
    const operation = await existingOperation(request, context, 'copy');
    const body = presentCopyOperation(operation, request.id, context);
    const code = body.copyResult?.errors?.[0]?.code;
    if (code !== undefined) reply.headers(v2.errorCodeHeader(context.version, code));
    return sendJson(reply, body);
  };
}
