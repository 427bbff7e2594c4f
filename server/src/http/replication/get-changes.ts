import { ServiceError, v2 } from '@formhaven/contract';
import { resourceOf } from '../parts.ts';
import { type Handler, sendJson } from '../v2/context.ts';
import type { ReplicationParts } from './routes.ts';

const PAGE = 500;
const MAX_WAIT_SECONDS = 30;
/** The rows are written by another process; looking at the counter is one row of one page that is in memory. */
const LOOK_MILLISECONDS = 100;

/**
 * Changes after a number, waited for where there is none yet. `isReset` says that the number is not one of this database: it was
 * made anew or brought back from an older state, and the caller has to look at everything.
 */
export function getChanges(parts: ReplicationParts, closing: AbortSignal): Handler {
  return async (request, reply) => {
    const query = request.query as Readonly<Record<string, string | undefined>>;
    const after = numberOf(query.after, 'after', Number.MAX_SAFE_INTEGER);
    const wait = numberOf(query.wait, 'wait', MAX_WAIT_SECONDS);
    const resource = resourceOf(request).name;
    const deadline = performance.now() + wait * 1000;
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const ending = AbortSignal.any([gone.signal, closing]);
    for (;;) {
      const { instance, last } = await parts.store.changePosition();
      const isReset = after > last || (query.instance !== undefined && query.instance !== instance);
      const changes = isReset || last <= after ? [] : await parts.store.listChanges(resource, { after, limit: PAGE });
      if (isReset || changes.length > 0 || performance.now() >= deadline || ending.aborted) {
        // A full page may have more behind it: the caller goes on from the last it was told of.
        const position = changes.length === PAGE ? (changes.at(-1)?.sequence ?? last) : last;
        return sendJson(reply, {
          instance,
          last: position,
          isReset,
          changes: changes.map(({ sequence, modelId, change }) => ({ sequence, modelId, change })),
        });
      }
      await v2
        .pollUntil({
          poll: () => parts.store.changePosition(),
          isDone: (position) => position.last > last || performance.now() >= deadline,
          intervalMilliseconds: LOOK_MILLISECONDS,
          deadlineMilliseconds: (MAX_WAIT_SECONDS + 5) * 1000,
          signal: ending,
        })
        .catch((error: unknown) => {
          if (!ending.aborted) throw error;
        });
    }
  };
}

function numberOf(text: string | undefined, name: string, maximum: number): number {
  const value = Number(text ?? 0);
  if (!Number.isInteger(value) || value < 0 || value > maximum) {
    throw new ServiceError('BadArgument', { message: `${name} takes a whole number up to ${maximum}.` });
  }
  return value;
}
