import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError, v2 } from '@formhaven/contract';

// Clients, as a drill sees them: each sends a document, polls until it is done, and notes what it met and when.

export interface Attempt {
  /** Milliseconds since the load began, as all times here. */
  readonly sentAt: number;
  readonly acceptedAt: number | undefined;
  readonly endedAt: number;
  readonly outcome:
    | { readonly kind: 'good' }
    /** Accepted, and its result never came or was another one's. */
    | { readonly kind: 'lost'; readonly reason: string }
    /** A request that was answered with an error, or not at all. */
    | { readonly kind: 'error'; readonly during: 'sending' | 'polling'; readonly reason: string };
}

export interface LoadOptions {
  readonly client: v2.V2Client;
  readonly modelId: string;
  readonly document: Uint8Array<ArrayBuffer>;
  readonly perSecond: number;
  /** Says whether a result is the right one. */
  isRight(result: v2.AnalyzeOperationResult): boolean;
  readonly pollMilliseconds: number;
  /** A result that takes longer is lost. */
  readonly patienceMilliseconds: number;
}

export interface Load {
  /** So far. */
  readonly attempts: readonly Attempt[];
  /** On the load's clock. */
  now(): number;
  /** Sends no more, waits for what is under way. */
  stop(): Promise<readonly Attempt[]>;
}

export function startLoad(options: LoadOptions): Load {
  const begunAt = performance.now();
  const now = (): number => performance.now() - begunAt;
  const attempts: Attempt[] = [];
  const underWay = new Set<Promise<void>>();
  const ending = new AbortController();
  const sending = (async () => {
    for (let n = 1; !ending.signal.aborted; n++) {
      const attempt = send(options, now).then((outcome) => {
        attempts.push(outcome);
        underWay.delete(attempt);
      });
      underWay.add(attempt);
      // By the plan rather than from the last one, so that a slow answer does not slow the load down.
      const wait = Math.max(0, (n * 1000) / options.perSecond - now());
      await sleep(wait, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return {
    attempts,
    now,
    async stop() {
      ending.abort();
      await sending;
      await Promise.all(underWay);
      return attempts;
    },
  };
}

async function send(options: LoadOptions, now: () => number): Promise<Attempt> {
  const { client, modelId, document } = options;
  const sentAt = now();
  let acceptedAt: number | undefined;
  try {
    const { resultId } = await client.analyze(modelId, { contentType: 'application/pdf', body: document });
    acceptedAt = now();
    const result = await v2.pollUntil({
      poll: (signal) => client.getAnalyzeResult(modelId, resultId, { signal }),
      isDone: ({ status }) => status === 'succeeded' || status === 'failed',
      intervalMilliseconds: options.pollMilliseconds,
      deadlineMilliseconds: options.patienceMilliseconds,
    });
    const isGood = result.status === 'succeeded' && options.isRight(result);
    const reason = result.status === 'failed' ? 'the analysis failed' : 'the result is not the right one';
    return { sentAt, acceptedAt, endedAt: now(), outcome: isGood ? { kind: 'good' } : { kind: 'lost', reason } };
  } catch (error) {
    const endedAt = now();
    if (error instanceof v2.DeadlineExceeded) {
      return { sentAt, acceptedAt, endedAt, outcome: { kind: 'lost', reason: 'no result came in time' } };
    }
    const reason = error instanceof ServiceError ? `${error.status} ${error.message}` : String(error);
    const during = acceptedAt === undefined ? 'sending' : 'polling';
    return { sentAt, acceptedAt, endedAt, outcome: { kind: 'error', during, reason } };
  }
}
