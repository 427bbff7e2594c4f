import type { Logger } from 'pino';
import { type AnalysisParts, analyzeLayout, analyzeWithModel } from '../analysis/analyze.ts';
import { type SendParts, sendCopy } from '../copy/send.ts';
import { type Failure, OperationFailure } from '../failure.ts';
import { documentKey } from '../models/parts.ts';
import { type TrainingParts, trainModel } from '../models/train.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Job } from '../ports/queue.ts';
import type { ModelState, Operation, Store } from '../ports/store.ts';

export interface RunParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly log: Logger;
  readonly training: TrainingParts;
  readonly analysis: AnalysisParts;
  readonly sending: SendParts;
}

/**
 * Runs the job of an accepted operation and stores its outcome, once: a second run of a finished operation does nothing.
 * Rejects where the job should be run again.
 */
export async function runOperation(job: Job, parts: RunParts, signal: AbortSignal): Promise<void> {
  const operation = await parts.store.findOperation(job.operationId);
  if (operation === undefined) return;
  const log = parts.log.child({ operation: operation.id, kind: operation.kind, attempt: job.attempt });
  if (!(await parts.store.startOperation(operation.id, parts.clock.now()))) return;
  const startedOn = performance.now();
  log.info({ event: 'operation-started', model: operation.modelId });
  try {
    await run(operation, parts, signal);
    log.info({ event: 'operation-succeeded', milliseconds: Math.round(performance.now() - startedOn) });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OperationFailure)) throw error;
    await fail(operation, error.failure, parts);
    log.info({
      event: 'operation-failed',
      code: error.failure.code,
      milliseconds: Math.round(performance.now() - startedOn),
    });
  }
  await parts.blobs.delete(documentKey(operation.id));
}

/** Ends an operation whose attempts are used up: nobody waits for it for ever. */
export async function giveUp(job: Job, error: Error, parts: RunParts): Promise<void> {
  const operation = await parts.store.findOperation(job.operationId);
  if (operation === undefined) return;
  parts.log.error({ event: 'operation-given-up', operation: operation.id, kind: operation.kind, err: error });
  await fail(
    operation,
    {
      code: 'internal',
      message: `The work was tried several times and could not be done; the server's log has the reason under operation ${operation.id}.`,
    },
    parts,
  );
  await parts.blobs.delete(documentKey(operation.id));
}

async function run(operation: Operation, parts: RunParts, signal: AbortSignal): Promise<void> {
  switch (operation.kind) {
    case 'train':
      await train(operation, parts, signal);
      return;
    case 'analyze':
      await analyzeWithModel(operation, parts.analysis, signal);
      break;
    case 'layout':
      await analyzeLayout(operation, parts.analysis, signal);
      break;
    case 'copy':
      await sendCopy(operation, parts.sending, signal);
      break;
    default:
      throw new TypeError(`unknown kind ${operation.kind satisfies never}`);
  }
  signal.throwIfAborted();
  await parts.store.finishOperation({ id: operation.id, state: { status: 'succeeded' }, now: parts.clock.now() });
}

async function train(operation: Operation, parts: RunParts, signal: AbortSignal): Promise<void> {
  if (operation.modelId === undefined) throw new TypeError('a training is always of a model');
  const model = await parts.store.getModel(operation.resource, operation.modelId);
  if (model === undefined) {
    throw new OperationFailure('modelGone', `Model ${operation.modelId} was deleted while it was trained.`);
  }
  const { lastUpdatedOn, ...state } = await trainModel(operation, model, parts.training, signal);
  signal.throwIfAborted();
  await finishTraining(operation, { status: 'succeeded' }, state, lastUpdatedOn, parts);
}

async function fail(operation: Operation, failure: Failure, parts: RunParts): Promise<void> {
  const failed = { status: 'failed', errors: [failure] } as const;
  if (operation.kind === 'train') {
    await finishTraining(operation, failed, { status: 'invalid', errors: [failure] }, parts.clock.now(), parts);
  } else {
    await parts.store.finishOperation({ id: operation.id, state: failed, now: parts.clock.now() });
  }
}

async function finishTraining(
  operation: Operation,
  state: { readonly status: 'succeeded' } | { readonly status: 'failed'; readonly errors: readonly Failure[] },
  outcome: Exclude<ModelState, { status: 'creating' }>,
  lastUpdatedOn: Date,
  parts: RunParts,
): Promise<void> {
  if (operation.modelId === undefined) throw new TypeError('a training is always of a model');
  await parts.store.finishOperation({
    id: operation.id,
    state,
    now: parts.clock.now(),
    model: { id: operation.modelId, state: outcome, lastUpdatedOn },
  });
}
