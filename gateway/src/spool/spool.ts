import { randomBytes, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DamagedDocument, openingStream, sealingStream } from './frames.ts';

// Documents of running analyses, so that they can be run again elsewhere when their region dies. Nothing lies here in the clear. A
// document is on the disk, its folder entry included, before its analysis is answered 202. Several gateways may share the folder.

declare const spoolKey: unique symbol;
export type SpoolKey = string & { readonly [spoolKey]: true };

export interface SpooledDocument {
  readonly key: SpoolKey;
  /** Of the document itself. */
  readonly bytes: number;
}

/** The document is larger than one may be. */
export class DocumentTooLarge extends Error {
  override readonly name = 'DocumentTooLarge';
}

/** All documents together would take more room than there is. */
export class SpoolFull extends Error {
  override readonly name = 'SpoolFull';
}

const KEY = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** Undefined where the text is no key of a spooled document. */
export function parseSpoolKey(text: string): SpoolKey | undefined {
  return KEY.test(text) ? (text as SpoolKey) : undefined;
}

export class Spool {
  readonly #folder: string;
  readonly #secret: Uint8Array;
  readonly #maxBytes: number;
  #bytes: number;

  private constructor(folder: string, secret: Uint8Array, maxBytes: number, bytes: number) {
    this.#folder = folder;
    this.#secret = secret;
    this.#maxBytes = maxBytes;
    this.#bytes = bytes;
  }

  /** The key under which documents are sealed is `spool.key` beside the folder, made once, mode 0600. */
  static async open(dataFolder: string, options: { readonly maxBytes: number }): Promise<Spool> {
    const folder = join(dataFolder, 'spool');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const secret = await loadSecret(join(dataFolder, 'spool.key'));
    let bytes = 0;
    for (const name of await readdir(folder))
      bytes += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0;
    return new Spool(folder, secret, options.maxBytes, bytes);
  }

  /** Room taken by documents that this process knows of. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#maxBytes;
  }

  /** Stores what the stream brings; resolves when it is safe. @throws DocumentTooLarge, SpoolFull, what the stream fails with */
  async put(content: Readable, maxBytes: number): Promise<SpooledDocument> {
    if (this.isFull) throw new SpoolFull('the spool is full');
    const key = randomUUID() as SpoolKey;
    const file = this.#file(key);
    let bytes = 0;
    const counting = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.byteLength;
        this.#bytes += chunk.byteLength;
        if (bytes > maxBytes) done(new DocumentTooLarge(`a document has more than ${maxBytes} bytes`));
        else if (this.#bytes > this.#maxBytes) done(new SpoolFull('the spool is full'));
        else done(null, chunk);
      },
    });
    const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await pipeline(
        chunksOf(content),
        counting,
        sealingStream(this.#secret),
        async (sealed: AsyncIterable<Buffer>) => {
          for await (const chunk of sealed) await handle.writeFile(chunk);
        },
      );
      await handle.sync();
    } catch (error) {
      await handle.close();
      this.#bytes -= bytes;
      await unlink(file).catch(() => undefined);
      throw error;
    }
    await handle.close();
    await syncFolder(this.#folder);
    return { key, bytes };
  }

  /** The document as it came. The stream fails with {@link DamagedDocument} where it is gone or damaged. */
  read(key: SpoolKey): Readable {
    const opening = openingStream(this.#secret);
    pipeline(createReadStream(this.#file(key)), opening).catch((error: unknown) => {
      opening.destroy(
        error instanceof DamagedDocument
          ? error
          : new DamagedDocument('a spooled document cannot be read', { cause: error }),
      );
    });
    return opening;
  }

  /** May be called for one that is gone. */
  async remove(document: SpooledDocument): Promise<void> {
    try {
      await unlink(this.#file(document.key));
      this.#bytes = Math.max(0, this.#bytes - document.bytes);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }

  /** Removes what no operation names and nobody is writing any more, and counts anew: other gateways put and remove as well. */
  async sweep(isNamed: (key: SpoolKey) => Promise<boolean>, olderThanMilliseconds: number): Promise<void> {
    let bytes = 0;
    for (const name of await readdir(this.#folder)) {
      const key = parseSpoolKey(name);
      const facts = key === undefined ? undefined : await stat(this.#file(key)).catch(() => undefined);
      if (key === undefined || facts === undefined) continue;
      // A clock set back makes a file look young, which only keeps it longer.
      const isOld = Date.now() - facts.mtimeMs > olderThanMilliseconds;
      if (isOld && !(await isNamed(key))) await this.remove({ key, bytes: facts.size });
      else bytes += facts.size;
    }
    this.#bytes = bytes;
  }

  #file(key: SpoolKey): string {
    return join(this.#folder, key);
  }
}

/** Leaves the stream open where it is not read to its end: a request that is refused must still be answered. */
async function* chunksOf(content: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of content.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; its file systems order these writes themselves.
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function loadSecret(file: string): Promise<Uint8Array> {
  const temporary = `${file}.${process.pid}.${randomUUID()}.tmp`;
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await handle.writeFile(randomBytes(32));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    // Unlike rename, link never replaces the key that another gateway made meanwhile.
    await link(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(temporary);
  }
  const secret = await readFile(file);
  if (secret.byteLength !== 32) throw new Error(`${file} has ${secret.byteLength} bytes instead of 32: restore it.`);
  return secret;
}
