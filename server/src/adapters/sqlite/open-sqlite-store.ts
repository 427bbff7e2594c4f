import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Region } from '@formhaven/contract';
import { Kysely } from 'kysely';
import type { Clock } from '../../ports/clock.ts';
import type { Queue } from '../../ports/queue.ts';
import type { Store } from '../../ports/store.ts';
import { makeFolder } from '../folder/make-folder.ts';
import type { JobsInTransaction } from '../sql/jobs-in-transaction.ts';
import { type Migration, migrate, StoreOpenError } from '../sql/migrate.ts';
import { SqlStore } from '../sql/sql-store.ts';
import { createModelChanges, createStoreTables } from '../sql/store-migrations.ts';
import type { StoreTables } from '../sql/tables.ts';
import { insertJob, removeJob } from './job-rows.ts';
import { createJobsTable, indexRunningJobs, type QueueTables } from './jobs-table.ts';
import type { LeaseLimits } from './lease-loop.ts';
import { BUSY_MILLISECONDS, nodeSqliteDialect, openDatabase } from './node-sqlite-dialect.ts';
import { SqliteQueue } from './sqlite-queue.ts';

/** The schema version of a database is the number of these it has been through. */
const MIGRATIONS: readonly Migration[] = [createStoreTables, createJobsTable, createModelChanges, indexRunningJobs];

/** A region's rows and jobs, in one file. Closing it closes both; closing the store does too. */
export interface SqliteStore extends AsyncDisposable {
  readonly store: Store;
  readonly queue: Queue;
}

/**
 * Opens the database of a region, making it where there is none, and brings its tables to this release. Several processes may
 * have it open at once.
 * @throws StoreOpenError
 */
export async function openSqliteStore(options: {
  readonly file: string;
  readonly region: Region;
  readonly clock: Clock;
  readonly limits?: Partial<LeaseLimits>;
}): Promise<SqliteStore> {
  const { file, region, clock, limits } = options;
  await makeFolder(dirname(file));
  let database: DatabaseSync;
  try {
    // Made here, so that it is for its owner alone from the start; SQLite gives its log the permissions of the database.
    await (await open(file, 'a', 0o600)).close();
    database = await openDatabase(file);
  } catch (cause) {
    throw new StoreOpenError('unreadable', `${file} cannot be opened as a database: ${message(cause)}`, { cause });
  }
  const db = new Kysely<StoreTables>({ dialect: nodeSqliteDialect(database) });
  try {
    await db.transaction().execute(async (transaction) => {
      await migrate(transaction, { migrations: MIGRATIONS, region, place: file, now: clock.now() });
    });
  } catch (error) {
    await db.destroy();
    throw error;
  }

  const jobs: JobsInTransaction = {
    insert: (transaction, job) => insertJob(transaction.withTables<QueueTables>(), job, clock.now()),
    remove: (transaction, id) => removeJob(transaction.withTables<QueueTables>(), id),
  };
  const store = new SqlStore({ db, jobs, checkpoint: async () => checkpoint(database) });
  const queue = new SqliteQueue({ db, clock, ...(limits === undefined ? {} : { limits }) });
  return { store, queue, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

function checkpoint(database: DatabaseSync): void {
  // Truncating waits for readers and writers of other processes, with this whole process standing still; what does not fit now
  // is done by the next checkpoint.
  database.exec('PRAGMA busy_timeout = 100');
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MILLISECONDS}`);
  }
}

function message(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
