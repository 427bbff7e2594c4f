import { resourceOf } from '../parts.ts';
import { type Handler, sendJson } from '../v2/context.ts';
import type { ReplicationParts } from './routes.ts';

/** Whether this is a Formhaven region, and whether it is still the one it was: the instance is made with its database. */
export function getIdentity(parts: ReplicationParts): Handler {
  return async (request, reply) => {
    const { instance, last } = await parts.store.changePosition();
    const { resourceId } = resourceOf(request);
    return sendJson(reply, {
      format: 'formhaven-replication/1',
      instance,
      last,
      region: parts.receive.region,
      resourceId,
    });
  };
}
