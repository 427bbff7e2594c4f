import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeBlobs } from '../../ports/blobs.suite.ts';
import { startChild } from '../child.fixture.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { FolderBlobs } from './folder-blobs.ts';

describeBlobs('A folder', async () => {
  const folder = await freshFolder();
  return { blobs: await FolderBlobs.open(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
});

const PUT_BLOBS = new URL('./put-blobs.fixture.ts', import.meta.url);
const PUT_LARGE_BLOB = new URL('./put-large-blob.fixture.ts', import.meta.url);

test('a writer killed while it writes leaves whole blobs only, and all it acknowledged', async () => {
  await using folder = await freshFolder();
  let halfWritten = 0;
  for (const acknowledged of [10, 25, 40]) {
    await using writer = startChild<string>(PUT_BLOBS, folder.path);
    await writer.sent(acknowledged);
    await writer.kill();

    const blobs = await FolderBlobs.open(folder.path);
    const found: string[] = [];
    for await (const { key } of blobs.list('')) {
      const bytes = (await blobs.get(key)) ?? new Uint8Array();
      const isNamed = key.startsWith('parts/');
      const expected = isNamed ? key.slice('parts/'.length) : Buffer.from(bytes.subarray(0, 32)).toString('hex');
      expect(sha256(isNamed ? bytes : bytes.subarray(32))).toBe(expected);
      found.push(key);
    }
    expect(found).toEqual(expect.arrayContaining([...writer.messages]));
    halfWritten += await blobs.removeTemporaryFiles();
    expect(await readdir(join(folder.path, '~tmp'))).toEqual([]);
  }
  // Three writers at once: a kill that met none of them in the middle of writing would have tested nothing.
  expect(halfWritten).toBeGreaterThan(0);
});

test('the memory does not grow with the stream', async () => {
  await using folder = await freshFolder();
  const size = 300 * 1024 * 1024;
  await using child = startChild<{ size: number; grownBytes: number }>(PUT_LARGE_BLOB, folder.path, String(size));
  await child.sent(1);
  expect(child.messages[0]?.size).toBe(size);
  expect(child.messages[0]?.grownBytes).toBeLessThan(size / 2);
});

test('empty folders do not pile up where blobs were deleted', async () => {
  await using folder = await freshFolder();
  const blobs = await FolderBlobs.open(folder.path);
  await blobs.put('staging/copy/part/0', new Uint8Array([1]));
  await blobs.put('staging/other/part/0', new Uint8Array([1]));
  await blobs.delete('staging/copy/part/0');
  expect(await readdir(join(folder.path, 'staging'))).toEqual(['other']);
});

test('only the owner may look into the folder', async () => {
  await using folder = await freshFolder();
  const blobs = await FolderBlobs.open(join(folder.path, 'blobs'));
  await blobs.put('documents/one', new Uint8Array([1]));
  for (const path of ['blobs', 'blobs/documents', 'blobs/documents/one']) {
    expect((await stat(join(folder.path, path))).mode & 0o077).toBe(0);
  }
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
