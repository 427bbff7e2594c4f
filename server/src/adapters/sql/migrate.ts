import type { Region } from '@formhaven/contract';
import type { Kysely, Transaction } from 'kysely';
import type { StoreTables } from './tables.ts';

/** Takes the tables one version further. Runs once, inside the transaction that records it. */
export type Migration = (db: Kysely<StoreTables>) => Promise<void>;

type SchemaVersions = { schema_versions: { version: number; applied_on: number } };

export type StoreOpenErrorCode =
  /** The database belongs to another region. */
  | 'otherRegion'
  /** A later release has changed the tables. */
  | 'newerSchema'
  /** No database, or a broken one. */
  | 'unreadable';

/** Why a store was not opened; nothing was changed. `message` says what to do. */
export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError';
  readonly code: StoreOpenErrorCode;

  constructor(code: StoreOpenErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Brings the tables to the version of this release (the length of `migrations`) and makes sure that they are that region's.
 * Forward only. Run inside a transaction that excludes every other writer, so that two processes may start at once.
 * `place` names the database in errors.
 */
export async function migrate(
  transaction: Transaction<StoreTables>,
  options: {
    readonly migrations: readonly Migration[];
    readonly region: Region;
    readonly place: string;
    readonly now: Date;
  },
): Promise<void> {
  const { migrations, region, place } = options;
  const versions = transaction.withTables<SchemaVersions>();
  await versions.schema
    .createTable('schema_versions')
    .ifNotExists()
    .addColumn('version', 'integer', (column) => column.primaryKey())
    .addColumn('applied_on', 'bigint', (column) => column.notNull())
    .execute();
  const { version } = await versions
    .selectFrom('schema_versions')
    .select((query) => query.fn.max('version').as('version'))
    .executeTakeFirstOrThrow();
  const current = version ?? 0;
  if (current > migrations.length) {
    throw new StoreOpenError(
      'newerSchema',
      `${place} has schema version ${current}; this release knows versions up to ${migrations.length}. Start the release that wrote it, or a later one.`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < current) continue;
    await migration(transaction);
    await versions
      .insertInto('schema_versions')
      .values({ version: index + 1, applied_on: options.now.getTime() })
      .execute();
  }

  const identity = await transaction.selectFrom('identity').select('region').executeTakeFirst();
  if (identity === undefined) {
    await transaction.insertInto('identity').values({ only: 1, region }).execute();
  } else if (identity.region !== region) {
    throw new StoreOpenError(
      'otherRegion',
      `${place} belongs to region ${identity.region}, not to ${region}. Give each region a data folder of its own.`,
    );
  }
}
