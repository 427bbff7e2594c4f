import { type OperationId, parseModelId, parseOperationId } from '@formhaven/contract';
import { discardStaging } from '../copy/receive.ts';
import { readManifest } from '../models/manifest.ts';
import { documentKey, resultKey } from '../models/parts.ts';
import type { BlobStat, Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';

/**
 * Bytes are stored before the row that speaks of them, so a blob without a row may be about to get one. A day is far longer
 * than any request lives.
 */
const ORPHAN_MILLISECONDS = 24 * 3_600_000;
const BATCH = 500;

export interface SweepParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
}

export interface Swept {
  readonly operations: number;
  readonly models: number;
  readonly blobs: number;
}

/** Removes what has expired and what nothing refers to. May be cut off anywhere and run at any time. */
export async function sweep(parts: SweepParts): Promise<Swept> {
  const now = parts.clock.now();
  const expired = await parts.store.expire(now);
  let blobs = 0;
  for (const id of expired.operations) {
    await parts.blobs.delete(resultKey(id));
    await parts.blobs.delete(documentKey(id));
    blobs += 2;
  }
  for (const id of expired.models) await discardStaging(id, parts.blobs);
  const isOld = (blob: BlobStat): boolean => now.getTime() - blob.modifiedOn.getTime() > ORPHAN_MILLISECONDS;

  for (const prefix of ['documents/', 'results/']) {
    for await (const batch of batches(parts.blobs.list(prefix), isOld)) {
      const ids = batch.map((blob) => parseOperationId(blob.key.slice(prefix.length)));
      const known = await parts.store.knownOperations(ids.filter((id): id is OperationId => id !== undefined));
      for (const [index, blob] of batch.entries()) {
        const id = ids[index];
        if (id !== undefined && known.has(id)) continue;
        await parts.blobs.delete(blob.key);
        blobs++;
      }
    }
  }

  const referenced = new Set<string>();
  for await (const { manifest } of parts.store.manifests()) {
    for (const part of readManifest(manifest).parts) referenced.add(part.sha256);
  }
  for await (const batch of batches(parts.blobs.list('parts/'), isOld)) {
    for (const blob of batch) {
      if (referenced.has(blob.key.slice('parts/'.length))) continue;
      // Whoever is about to name a part puts it again first: then it is not old any more.
      const current = await parts.blobs.stat(blob.key);
      if (current === undefined || !isOld(current)) continue;
      await parts.blobs.delete(blob.key);
      blobs++;
    }
  }

  for await (const batch of batches(parts.blobs.list('staging/'), isOld)) {
    for (const blob of batch) {
      const id = parseModelId(blob.key.split('/')[1] ?? '');
      const authorization = id === undefined ? undefined : await parts.store.findCopyAuthorization(id);
      if (authorization !== undefined && authorization.used === undefined) continue;
      await parts.blobs.delete(blob.key);
      blobs++;
    }
  }
  await parts.store.checkpoint();
  return { operations: expired.operations.length, models: expired.models.length, blobs };
}

async function* batches(
  blobs: AsyncIterable<BlobStat>,
  wanted: (blob: BlobStat) => boolean,
): AsyncGenerator<readonly BlobStat[]> {
  let batch: BlobStat[] = [];
  for await (const blob of blobs) {
    if (!wanted(blob)) continue;
    batch.push(blob);
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
