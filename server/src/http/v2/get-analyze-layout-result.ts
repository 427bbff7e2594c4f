import { v2 } from '@formhaven/contract';
import { existingOperation, type Handler, sendJson, type V2Context } from './context.ts';
import { presentFailure } from './errors.ts';
import { presentAnalyzeOperation } from './present-operation.ts';

/** GET /layout/analyzeResults/{resultId}. */
export function getAnalyzeLayoutResult(context: V2Context): Handler {
  return async (request, reply) => {
    const operation = await existingOperation(request, context, 'layout');
    const [failure] = operation.state.status === 'failed' ? operation.state.errors : [];
    if (failure !== undefined) reply.headers(v2.errorCodeHeader(context.version, presentFailure(failure).code));
    const { blobs } = context.parts;
    const body = await presentAnalyzeOperation(operation, {
      includeTextDetails: true,
      blobs,
      features: context.features,
    });
    return sendJson(reply, body);
  };
}
