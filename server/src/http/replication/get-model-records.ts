import { parseModelId, ServiceError } from '@formhaven/contract';
import { resourceOf } from '../parts.ts';
import { type Handler, isReady, sendJson } from '../v2/context.ts';
import { presentRecord } from './present-record.ts';
import type { ReplicationParts } from './routes.ts';

const PAGE = 500;

/** Digests of the ready models, ordered by id, many at once: what two regions compare first. */
export function getModelRecords(parts: ReplicationParts): Handler {
  return async (request, reply) => {
    const { after: text } = request.query as Readonly<Record<string, string | undefined>>;
    const after = text === undefined ? undefined : parseModelId(text);
    if (text !== undefined && after === undefined) {
      throw new ServiceError('BadArgument', { message: 'after takes the id of a model.' });
    }
    const { models, next } = await parts.store.listModels(resourceOf(request).name, { after, limit: PAGE });
    return sendJson(reply, { models: models.filter(isReady).map(presentRecord), next: next ?? null });
  };
}
