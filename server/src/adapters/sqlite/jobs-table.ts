import type { OperationId } from '@formhaven/contract';
import { sql } from 'kysely';
import type { JobKind } from '../../ports/queue.ts';
import type { Migration } from '../sql/migrate.ts';

export interface JobsTable {
  operation_id: OperationId;
  kind: JobKind;
  /** Of its kind: lower runs first. */
  priority: number;
  resource: string;
  inserted_on: number;
  /** From when the job may be leased. While it is leased: when the lease runs out. */
  ready_on: number;
  /** The worker that holds the lease; null while the job waits. */
  owner: string | null;
  /** Leases ever given. The current one's number tells a holder from one that lost it. */
  leases: number;
  /** Runs that count, the current one included. */
  attempts: number;
  /** Runs that did not end in order, the current one included: the worker or the whole region went down under them. */
  cut_short: number;
  /** Why the last run failed; null where it was cut short. */
  last_error: string | null;
}

export type QueueTables = { jobs: JobsTable };

/** See {@link JobsTable}. Never edited once released. */
export const createJobsTable: Migration = async (db) => {
  await db.schema
    .createTable('jobs')
    .addColumn('operation_id', 'text', (column) => column.primaryKey().references('operations.id').onDelete('cascade'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('inserted_on', 'bigint', (column) => column.notNull())
    .addColumn('ready_on', 'bigint', (column) => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('leases', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('cut_short', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('last_error', 'text')
    .execute();
  await db.schema.createIndex('jobs_order').on('jobs').columns(['priority', 'resource', 'inserted_on']).execute();
};

/** Leasing counts the running jobs of a resource among any number of waiting ones. */
export const indexRunningJobs: Migration = async (db) => {
  await db.schema
    .createIndex('jobs_running')
    .on('jobs')
    .columns(['resource', 'ready_on'])
    .where(sql.ref('owner'), 'is not', null)
    .execute();
};
