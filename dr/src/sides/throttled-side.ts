import { ServiceError } from '@formhaven/contract';
import type { Clock } from '../clock.ts';
import type { Limits } from '../config/config.ts';
import type { PublicApi, ReplicationApi, Side } from './side.ts';
import { TokenBucket } from './token-bucket.ts';

// Each kind of request has its own bucket, as the service counts them. A 429 or 503 pauses the bucket it came from for as long as
// Retry-After says, and the request is sent again.

/** Without a Retry-After. */
const DEFAULT_PAUSE_MILLISECONDS = 1000;
const LONGEST_PAUSE_MILLISECONDS = 120_000;
const TRIES = 8;

type Kind = 'read' | 'list' | 'write' | 'analyze';

/** The side, asked no faster than its limits allow. */
export function throttledSide(side: Side, clock: Clock): Side {
  const buckets = bucketsOf(side.limits, clock);
  const ask = async <Value>(
    kind: Kind,
    signal: AbortSignal | undefined,
    request: () => Promise<Value>,
  ): Promise<Value> => {
    for (let tries = 1; ; tries++) {
      await buckets[kind].take(signal);
      try {
        return await request();
      } catch (error) {
        const pause = pauseAfter(error);
        if (pause === undefined || tries === TRIES) throw error;
        buckets[kind].pause(pause);
      }
    }
  };
  const { api, replication } = side;
  const throttled: PublicApi = {
    listModelsPage: (nextLink, options = {}) =>
      ask('list', options.signal, () => api.listModelsPage(nextLink, options)),
    getModel: (id, options = {}) => ask('read', options.signal, () => api.getModel(id, options)),
    authorizeCopy: (options = {}) => ask('write', options.signal, () => api.authorizeCopy(options)),
    copy: (id, request, options = {}) => ask('write', options.signal, () => api.copy(id, request, options)),
    getCopyResult: (id, result, options = {}) =>
      ask('read', options.signal, () => api.getCopyResult(id, result, options)),
    deleteModel: (id, options = {}) => ask('write', options.signal, () => api.deleteModel(id, options)),
    analyze: (id, document, options = {}) => ask('analyze', options.signal, () => api.analyze(id, document, options)),
    getAnalyzeResult: (id, result, options = {}) =>
      ask('read', options.signal, () => api.getAnalyzeResult(id, result, options)),
  };
  const throttledReplication: ReplicationApi | undefined = replication && {
    position: (options) => ask('read', options.signal, () => replication.position(options)),
    waitForChange: (position, options) =>
      ask('read', options.signal, () => replication.waitForChange(position, options)),
    async *listRecords(options) {
      await buckets.list.take(options.signal);
      yield* replication.listRecords(options);
    },
    whereabouts: (id, options) => ask('read', options.signal, () => replication.whereabouts(id, options)),
    prove: (id, options) => ask('read', options.signal, () => replication.prove(id, options)),
    runCanary: (id, options) => ask('analyze', options.signal, () => replication.runCanary(id, options)),
  };
  return { ...side, api: throttled, replication: throttledReplication };
}

function bucketsOf(limits: Limits, clock: Clock): Readonly<Record<Kind, TokenBucket>> {
  return {
    read: new TokenBucket(limits.readsPerSecond, clock),
    list: new TokenBucket(limits.listsPerSecond, clock),
    write: new TokenBucket(limits.writesPerSecond, clock),
    analyze: new TokenBucket(limits.analysesPerSecond, clock),
  };
}

/** Milliseconds; undefined where waiting does not help. */
function pauseAfter(error: unknown): number | undefined {
  if (!(error instanceof ServiceError)) return undefined;
  // 1014 is a 429 that time does not heal: the resource is full of models.
  const isThrottled = (error.status === 429 && error.code !== '1014') || error.status === 503;
  if (!isThrottled) return undefined;
  const pause = error.retryAfterSeconds === undefined ? DEFAULT_PAUSE_MILLISECONDS : error.retryAfterSeconds * 1000;
  return pause > LONGEST_PAUSE_MILLISECONDS ? undefined : pause;
}
