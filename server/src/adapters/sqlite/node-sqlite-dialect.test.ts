import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { nodeSqliteDialect, openDatabase } from './node-sqlite-dialect.ts';

interface Tables {
  things: { id: number; name: string | null };
}

async function openThings(folder: string) {
  const file = join(folder, 'things.db');
  const db = new Kysely<Tables>({ dialect: nodeSqliteDialect(await openDatabase(file)) });
  await db.schema
    .createTable('things')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text')
    .execute();
  return { db, file, [Symbol.asyncDispose]: () => db.destroy() };
}

test('syncs the log at every commit and keeps foreign keys', async () => {
  await using folder = await freshFolder();
  const database = await openDatabase(join(folder.path, 'region.db'));
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
  // 2 is FULL.
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
  expect(database.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 });
  database.close();
});

test('waits for the transaction of another writer while everything else goes on', async () => {
  await using folder = await freshFolder();
  await using things = await openThings(folder.path);
  const other = new DatabaseSync(things.file);
  other.exec("BEGIN IMMEDIATE; INSERT INTO things VALUES (1, 'theirs')");
  const written = Promise.all([
    things.db.insertInto('things').values({ id: 2, name: 'ours' }).execute(),
    things.db
      .transaction()
      .execute((transaction) => transaction.insertInto('things').values({ id: 3, name: null }).execute()),
  ]);
  // Only a timer of this very process ends what it waits for.
  setTimeout(() => other.exec('COMMIT'), 100);
  await written;
  expect(await things.db.selectFrom('things').selectAll().orderBy('id').execute()).toHaveLength(3);
  other.close();
});

test('reads while another writer has a transaction open, and sees nothing of it', async () => {
  await using folder = await freshFolder();
  await using things = await openThings(folder.path);
  const other = new DatabaseSync(things.file);
  other.exec("BEGIN IMMEDIATE; INSERT INTO things VALUES (1, 'theirs')");
  expect(await things.db.selectFrom('things').selectAll().execute()).toEqual([]);
  other.exec('COMMIT');
  expect(await things.db.selectFrom('things').selectAll().execute()).toEqual([{ id: 1, name: 'theirs' }]);
  other.close();
});

test('takes back all of a transaction that fails, and tells its own error', async () => {
  await using folder = await freshFolder();
  await using things = await openThings(folder.path);
  const failing = things.db.transaction().execute(async (transaction) => {
    await transaction.insertInto('things').values({ id: 1, name: 'one' }).execute();
    await transaction.insertInto('things').values({ id: 1, name: 'one again' }).execute();
  });
  await expect(failing).rejects.toThrow('UNIQUE constraint failed');
  expect(await things.db.selectFrom('things').selectAll().execute()).toEqual([]);
});

test('counts what a statement changed, and gives back what it returns', async () => {
  await using folder = await freshFolder();
  await using things = await openThings(folder.path);
  await things.db
    .insertInto('things')
    .values([
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ])
    .execute();
  const updated = await things.db.updateTable('things').set({ name: 'c' }).executeTakeFirstOrThrow();
  expect(updated.numUpdatedRows).toBe(2n);
  const deleted = await things.db.deleteFrom('things').where('id', '=', 2).returning('name').execute();
  expect(deleted).toEqual([{ name: 'c' }]);
});
