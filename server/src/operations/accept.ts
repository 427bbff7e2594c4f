import { randomUUID } from 'node:crypto';
import { type ModelId, type OperationId, parseModelId, parseOperationId } from '@formhaven/contract';
import type { Clock } from '../ports/clock.ts';
import type { JobKind, Queue } from '../ports/queue.ts';
import type { Model, OperationKind, Store } from '../ports/store.ts';
import { type OperationRequest, writeRequest } from '../requests.ts';
import { wholeSeconds } from '../whole-seconds.ts';

export interface AcceptParts {
  readonly store: Store;
  readonly queue: Pick<Queue, 'wake' | 'depth'>;
  readonly clock: Clock;
  readonly keepResultsMilliseconds: number;
  readonly maxQueueLength: number;
}

/** So much waits already that more would only wait longer; the wire says 429 and when to come back. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
  readonly retryAfterSeconds = 30;
}

/** @throws QueueFull. Asked before a body is taken, so that a full queue costs no disk. */
export async function requireRoom(parts: AcceptParts): Promise<void> {
  const { waiting } = await parts.queue.depth();
  if (waiting >= parts.maxQueueLength) throw new QueueFull(`${waiting} jobs are waiting`);
}

export function newOperationId(): OperationId {
  const id = parseOperationId(randomUUID());
  if (id === undefined) throw new TypeError('randomUUID makes GUIDs');
  return id;
}

export function newModelId(): ModelId {
  const id = parseModelId(randomUUID());
  if (id === undefined) throw new TypeError('randomUUID makes GUIDs');
  return id;
}

const JOB_OF: Readonly<Record<OperationKind, JobKind>> = {
  train: 'train',
  analyze: 'analyze',
  layout: 'analyze',
  copy: 'copy',
};

/**
 * Makes the work ours: when this resolves, the operation reaches a terminal state whatever is killed. The bytes it needs have
 * been stored before.
 */
export async function acceptOperation(
  accepted: {
    readonly id: OperationId;
    readonly resource: string;
    readonly modelId: ModelId | undefined;
    readonly request: OperationRequest;
    readonly model?: Pick<Model, 'id' | 'name'>;
  },
  parts: AcceptParts,
): Promise<void> {
  const { id, resource, modelId, request } = accepted;
  const now = wholeSeconds(parts.clock.now());
  await parts.store.accept({
    operation: {
      id,
      kind: request.kind,
      resource,
      modelId,
      createdOn: now,
      lastUpdatedOn: now,
      expiresOn: new Date(now.getTime() + parts.keepResultsMilliseconds),
      request: writeRequest(request),
      state: { status: 'notStarted' },
    },
    job: { operationId: id, kind: JOB_OF[request.kind], resource },
    ...(accepted.model === undefined
      ? {}
      : {
          model: {
            ...accepted.model,
            resource,
            createdOn: now,
            lastUpdatedOn: now,
            state: { status: 'creating', by: 'train' },
          },
        }),
  });
  parts.queue.wake();
}
