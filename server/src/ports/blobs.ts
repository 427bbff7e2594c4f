import type { Readable } from 'node:stream';
import type { Sha256 } from '@formhaven/contract';

/**
 * `documents/…`, `results/…`, `parts/…`, `staging/…`: segments of `[A-Za-z0-9._-]+` joined by `/`, no `.` or `..` segment. No key
 * is the folder of another.
 */
export type BlobKey = string;

export interface BlobStat {
  readonly key: BlobKey;
  readonly size: number;
  readonly modifiedOn: Date;
}

/**
 * Bytes by key. Obligations of every adapter:
 * - `put` returns only when the bytes survive a power cut; until then the key is absent or has its previous content, never a
 *   part of the new one. Putting the same key twice is allowed, the last one wins, and `modifiedOn` becomes now.
 * - A source stream that fails makes `put` reject and leaves nothing behind. A stream that did not end by itself is not ended
 *   by `put` either: whoever made it does, once it has answered the client for instance.
 * - `delete` of an absent key succeeds.
 */
export interface Blobs {
  /** Takes all of `source`; a stream that yields more than `maxBytes` rejects with {@link BlobTooLarge} as soon as it does. */
  put(
    key: BlobKey,
    source: Uint8Array | Readable,
    options?: { readonly maxBytes?: number },
  ): Promise<{ size: number; sha256: Sha256 }>;
  /** Undefined where the key is absent. */
  get(key: BlobKey): Promise<Uint8Array | undefined>;
  /** Undefined where the key is absent. */
  open(key: BlobKey): Promise<Readable | undefined>;
  stat(key: BlobKey): Promise<BlobStat | undefined>;
  delete(key: BlobKey): Promise<void>;
  /** In no particular order; blobs put or deleted meanwhile may or may not be seen. */
  list(prefix: string): AsyncIterable<BlobStat>;
}

export class BlobTooLarge extends Error {
  override readonly name = 'BlobTooLarge';
}
