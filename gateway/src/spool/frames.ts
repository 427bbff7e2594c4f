import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Transform } from 'node:stream';

// A document on the disk is AES-256-GCM (NIST SP 800-38D) in frames, so that it can be read as a stream and no byte is handed on
// before its tag has been checked. The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption
// and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015): nonce = 7 random bytes, frame number, mark of the last frame. Frames can then
// be neither swapped, dropped nor cut off unnoticed. File: 7 bytes, then frames of 64 KiB (the last one of 0 to 64 KiB) + 16 bytes.

const PREFIX_BYTES = 7;
const FRAME_BYTES = 64 * 1024;
const TAG_BYTES = 16;

export class DamagedDocument extends Error {
  override readonly name = 'DamagedDocument';
}

/** @param key 32 bytes */
export function sealingStream(key: Uint8Array): Transform {
  const prefix = randomBytes(PREFIX_BYTES);
  const buffer = new FrameBuffer(FRAME_BYTES);
  let number = 0;
  const seal = (plain: Buffer, isLast: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce(prefix, number++, isLast));
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  let isBegun = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!isBegun) this.push(prefix);
      isBegun = true;
      for (const frame of buffer.add(chunk)) this.push(seal(frame, false));
      done();
    },
    flush(done) {
      if (!isBegun) this.push(prefix);
      done(null, seal(buffer.rest(), true));
    },
  });
}

/** @param key 32 bytes. The stream fails with {@link DamagedDocument} where the file was altered or cut off. */
export function openingStream(key: Uint8Array): Transform {
  const frames = new FrameBuffer(FRAME_BYTES + TAG_BYTES);
  let prefix: Buffer = Buffer.alloc(0);
  let number = 0;
  const open = (frame: Buffer, isLast: boolean): Buffer => {
    if (frame.byteLength < TAG_BYTES || prefix.byteLength < PREFIX_BYTES) {
      throw new DamagedDocument('a spooled document is cut off');
    }
    const decipher = createDecipheriv('aes-256-gcm', key, nonce(prefix, number++, isLast));
    decipher.setAuthTag(frame.subarray(frame.byteLength - TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(frame.subarray(0, frame.byteLength - TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new DamagedDocument('a spooled document was altered, or sealed under another key', { cause });
    }
  };
  const attempt = (done: (error: Error | null) => void, work: () => void): void => {
    try {
      work();
      done(null);
    } catch (error) {
      done(error instanceof Error ? error : new Error('unreadable', { cause: error }));
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      attempt(done, () => {
        let bytes = chunk;
        if (prefix.byteLength < PREFIX_BYTES) {
          const missing = PREFIX_BYTES - prefix.byteLength;
          prefix = Buffer.concat([prefix, bytes.subarray(0, missing)]);
          bytes = bytes.subarray(missing);
        }
        for (const frame of frames.add(bytes)) this.push(open(frame, false));
      });
    },
    flush(done) {
      attempt(done, () => {
        this.push(open(frames.rest(), true));
      });
    },
  });
}

function nonce(prefix: Uint8Array, number: number, isLast: boolean): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.set(prefix, 0);
  bytes.writeUInt32BE(number, PREFIX_BYTES);
  bytes[11] = isLast ? 1 : 0;
  return bytes;
}

/** Cuts a stream into frames of one size. The last frame, full or not, stays until `rest`, since it is sealed differently. */
class FrameBuffer {
  readonly #size: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(size: number) {
    this.#size = size;
  }

  *add(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#length += chunk.byteLength;
    if (this.#length <= this.#size) return;
    const all = Buffer.concat(this.#chunks);
    let at = 0;
    for (; all.byteLength - at > this.#size; at += this.#size) yield all.subarray(at, at + this.#size);
    const rest = all.subarray(at);
    this.#chunks = [rest];
    this.#length = rest.byteLength;
  }

  rest(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
