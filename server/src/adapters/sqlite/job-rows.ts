import type { OperationId } from '@formhaven/contract';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { JobKind, NewJob } from '../../ports/queue.ts';
import type { StoreTables } from '../sql/tables.ts';
import type { JobsTable, QueueTables } from './jobs-table.ts';

type Tables = StoreTables & QueueTables;
type Db = Kysely<Tables> | Transaction<Tables>;

const PRIORITY: Record<JobKind, number> = { analyze: 0, copy: 1, train: 2 };

/** The right to run a job until a moment, and what the row said when it was given. */
export interface Lease {
  readonly job: NewJob;
  readonly worker: string;
  readonly number: number;
  /** Counted runs, this one included. */
  readonly attempts: number;
  /** Runs cut short before this one. */
  readonly cutShort: number;
  readonly lastError: string | undefined;
}

export async function insertJob(db: Db, job: NewJob, now: Date): Promise<void> {
  await db
    .insertInto('jobs')
    .values({
      operation_id: job.operationId,
      kind: job.kind,
      priority: PRIORITY[job.kind],
      resource: job.resource,
      inserted_on: now.getTime(),
      // Not `now`: a clock set back must not make it wait.
      ready_on: 0,
      owner: null,
      leases: 0,
      attempts: 0,
      cut_short: 0,
      last_error: null,
    })
    .execute();
}

export async function removeJob(db: Db, id: OperationId): Promise<void> {
  await db.deleteFrom('jobs').where('operation_id', '=', id).execute();
}

/**
 * Leases the next job: by kind, then that of the resource with the fewest running jobs, then the oldest. A lease that has run
 * out is taken over. Undefined where nothing is ready.
 */
export async function leaseJob(
  db: Kysely<Tables>,
  wanted: { readonly kinds: readonly JobKind[]; readonly worker: string; readonly now: Date; readonly until: Date },
): Promise<Lease | undefined> {
  const now = wanted.now.getTime();
  // Looking first keeps an idle worker from taking the write lock four times a second.
  const any = await db
    .selectFrom('jobs')
    .select('operation_id')
    .where('ready_on', '<=', now)
    .where('kind', 'in', wanted.kinds)
    .limit(1)
    .executeTakeFirst();
  if (any === undefined) return undefined;

  return db.transaction().execute(async (transaction) => {
    const row = await nextJob(transaction, wanted.kinds, now);
    if (row === undefined) return undefined;
    const lease = {
      job: { operationId: row.operation_id, kind: row.kind, resource: row.resource },
      worker: wanted.worker,
      number: row.leases + 1,
      attempts: row.attempts + 1,
      cutShort: row.cut_short,
      lastError: row.last_error ?? undefined,
    };
    await transaction
      .updateTable('jobs')
      .set({
        owner: wanted.worker,
        ready_on: wanted.until.getTime(),
        leases: lease.number,
        attempts: lease.attempts,
        cut_short: row.cut_short + 1,
        last_error: null,
      })
      .where('operation_id', '=', row.operation_id)
      .execute();
    return lease;
  });
}

async function nextJob(
  transaction: Transaction<Tables>,
  kinds: readonly JobKind[],
  now: number,
): Promise<Selectable<JobsTable> | undefined> {
  for (const kind of kinds.toSorted((a, b) => PRIORITY[a] - PRIORITY[b])) {
    const priority = PRIORITY[kind];
    // Only the oldest ready job of each resource is looked at, found by the index, so that the length of the queue does not
    // matter. The recursion walks from one resource to the next.
    const { rows } = await sql<Selectable<JobsTable>>`
      with recursive waiting(resource) as (
        select min(resource) from jobs where priority = ${priority}
        union all
        select (select min(resource) from jobs where priority = ${priority} and resource > waiting.resource)
        from waiting where waiting.resource is not null
      )
      select head.* from waiting join jobs as head on head.operation_id = (
        select operation_id from jobs
        where priority = ${priority} and resource = waiting.resource and ready_on <= ${now}
        order by inserted_on, operation_id limit 1
      )
      order by
        (select count(*) from jobs where owner is not null and resource = waiting.resource and ready_on > ${now}),
        head.inserted_on, head.operation_id
      limit 1`.execute(transaction);
    if (rows[0] !== undefined) return rows[0];
  }
  return undefined;
}

/** False where the lease was lost, or the job is gone. */
export async function renewLease(db: Db, lease: Lease, until: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ ready_on: until.getTime() })
    .where('operation_id', '=', lease.job.operationId)
    .where('owner', '=', lease.worker)
    .where('leases', '=', lease.number)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Ends a lease in order and lets the job wait. Does nothing where the lease was lost. */
export async function putBackJob(
  db: Db,
  lease: Lease,
  back: { readonly readyOn: Date; readonly countsAsAttempt: boolean; readonly error?: Error },
): Promise<void> {
  await db
    .updateTable('jobs')
    .set({
      owner: null,
      ready_on: back.readyOn.getTime(),
      attempts: back.countsAsAttempt ? lease.attempts : lease.attempts - 1,
      cut_short: lease.cutShort,
      last_error: back.error?.message ?? null,
    })
    .where('operation_id', '=', lease.job.operationId)
    .where('owner', '=', lease.worker)
    .where('leases', '=', lease.number)
    .execute();
}

/** Ends a lease in order with the job done. Does nothing where the lease was lost. */
export async function removeLeasedJob(db: Db, lease: Lease): Promise<void> {
  await db
    .deleteFrom('jobs')
    .where('operation_id', '=', lease.job.operationId)
    .where('owner', '=', lease.worker)
    .where('leases', '=', lease.number)
    .execute();
}

/** Ends every lease of that worker, out of order: the runs count. */
export async function abandonLeases(db: Db, worker: string): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set({ owner: null, ready_on: 0 })
    .where('owner', '=', worker)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Ends every lease, out of order; the runs do not count as attempts, only as cut short. */
export async function recoverLeases(db: Db): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('jobs')
    .set((set) => ({ owner: null, ready_on: 0, attempts: set('attempts', '-', 1) }))
    .where('owner', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

export async function countJobs(
  db: Db,
  now: Date,
): Promise<{ readonly waiting: number; readonly running: number; readonly oldestOn: Date | undefined }> {
  const isRunning = sql<boolean>`owner is not null and ready_on > ${now.getTime()}`;
  const row = await db
    .selectFrom('jobs')
    .select((select) => [
      select.fn.countAll<number>().as('all'),
      sql<number>`coalesce(sum(case when ${isRunning} then 1 else 0 end), 0)`.as('running'),
      sql<number | null>`min(case when ${isRunning} then null else inserted_on end)`.as('oldest'),
    ])
    .executeTakeFirstOrThrow();
  return {
    waiting: row.all - row.running,
    running: row.running,
    oldestOn: row.oldest === null ? undefined : new Date(row.oldest),
  };
}
