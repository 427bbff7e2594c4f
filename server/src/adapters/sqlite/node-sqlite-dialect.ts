import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely';

/** Kysely over `node:sqlite`. The database is closed with the Kysely instance. */
export function nodeSqliteDialect(database: DatabaseSync): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new NodeSqliteDriver(database),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/**
 * Opens a database file for several processes at once.
 * - WAL: readers and the writer do not wait for each other. `synchronous=FULL` syncs the log at every commit; NORMAL, the usual
 *   advice, loses acknowledged commits in a power cut.
 * - `fullfsync` matters on macOS alone, where fsync does not reach the disk.
 */
export async function openDatabase(file: string): Promise<DatabaseSync> {
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MILLISECONDS}`);
    await switchToWal(database);
    database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
    database.exec('PRAGMA foreign_keys = ON');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * SQLite waits for a lock by putting the whole process to sleep, so it may do so only for about as long as a transaction of
 * another process takes. After that the waiting goes on beside everything else ({@link NodeSqliteConnection.executeQuery}),
 * which is also what lets two connections of one process wait for each other at all.
 */
export const BUSY_MILLISECONDS = 5;
const LOCK_PATIENCE_MILLISECONDS = 10_000;
const LONGEST_PAUSE_MILLISECONDS = 25;
const SQLITE_BUSY_SNAPSHOT = 517;
const SQLITE_BUSY = 5;

async function switchToWal(database: DatabaseSync): Promise<void> {
  // The first switch of a new file needs it alone, so two processes that make the database together collide here.
  const row = await whenUnlocked(() => database.prepare('PRAGMA journal_mode = WAL').get());
  if (row?.journal_mode !== 'wal') throw new Error(`no write-ahead log here: journal_mode is ${row?.journal_mode}`);
}

async function whenUnlocked<Result>(run: () => Result): Promise<Result> {
  const startedOn = performance.now();
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS)) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() - startedOn > LOCK_PATIENCE_MILLISECONDS) throw error;
      await sleep(pause);
    }
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  const code = Number(error.errcode);
  // The low byte is the primary code. A transaction on an old snapshot never gets the lock, however long it waits.
  return (code & 0xff) === SQLITE_BUSY && code !== SQLITE_BUSY_SNAPSHOT;
}

class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync;
  readonly #connection: NodeSqliteConnection;
  #isOpen: boolean = true;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#connection = new NodeSqliteConnection(database);
  }

  async init(): Promise<void> {}

  // Kysely hands out the one connection to one caller at a time, since the adapter says there is only one.
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    // IMMEDIATE takes the write lock at the start and waits for it. A transaction that only later turns into a writer fails at
    // once with SQLITE_BUSY_SNAPSHOT when another process has written in between.
    const begin = settings.accessMode === 'read only' ? 'begin' : 'begin immediate';
    await connection.executeQuery(CompiledQuery.raw(begin));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch (error) {
      // After a full disk and the like SQLite has rolled back by itself; the first error is the one to be told.
      if (!(error instanceof Error) || !error.message.includes('no transaction is active')) throw error;
    }
  }

  async destroy(): Promise<void> {
    this.#connection.forget();
    if (this.#isOpen) this.#database.close();
    this.#isOpen = false;
  }
}

const STATEMENTS_KEPT = 200;

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  /** Compiled statements by their SQL, the least recently used first. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters as readonly SQLInputValue[];
    // Only a statement that is its own transaction, or begins one, can find the lock taken; none of it has happened then.
    return whenUnlocked(() => {
      if (returnsRows(query)) return { rows: statement.all(...parameters) as Row[] };
      const { changes } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes) };
    });
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('not supported: a stream would hold the one connection; read in pages');
  }

  forget(): void {
    this.#statements.clear();
  }

  #prepare(sql: string): StatementSync {
    const kept = this.#statements.get(sql);
    const statement = kept ?? this.#database.prepare(sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_KEPT) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }
}

function returnsRows({ query }: CompiledQuery): boolean {
  switch (query.kind) {
    case 'InsertQueryNode':
    case 'UpdateQueryNode':
    case 'DeleteQueryNode':
      return query.returning !== undefined;
    case 'SelectQueryNode':
    case 'RawNode':
      return true;
    default:
      return false;
  }
}
