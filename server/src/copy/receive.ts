import { Readable } from 'node:stream';
import { isSameResource, type ModelId, type Region, type ResourceId, type Sha256 } from '@formhaven/contract';
import { distinctParts, InvalidManifest, proveContent, readManifest, sha256 } from '../models/manifest.ts';
import { partKey, readPart } from '../models/parts.ts';
import type { BlobKey, Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { CopyOffer } from '../ports/peers.ts';
import type { CopyAuthorization, Resource, Store } from '../ports/store.ts';
import { isToken } from './authorize.ts';
import { pieceCount, pieceLength } from './pieces.ts';

// The target's half of a copy. An authorization goes through: issued → (offered → pieces arriving)* → published, or expired.
// Everything before publication lies under `staging/` and is seen by nobody; publication is one transaction. Each call may be
// repeated at any time, by a source that crashed or never got the answer.

export type ReceiveErrorCode =
  /** No such authorization here: unknown, expired, used up by another copy, or for another resource or region. */
  | 'authorizationNotFound'
  /** The token is not the one that was given out. */
  | 'authorizationInvalid'
  /** The request contradicts itself or the manifest. */
  | 'malformed'
  /** Bytes did not arrive as they were sent, or are not here: offer again. */
  | 'incomplete';

export class ReceiveError extends Error {
  override readonly name = 'ReceiveError';
  readonly code: ReceiveErrorCode;

  constructor(code: ReceiveErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A manifest is small text; its largest list has an entry a part. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
// Models of the service are trained from at most 50 MB of documents; label and OCR files come on top.
const MAX_MODEL_BYTES = 1024 * 1024 * 1024;

export interface ReceiveParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly region: Region;
}

export interface Arrival {
  readonly modelId: ModelId;
  readonly accessToken: string;
  /** The copy operation on the source. */
  readonly copyId: string;
}

/** Takes the manifest of a model about to come and says which pieces are missing. @throws ReceiveError */
export async function receiveOffer(
  arrival: Arrival & {
    readonly targetResourceId: ResourceId;
    readonly targetRegion: Region;
    readonly manifest: string;
  },
  parts: ReceiveParts,
): Promise<CopyOffer> {
  const { resource, authorization } = await permit(arrival, parts);
  if (arrival.targetRegion !== parts.region || !isSameResource(arrival.targetResourceId, resource.resourceId)) {
    throw new ReceiveError('authorizationNotFound', 'the authorization is for another resource or region');
  }
  const manifest = parseManifest(arrival.manifest);
  const total = distinctParts(manifest).reduce((sum, part) => sum + part.size, 0);
  if (total > MAX_MODEL_BYTES)
    throw new ReceiveError('malformed', `a model may have ${MAX_MODEL_BYTES} bytes, not ${total}`);
  const digest = sha256(arrival.manifest);
  if (authorization.used !== undefined && authorization.used.digest !== digest) {
    throw new ReceiveError('authorizationNotFound', 'the authorization was used up');
  }
  await parts.blobs.put(manifestKey(arrival.modelId, digest), Buffer.from(arrival.manifest, 'utf8'));
  return { missing: await missingPieces(arrival.modelId, arrival.manifest, parts.blobs) };
}

/** Keeps one piece of a part. @throws ReceiveError */
export async function receivePiece(
  arrival: Arrival & {
    readonly digest: Sha256;
    readonly part: Sha256;
    readonly piece: number;
    readonly pieceHash: Sha256;
  },
  body: Readable,
  parts: ReceiveParts,
): Promise<void> {
  await permit(arrival, parts);
  const manifest = await stagedManifest(arrival.modelId, arrival.digest, parts.blobs);
  const part = distinctParts(readManifest(manifest)).find((candidate) => candidate.sha256 === arrival.part);
  const length = part === undefined ? undefined : pieceLength(part.size, arrival.piece);
  if (length === undefined) throw new ReceiveError('malformed', 'the manifest has no such part or piece');
  const key = pieceKey(arrival.modelId, arrival.part, arrival.piece);
  const written = await parts.blobs.put(key, body, { maxBytes: length });
  if (written.size !== length || written.sha256 !== arrival.pieceHash) {
    await parts.blobs.delete(key);
    throw new ReceiveError('incomplete', 'the piece did not arrive as it was sent');
  }
}

/**
 * Puts the pieces together, checks every hash and makes the model visible, all at once.
 * @throws ReceiveError
 */
export async function receivePublication(
  arrival: Arrival & { readonly digest: Sha256 },
  parts: ReceiveParts,
): Promise<void> {
  await permit(arrival, parts);
  const text = await stagedManifest(arrival.modelId, arrival.digest, parts.blobs);
  const manifest = readManifest(text);
  // All of them, whatever is wrong with one: the next offer has to ask for everything that is missing.
  let isWhole = true;
  for (const part of distinctParts(manifest)) {
    const isAssembled = await assemble(arrival.modelId, part, parts.blobs);
    isWhole &&= isAssembled;
  }
  if (!isWhole) throw new ReceiveError('incomplete', 'a part of the model is missing or did not arrive as it was sent');
  const { outcome } = await parts.store.publishCopy({
    modelId: arrival.modelId,
    by: arrival.copyId,
    digest: arrival.digest,
    manifest: text,
    name: manifest.name,
    createdOn: new Date(manifest.createdOn),
    lastUpdatedOn: new Date(manifest.lastUpdatedOn),
    now: parts.clock.now(),
  });
  switch (outcome) {
    case 'published':
    case 'alreadyPublished':
      return;
    case 'used':
    case 'expired':
    case 'unknown':
      throw new ReceiveError('authorizationNotFound', `the authorization is ${outcome}`);
    default:
      throw new TypeError(`unknown outcome ${outcome satisfies never}`);
  }
}

/** Evidence, from the bytes on the disk, that the published model is there whole. @throws ReceiveError */
export async function proveReceived(
  arrival: Arrival & { readonly digest: Sha256; readonly nonce: string },
  parts: ReceiveParts,
): Promise<Sha256> {
  const { authorization } = await permit(arrival, parts);
  if (authorization.used?.digest !== arrival.digest) {
    throw new ReceiveError('incomplete', 'the model was not published');
  }
  const model = await parts.store.getModel(authorization.resource, arrival.modelId);
  if (model?.state.status !== 'ready' || model.state.digest !== arrival.digest) {
    throw new ReceiveError('authorizationNotFound', 'the published model was deleted');
  }
  const proof = await proveContent(model.state.manifest, arrival.nonce, (hash) => readPart(parts.blobs, hash));
  await discardStaging(arrival.modelId, parts.blobs);
  return proof;
}

/** What an attempt left under `staging/`; nothing refers to it once its model is published or gone. */
export async function discardStaging(modelId: ModelId, blobs: Blobs): Promise<void> {
  for await (const blob of blobs.list(`staging/${modelId}/`)) await blobs.delete(blob.key);
}

async function permit(
  arrival: Arrival,
  parts: ReceiveParts,
): Promise<{ resource: Resource; authorization: CopyAuthorization }> {
  const authorization = await parts.store.findCopyAuthorization(arrival.modelId);
  if (authorization === undefined) throw new ReceiveError('authorizationNotFound', 'no authorization for this model');
  if (!isToken(arrival.accessToken, authorization)) {
    throw new ReceiveError('authorizationInvalid', 'the token is not that of the authorization');
  }
  if (authorization.used === undefined) {
    if (authorization.expiresOn.getTime() <= parts.clock.now().getTime()) {
      throw new ReceiveError('authorizationNotFound', 'the authorization has expired');
    }
  } else if (authorization.used.by !== arrival.copyId) {
    throw new ReceiveError('authorizationNotFound', 'the authorization was used up by another copy');
  }
  const resource = (await parts.store.resources()).find((candidate) => candidate.name === authorization.resource);
  if (resource === undefined) throw new ReceiveError('authorizationNotFound', 'the resource is gone');
  return { resource, authorization };
}

function parseManifest(text: string): ReturnType<typeof readManifest> {
  try {
    return readManifest(text);
  } catch (error) {
    if (error instanceof InvalidManifest) throw new ReceiveError('malformed', error.message, { cause: error });
    throw error;
  }
}

function manifestKey(modelId: ModelId, digest: Sha256): BlobKey {
  return `staging/${modelId}/manifest-${digest}`;
}

function pieceKey(modelId: ModelId, part: Sha256, piece: number): BlobKey {
  return `staging/${modelId}/${part}/${piece}`;
}

async function stagedManifest(modelId: ModelId, digest: Sha256, blobs: Blobs): Promise<string> {
  const bytes = await blobs.get(manifestKey(modelId, digest));
  if (bytes === undefined) throw new ReceiveError('incomplete', 'the manifest was not offered');
  return Buffer.from(bytes).toString('utf8');
}

async function missingPieces(modelId: ModelId, manifest: string, blobs: Blobs): Promise<CopyOffer['missing']> {
  const arrived = new Set<BlobKey>();
  for await (const blob of blobs.list(`staging/${modelId}/`)) arrived.add(blob.key);
  const missing: { sha256: Sha256; pieces: number[] }[] = [];
  for (const part of distinctParts(readManifest(manifest))) {
    const stored = await blobs.stat(partKey(part.sha256));
    if (stored?.size === part.size) continue;
    const pieces = Array.from({ length: pieceCount(part.size) }, (_, piece) => piece).filter(
      (piece) => !arrived.has(pieceKey(modelId, part.sha256, piece)),
    );
    // A part whose pieces are all here has nothing to be sent; publication puts it together.
    if (pieces.length > 0) missing.push({ sha256: part.sha256, pieces });
  }
  return missing;
}

/** False where pieces are missing or damaged. */
async function assemble(modelId: ModelId, part: { sha256: Sha256; size: number }, blobs: Blobs): Promise<boolean> {
  const key = partKey(part.sha256);
  const stored = await blobs.get(key);
  if (stored !== undefined) {
    if (sha256(stored) === part.sha256) {
      // Put again: a part nothing refers to yet must look new to the sweeper.
      await blobs.put(key, stored);
      return true;
    }
    // Damaged on our disk. It is of no use to whoever else refers to it either; this copy mends it.
    await blobs.delete(key);
  }
  const pieces = Array.from({ length: pieceCount(part.size) }, (_, piece) => pieceKey(modelId, part.sha256, piece));
  for (const piece of pieces) if ((await blobs.stat(piece)) === undefined) return false;
  const written = await blobs.put(key, Readable.from(concatenated(pieces, blobs)), { maxBytes: part.size });
  if (written.sha256 !== part.sha256) {
    await blobs.delete(key);
    for (const piece of pieces) await blobs.delete(piece);
    return false;
  }
  return true;
}

async function* concatenated(keys: readonly BlobKey[], blobs: Blobs): AsyncGenerator<Uint8Array> {
  for (const key of keys) {
    const stream = await blobs.open(key);
    if (stream === undefined) throw new ReceiveError('incomplete', 'a piece of the model is missing');
    for await (const chunk of stream) yield chunk as Uint8Array;
  }
}
