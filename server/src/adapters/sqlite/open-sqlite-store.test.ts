import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { acceptAnalysis, FORMS } from '../../ports/store.suite.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { EASTUS, WESTUS2 } from './region.fixture.ts';

const clock = { now: () => new Date() };

test('refuses the database of another region by both names', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await (await openSqliteStore({ file, region: WESTUS2, clock }))[Symbol.asyncDispose]();
  const refused = openSqliteStore({ file, region: EASTUS, clock });
  await expect(refused).rejects.toMatchObject({ name: 'StoreOpenError', code: 'otherRegion' });
  await expect(refused).rejects.toThrow('belongs to region westus2, not to eastus');
});

test('refuses a database that a later release has changed', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await (await openSqliteStore({ file, region: WESTUS2, clock }))[Symbol.asyncDispose]();
  const later = new DatabaseSync(file);
  later.exec('INSERT INTO schema_versions VALUES (999, 0)');
  later.close();
  const refused = openSqliteStore({ file, region: WESTUS2, clock });
  await expect(refused).rejects.toMatchObject({ name: 'StoreOpenError', code: 'newerSchema' });
  await expect(refused).rejects.toThrow('has schema version 999');
});

test('refuses a file that is no database', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await writeFile(file, 'not a database, but long enough to be looked at '.repeat(100));
  const refused = openSqliteStore({ file, region: WESTUS2, clock });
  await expect(refused).rejects.toMatchObject({ name: 'StoreOpenError', code: 'unreadable' });
});

test('finds everything as it was left', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  const first = await openSqliteStore({ file, region: WESTUS2, clock });
  await first.store.putResource(FORMS);
  const operation = await acceptAnalysis(first.store);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await using second = await openSqliteStore({ file, region: WESTUS2, clock });
  expect(await second.store.findOperation(operation.id)).toEqual(operation);
  expect(await second.queue.depth()).toMatchObject({ waiting: 1 });
});

test('keeps a write-ahead log, and both files for their owner alone', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await using db = await openSqliteStore({ file, region: WESTUS2, clock });
  await db.store.putResource(FORMS);
  for (const path of [file, `${file}-wal`]) expect((await stat(path)).mode & 0o077).toBe(0);
});
