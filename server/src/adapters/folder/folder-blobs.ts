import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, opendir, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { parseSha256, type Sha256 } from '@formhaven/contract';
import { type BlobKey, type BlobStat, type Blobs, BlobTooLarge } from '../../ports/blobs.ts';
import { assertBlobKey } from './blob-key.ts';
import { makeFolder, syncFolder } from './make-folder.ts';

/** Holds what is being written. `~` occurs in no key. */
const TEMPORARY = '~tmp';

/**
 * Blobs as files: the key is the path under the root. A blob is written to a temporary file in the same file system, synced,
 * renamed into place, and the folders above it are synced, so that a reader or a power cut finds all of it or nothing.
 */
export class FolderBlobs implements Blobs {
  readonly #root: string;
  readonly #temporary: string;

  private constructor(root: string) {
    this.#root = root;
    this.#temporary = join(root, TEMPORARY);
  }

  static async open(root: string): Promise<FolderBlobs> {
    const blobs = new FolderBlobs(resolve(root));
    await makeFolder(blobs.#temporary);
    return blobs;
  }

  /** Removes what writers that died left half written. Only for whoever knows that nobody else writes. */
  async removeTemporaryFiles(): Promise<number> {
    const names = await readdir(this.#temporary);
    for (const name of names) await rm(join(this.#temporary, name), { force: true });
    return names.length;
  }

  async put(
    key: BlobKey,
    source: Uint8Array | Readable,
    options: { readonly maxBytes?: number } = {},
  ): Promise<{ size: number; sha256: Sha256 }> {
    const path = this.#path(key);
    const temporary = join(this.#temporary, randomUUID());
    try {
      const handle = await open(temporary, 'wx', 0o600);
      let written: { size: number; sha256: Sha256 };
      try {
        written = await write(handle, source, options.maxBytes ?? Number.POSITIVE_INFINITY);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.#moveInto(temporary, path);
      return written;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async get(key: BlobKey): Promise<Uint8Array | undefined> {
    return unlessAbsent(readFile(this.#path(key)));
  }

  async open(key: BlobKey): Promise<Readable | undefined> {
    const handle = await unlessAbsent(open(this.#path(key), 'r'));
    if (handle === undefined) return undefined;
    if (!(await handle.stat()).isFile()) {
      await handle.close();
      return undefined;
    }
    return handle.createReadStream();
  }

  async stat(key: BlobKey): Promise<BlobStat | undefined> {
    return this.#stat(key);
  }

  async delete(key: BlobKey): Promise<void> {
    const path = this.#path(key);
    await unlessAbsent(rm(path));
    // So that folders do not pile up. The topmost stay; a `put` that loses its folder here makes it again.
    for (
      let folder = dirname(path);
      dirname(folder) !== this.#root && folder !== this.#root;
      folder = dirname(folder)
    ) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isRemoved) return;
    }
  }

  async *list(prefix: string): AsyncGenerator<BlobStat> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder !== '') assertBlobKey(folder.slice(0, -1));
    for await (const key of this.#keysBelow(folder)) {
      if (!key.startsWith(prefix)) continue;
      const found = await this.#stat(key);
      if (found !== undefined) yield found;
    }
  }

  /** `folder` is empty or ends in `/`. */
  async *#keysBelow(folder: string): AsyncGenerator<BlobKey> {
    const directory = await unlessAbsent(opendir(join(this.#root, folder)));
    if (directory === undefined) return;
    for await (const entry of directory) {
      const key = folder + entry.name;
      if (key === TEMPORARY) continue;
      if (entry.isDirectory()) yield* this.#keysBelow(`${key}/`);
      else if (entry.isFile()) yield key;
    }
  }

  async #stat(key: BlobKey): Promise<BlobStat | undefined> {
    const found = await unlessAbsent(stat(this.#path(key)));
    return found?.isFile() ? { key, size: found.size, modifiedOn: found.mtime } : undefined;
  }

  async #moveInto(temporary: string, path: string): Promise<void> {
    for (let left = 10; ; left -= 1) {
      await makeFolder(dirname(path));
      try {
        await rename(temporary, path);
        break;
      } catch (error) {
        // A `delete` beside us may have taken the folder away between the two steps.
        if (!isAbsence(error) || left === 0) throw error;
      }
    }
    // All the way up: a folder that was there already may have been made a moment ago by a process that has not synced it yet.
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      await syncFolder(folder);
      if (folder === this.#root) return;
    }
  }

  #path(key: BlobKey): string {
    assertBlobKey(key);
    return join(this.#root, key);
  }
}

async function write(
  handle: FileHandle,
  source: Uint8Array | Readable,
  maxBytes: number,
): Promise<{ size: number; sha256: Sha256 }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of chunks(source)) {
    size += bytes.byteLength;
    if (size > maxBytes) throw new BlobTooLarge(`more than ${maxBytes} bytes`);
    hash.update(bytes);
    for (let from = 0; from < bytes.byteLength; ) {
      from += (await handle.write(bytes, from)).bytesWritten;
    }
  }
  const sha256 = parseSha256(hash.digest('hex'));
  if (sha256 === undefined) throw new TypeError('unreachable: a digest in hexadecimal');
  return { size, sha256 };
}

async function* chunks(source: Uint8Array | Readable): AsyncGenerator<Uint8Array> {
  if (source instanceof Uint8Array) {
    yield source;
    return;
  }
  // The stream is left standing where we stop early: that of a request must live on so that it can be answered.
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<unknown>) {
    if (chunk instanceof Uint8Array) yield chunk;
    else if (typeof chunk === 'string') yield Buffer.from(chunk);
    else throw new TypeError('a stream of bytes is wanted');
  }
}

/** The path, or a folder on the way to it, is not there, or it is a folder itself. */
function isAbsence(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ERR_FS_EISDIR';
}

async function unlessAbsent<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
