import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startChild } from '../child.fixture.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { acquireFolderLock, FolderLocked } from './lock.ts';

const HOLD_LOCK = new URL('./hold-lock.fixture.ts', import.meta.url);

test('refuses a folder that another process holds, and names that process', async () => {
  await using folder = await freshFolder();
  await using holder = startChild<'held'>(HOLD_LOCK, folder.path);
  await holder.sent(1);
  const refused = acquireFolderLock(folder.path, { what: 'the second region' });
  await expect(refused).rejects.toThrow(FolderLocked);
  await expect(refused).rejects.toThrow(`the first region, process ${holder.pid}, since `);
});

test('takes over from a process that was killed', async () => {
  await using folder = await freshFolder();
  await using holder = startChild<'held'>(HOLD_LOCK, folder.path);
  await holder.sent(1);
  await holder.kill();
  await using _ = await acquireFolderLock(folder.path, { what: 'the second region' });
  await using third = startChild<'held'>(HOLD_LOCK, folder.path);
  await expect(third.sent(1)).rejects.toThrow(`the second region, process ${process.pid}, since `);
});

test('refuses the process itself a second time, and keeps the lock', async () => {
  await using folder = await freshFolder();
  await using _ = await acquireFolderLock(folder.path, { what: 'the first region' });
  for (let count = 0; count < 2; count += 1) {
    await expect(acquireFolderLock(folder.path, { what: 'the second region' })).rejects.toThrow(FolderLocked);
  }
  await using other = startChild<'held'>(HOLD_LOCK, folder.path);
  await expect(other.sent(1)).rejects.toThrow('the first region');
});

test('gives the folder back', async () => {
  await using folder = await freshFolder();
  const lock = await acquireFolderLock(folder.path, { what: 'the first region' });
  await lock[Symbol.asyncDispose]();
  await lock[Symbol.asyncDispose]();
  expect(await readdir(folder.path)).toEqual(['lock.db']);
  await using _ = await acquireFolderLock(folder.path, { what: 'the second region' });
});
