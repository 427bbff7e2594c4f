import { randomBytes } from 'node:crypto';
import type { Sha256 } from '@formhaven/contract';
import { OperationFailure } from '../failure.ts';
import { distinctParts, proveContent, readManifest } from '../models/manifest.ts';
import { DamagedPart, readPart } from '../models/parts.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import { type CopyTarget, PeerError, type Peers } from '../ports/peers.ts';
import { RetryJob } from '../ports/queue.ts';
import type { Model, Operation, Store } from '../ports/store.ts';
import { readRequest } from '../requests.ts';
import type { Seal } from '../seal.ts';
import { isEqualHash } from './authorize.ts';
import { PIECE_BYTES, pieceLength } from './pieces.ts';

export interface SendParts {
  readonly store: Pick<Store, 'getModel'>;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly peers: Peers;
  readonly seal: Seal;
  /** How long an unreachable target is tried again. */
  readonly patienceMilliseconds: number;
  /** Since when this process has run: a copy accepted before a long outage gets its patience afresh. */
  readonly startedOn: Date;
}

// Short enough that a restarted target is met at once, long enough to leave a struggling one alone.
const RETRY_MILLISECONDS = 1000;
/** An offer is made again when pieces got lost on the way; a target that loses them for ever is broken. */
const MAX_ROUNDS = 5;

/**
 * The source's half of a copy: offer the manifest, send what is missing, have it published, and ask for evidence that it is
 * there. Each step may be repeated; a run that was cut off anywhere is simply run again.
 * @throws OperationFailure, or RetryJob while the target cannot be reached
 */
export async function sendCopy(operation: Operation, parts: SendParts, signal: AbortSignal): Promise<void> {
  const request = readRequest(operation.request, 'copy');
  const model = await sourceModel(operation, parts);
  const peer = await parts.peers.find(request.targetResourceId, request.targetRegion);
  if (peer === undefined) {
    throw new OperationFailure(
      'copyTargetNotFound',
      `Could not fetch information for Cognitive resource with Id '${request.targetResourceId}'. Ensure the resource is valid and exists in the specified region '${request.targetRegion}'.`,
    );
  }
  const target: CopyTarget = {
    peer,
    modelId: request.targetModelId,
    accessToken: parts.seal.open(request.sealedAccessToken),
    copyId: operation.id,
  };
  try {
    await transfer(target, model, parts, signal);
  } catch (error) {
    if (error instanceof PeerError) throw outcomeOf(error, operation, parts);
    throw error;
  }
}

async function transfer(
  target: CopyTarget,
  model: { readonly digest: Sha256; readonly manifest: string },
  parts: SendParts,
  signal: AbortSignal,
): Promise<void> {
  const sizes = new Map(distinctParts(readManifest(model.manifest)).map((part) => [part.sha256, part.size]));
  for (let round = 1; ; round++) {
    const { missing } = await parts.peers.offer(target, model.manifest, signal);
    for (const { sha256, pieces } of missing) {
      // Never more than the model that was authorized, whatever the target asks for.
      const size = sizes.get(sha256);
      if (size === undefined || pieces.some((piece) => pieceLength(size, piece) === undefined)) {
        throw new OperationFailure('copyFailed', 'The target asked for something that is no part of the model.');
      }
      const bytes = await readOwnPart(parts.blobs, sha256);
      for (const piece of pieces) {
        const content = bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
        await parts.peers.sendPiece(target, model.digest, sha256, piece, content, signal);
      }
    }
    const isPublished = await parts.peers.publish(target, model.digest, signal);
    if (isPublished) break;
    if (round === MAX_ROUNDS) {
      throw new OperationFailure(
        'copyFailed',
        'The target kept losing parts of the model on the way. Check its disk and log.',
      );
    }
  }
  // "A target that answers success without having the model is found out": only its bytes make this number.
  const nonce = randomBytes(32).toString('hex');
  const expected = await proveContent(model.manifest, nonce, (hash) => readOwnPart(parts.blobs, hash));
  const proof = await parts.peers.prove(target, model.digest, nonce, signal);
  if (proof === undefined || !isEqualHash(proof, expected)) {
    throw new OperationFailure(
      'copyNotProven',
      'The target says that it has the model, but could not prove it. Authorize and copy again.',
    );
  }
}

async function sourceModel(
  operation: Operation,
  parts: SendParts,
): Promise<Extract<Model['state'], { status: 'ready' }>> {
  if (operation.modelId === undefined) throw new TypeError('a copy is always of a model');
  const model = await parts.store.getModel(operation.resource, operation.modelId);
  if (model?.state.status !== 'ready') {
    throw new OperationFailure('modelGone', `Model ${operation.modelId} was deleted before it was copied.`);
  }
  return model.state;
}

async function readOwnPart(blobs: Blobs, hash: Sha256): Promise<Uint8Array> {
  try {
    return await readPart(blobs, hash);
  } catch (cause) {
    if (!(cause instanceof DamagedPart)) throw cause;
    throw new OperationFailure(
      'copyFailed',
      'A part of the model is missing or damaged at the source. Verify its disk; a copy in another region can be copied back.',
      { cause },
    );
  }
}

function outcomeOf(error: PeerError, operation: Operation, parts: SendParts): Error {
  switch (error.code) {
    case 'unreachable': {
      const since = Math.max(operation.createdOn.getTime(), parts.startedOn.getTime());
      if (parts.clock.now().getTime() - since < parts.patienceMilliseconds) {
        return new RetryJob(error.message, {
          delayMilliseconds: RETRY_MILLISECONDS,
          countsAsAttempt: false,
          cause: error,
        });
      }
      return new OperationFailure('copyTargetNotFound', error.message, { cause: error });
    }
    case 'authorizationNotFound':
      return new OperationFailure(
        'copyAuthorizationNotFound',
        'Could not retrieve authorization metadata. If this issue persists use a different target model to copy into.',
        { cause: error },
      );
    case 'authorizationInvalid':
      return new OperationFailure(
        'copyAuthorizationInvalid',
        'Authorization failure due to missing or invalid authorization claims.',
        { cause: error },
      );
    case 'protocol':
      return new OperationFailure('copyFailed', error.message, { cause: error });
    default:
      throw new TypeError(`unknown code ${error.code satisfies never}`);
  }
}
