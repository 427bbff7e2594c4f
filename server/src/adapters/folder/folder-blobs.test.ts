import { expect, test } from 'vitest';
import { describeBlobs } from '../../ports/blobs.suite.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { FolderBlobs } from './folder-blobs.ts';

describeBlobs('A folder', async () => {
  const folder = await freshFolder();
  return { blobs: await FolderBlobs.open(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
});

test('x', () => expect(1).toBe(1));
