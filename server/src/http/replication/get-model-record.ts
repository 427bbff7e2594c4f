import { resourceOf } from '../parts.ts';
import { type Handler, isReady, sendJson } from '../v2/context.ts';
import { notFound, requiredModelId } from './model-id.ts';
import { presentRecord } from './present-record.ts';
import type { ReplicationParts } from './routes.ts';

/** A model's digest; or that it was deleted here, which is not the same as being unknown. */
export function getModelRecord(parts: ReplicationParts): Handler {
  return async (request, reply) => {
    const id = requiredModelId(request);
    const resource = resourceOf(request).name;
    const model = await parts.store.getModel(resource, id);
    if (model !== undefined) return sendJson(reply, isReady(model) ? presentRecord(model) : { status: 'unready' });
    const change = await parts.store.findChange(resource, id);
    if (change?.change !== 'deleted') throw notFound(id);
    return sendJson(reply, { status: 'deleted', sequence: change.sequence });
  };
}
