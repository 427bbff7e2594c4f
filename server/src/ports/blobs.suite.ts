import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Blobs, BlobTooLarge } from './blobs.ts';

/** Blobs of its own for one test. */
export interface BlobsUnderTest extends AsyncDisposable {
  readonly blobs: Blobs;
}

/** What every {@link Blobs} owes to those above it. */
export function describeBlobs(name: string, open: () => Promise<BlobsUnderTest>): void {
  describe(`${name} as blobs`, () => {
    test('gives back the bytes it was given, and their size and hash', async () => {
      await using under = await open();
      const bytes = pattern(100_000, 1);
      const put = await under.blobs.put('documents/one', bytes);
      expect(put).toEqual({ size: 100_000, sha256: sha256(bytes) });
      expect(await read(under.blobs, 'documents/one')).toEqual(bytes);
      expect(await readAll(await under.blobs.open('documents/one'))).toEqual(bytes);
      expect(await under.blobs.stat('documents/one')).toMatchObject({ key: 'documents/one', size: 100_000 });
    });

    test('takes a stream', async () => {
      await using under = await open();
      const pieces = [pattern(70_000, 1), pattern(1, 2), pattern(70_000, 3)];
      const put = await under.blobs.put('documents/streamed', Readable.from(pieces));
      expect(put).toEqual({ size: 140_001, sha256: sha256(Buffer.concat(pieces)) });
      expect(await read(under.blobs, 'documents/streamed')).toEqual(new Uint8Array(Buffer.concat(pieces)));
    });

    test('keeps an empty blob, which is not an absent one', async () => {
      await using under = await open();
      expect(await under.blobs.put('documents/empty', new Uint8Array())).toMatchObject({ size: 0 });
      expect(await read(under.blobs, 'documents/empty')).toEqual(new Uint8Array());
      expect(await readAll(await under.blobs.open('documents/empty'))).toEqual(new Uint8Array());
    });

    test('replaces a blob, and dates it anew', async () => {
      await using under = await open();
      await under.blobs.put('parts/one', pattern(10, 1));
      const before = await under.blobs.stat('parts/one');
      await under.blobs.put('parts/one', pattern(20, 2));
      const after = await under.blobs.stat('parts/one');
      expect(await read(under.blobs, 'parts/one')).toEqual(pattern(20, 2));
      expect(after?.modifiedOn.getTime()).toBeGreaterThanOrEqual(before?.modifiedOn.getTime() ?? Number.NaN);
    });

    test('lets one whole content win where several are put at once', async () => {
      await using under = await open();
      const contents = Array.from({ length: 12 }, (_, index) => pattern(50_000 + index, index));
      await Promise.all(
        contents.map((content, index) =>
          under.blobs.put('parts/contended', index % 2 === 0 ? content : Readable.from([content])),
        ),
      );
      expect(contents).toContainEqual(await read(under.blobs, 'parts/contended'));
    });

    test('answers undefined for what is absent', async () => {
      await using under = await open();
      await under.blobs.put('documents/there/below', pattern(1, 1));
      for (const key of ['documents/absent', 'nowhere/at/all', 'documents/there', 'documents/there/below/further']) {
        expect(await read(under.blobs, key)).toBeUndefined();
        expect(await under.blobs.open(key)).toBeUndefined();
        expect(await under.blobs.stat(key)).toBeUndefined();
      }
    });

    test('deletes, also what is absent', async () => {
      await using under = await open();
      await under.blobs.put('staging/copy/piece', pattern(1, 1));
      await under.blobs.put('staging/copy/other', pattern(1, 1));
      await under.blobs.delete('staging/copy/piece');
      await under.blobs.delete('staging/copy/piece');
      await under.blobs.delete('staging/never/was');
      expect(await read(under.blobs, 'staging/copy/piece')).toBeUndefined();
      expect(await read(under.blobs, 'staging/copy/other')).toEqual(pattern(1, 1));
    });

    test('puts and deletes side by side in one folder', async () => {
      await using under = await open();
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const key = `staging/busy/${index}`;
          await under.blobs.put(key, pattern(100, index));
          await under.blobs.delete(key);
        }),
      );
      expect(await keys(under.blobs, 'staging/')).toEqual([]);
    });

    test('leaves nothing behind of a stream that fails', async () => {
      await using under = await open();
      async function* failing() {
        yield pattern(100_000, 1);
        await Promise.resolve();
        throw new Error('the client went away');
      }
      await expect(under.blobs.put('documents/failed', Readable.from(failing()))).rejects.toThrow(
        'the client went away',
      );
      expect(await read(under.blobs, 'documents/failed')).toBeUndefined();
      expect(await keys(under.blobs, '')).toEqual([]);

      await under.blobs.put('documents/kept', pattern(10, 1));
      await expect(under.blobs.put('documents/kept', Readable.from(failing()))).rejects.toThrow();
      expect(await read(under.blobs, 'documents/kept')).toEqual(pattern(10, 1));
    });

    test('rejects a stream that was destroyed before its end', async () => {
      await using under = await open();
      const source = new Readable({ read() {} });
      source.push(pattern(10, 1));
      const put = under.blobs.put('documents/destroyed', source);
      source.destroy();
      await expect(put).rejects.toThrow();
      expect(await read(under.blobs, 'documents/destroyed')).toBeUndefined();
    });

    test('refuses a stream as soon as it yields too much, and lets its owner end it', async () => {
      await using under = await open();
      let yielded = 0;
      function* endless() {
        for (;;) {
          yielded += 1;
          yield pattern(1000, 1);
        }
      }
      const source = Readable.from(endless(), { highWaterMark: 1 });
      const put = under.blobs.put('documents/huge', source, { maxBytes: 10_000 });
      await expect(put).rejects.toThrow(BlobTooLarge);
      expect(yielded).toBeLessThan(50);
      expect(source.destroyed).toBe(false);
      source.destroy();
      expect(await keys(under.blobs, '')).toEqual([]);
    });

    test('refuses bytes that are too many, and takes exactly as many as allowed', async () => {
      await using under = await open();
      const ten = pattern(10, 1);
      await expect(under.blobs.put('documents/ten', ten, { maxBytes: 9 })).rejects.toThrow(BlobTooLarge);
      expect(await read(under.blobs, 'documents/ten')).toBeUndefined();
      expect(await under.blobs.put('documents/ten', ten, { maxBytes: 10 })).toMatchObject({ size: 10 });
    });

    test('lists by prefix', async () => {
      await using under = await open();
      const all = ['documents/a', 'documents/ab', 'documents/b', 'parts/aa/bb', 'parts/aa/cc', 'results/a'];
      for (const key of all) await under.blobs.put(key, pattern(3, 1));
      expect(await keys(under.blobs, '')).toEqual(all);
      expect(await keys(under.blobs, 'documents/')).toEqual(['documents/a', 'documents/ab', 'documents/b']);
      expect(await keys(under.blobs, 'documents/a')).toEqual(['documents/a', 'documents/ab']);
      expect(await keys(under.blobs, 'parts/aa/c')).toEqual(['parts/aa/cc']);
      expect(await keys(under.blobs, 'absent/')).toEqual([]);
      for await (const found of under.blobs.list('results/')) expect(found).toMatchObject({ size: 3 });
    });

    test.each([
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a\\b',
      'a b',
      'ä',
      'a\0',
      'a%2f',
      '~tmp',
    ])('refuses %j, which is no key', async (key) => {
      await using under = await open();
      await expect(under.blobs.put(key, pattern(1, 1))).rejects.toThrow(TypeError);
      await expect(under.blobs.get(key)).rejects.toThrow(TypeError);
      await expect(under.blobs.open(key)).rejects.toThrow(TypeError);
      await expect(under.blobs.stat(key)).rejects.toThrow(TypeError);
      await expect(under.blobs.delete(key)).rejects.toThrow(TypeError);
    });
  });
}

/** Bytes that tell one content from another. */
export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) & 0xff);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Sorted, since an adapter may list in any order. */
async function keys(blobs: Blobs, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of blobs.list(prefix)) found.push(key);
  return found.toSorted((a, b) => (a < b ? -1 : 1));
}

/** Whatever subclass an adapter makes. */
async function read(blobs: Blobs, key: string): Promise<Uint8Array | undefined> {
  const bytes = await blobs.get(key);
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

async function readAll(stream: Readable | undefined): Promise<Uint8Array | undefined> {
  return stream === undefined ? undefined : new Uint8Array(Buffer.concat(await stream.toArray()));
}
