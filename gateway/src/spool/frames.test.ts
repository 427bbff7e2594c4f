import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { DamagedDocument, openingStream, sealingStream } from './frames.ts';

const KEY = randomBytes(32);
const FRAME = 64 * 1024;

async function through(bytes: Buffer, stream: NodeJS.ReadWriteStream, piece = 10_000): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += piece) pieces.push(bytes.subarray(at, at + piece));
  const chunks: Buffer[] = [];
  const source = Readable.from(pieces, { objectMode: false });
  source.on('error', () => undefined);
  for await (const chunk of source.pipe(stream)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('a sealed document', () => {
  test.each([0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 500_000])('of %d bytes opens as it was', async (length) => {
    const plain = randomBytes(length);
    const sealed = await through(plain, sealingStream(KEY));
    expect(await through(sealed, openingStream(KEY), 7777)).toEqual(plain);
    if (length > 100) expect(sealed.includes(plain.subarray(0, 50))).toBe(false);
  });

  test.each([
    ['cut at the end', (sealed: Buffer) => sealed.subarray(0, -1)],
    ['cut between two frames', (sealed: Buffer) => sealed.subarray(0, 7 + FRAME + 16)],
    ['cut to nothing', (sealed: Buffer) => sealed.subarray(0, 3)],
    [
      'with a bit turned',
      (sealed: Buffer) =>
        Buffer.concat([sealed.subarray(0, 100), Buffer.from([255 - (sealed[100] ?? 0)]), sealed.subarray(101)]),
    ],
    ['with two frames swapped', swapped],
    [
      'with a frame left out',
      (sealed: Buffer) => Buffer.concat([sealed.subarray(0, 7), sealed.subarray(7 + FRAME + 16)]),
    ],
  ])('that was %s is refused', async (_, damage) => {
    const sealed = await through(randomBytes(3 * FRAME + 5), sealingStream(KEY));
    await expect(through(damage(sealed), openingStream(KEY))).rejects.toBeInstanceOf(DamagedDocument);
  });

  test('does not open under another key', async () => {
    const sealed = await through(Buffer.from('a document'), sealingStream(KEY));
    await expect(through(sealed, openingStream(randomBytes(32)))).rejects.toBeInstanceOf(DamagedDocument);
  });
});

function swapped(sealed: Buffer): Buffer {
  const size = FRAME + 16;
  const frame = (n: number): Buffer => sealed.subarray(7 + n * size, 7 + (n + 1) * size);
  return Buffer.concat([sealed.subarray(0, 7), frame(1), frame(0), sealed.subarray(7 + 2 * size)]);
}
