import { v2 } from '@formhaven/contract';
import { readRequest } from '../../requests.ts';
import { existingOperation, type Handler, sendJson, type V2Context } from './context.ts';
import { presentFailure } from './errors.ts';
import { presentAnalyzeOperation } from './present-operation.ts';

/** GET /custom/models/{modelId}/analyzeResults/{resultId}. */
export function getAnalyzeFormResult(context: V2Context): Handler {
  return async (request, reply) => {
    const operation = await existingOperation(request, context, 'analyze');
    const { includeTextDetails } = readRequest(operation.request, 'analyze');
    const [failure] = operation.state.status === 'failed' ? operation.state.errors : [];
    if (failure !== undefined) reply.headers(v2.errorCodeHeader(context.version, presentFailure(failure).code));
    const { blobs } = context.parts;
    const body = await presentAnalyzeOperation(operation, { includeTextDetails, blobs, features: context.features });
    return sendJson(reply, body);
  };
}
