import type { Kysely } from 'kysely';
import type { Clock } from '../../ports/clock.ts';
import type { Queue, Working, WorkOptions } from '../../ports/queue.ts';
import type { StoreTables } from '../sql/tables.ts';
import {
  abandonLeases,
  countJobs,
  leaseJob,
  putBackJob,
  recoverLeases,
  removeLeasedJob,
  renewLease,
} from './job-rows.ts';
import type { QueueTables } from './jobs-table.ts';
import { type LeaseLimits, LeaseLoop, type LeaseRows } from './lease-loop.ts';

/**
 * Ten seconds: a worker that is only busy renews its lease in time, one that is dead without anybody knowing delays a job
 * little. A quarter of a second: nobody waits noticeably when a wake is missed, and an idle process stays idle.
 */
const DEFAULT_LIMITS: LeaseLimits = {
  leaseMilliseconds: 10_000,
  pollMilliseconds: 250,
  maxAttempts: 3,
  maxCutShort: 20,
};

/** Jobs as rows beside the operations; see {@link JobsTable} for what a row says and {@link LeaseLoop} for how it is run. */
export class SqliteQueue implements Queue {
  readonly #db: Kysely<StoreTables & QueueTables>;
  readonly #clock: Clock;
  readonly #limits: LeaseLimits;
  readonly #loops = new Set<LeaseLoop>();

  constructor(parts: {
    readonly db: Kysely<StoreTables>;
    readonly clock: Clock;
    readonly limits?: Partial<LeaseLimits>;
  }) {
    this.#db = parts.db.withTables<QueueTables>();
    this.#clock = parts.clock;
    this.#limits = { ...DEFAULT_LIMITS, ...parts.limits };
  }

  work(options: WorkOptions): Working {
    const loop = new LeaseLoop(this.#rows(), this.#limits, options);
    this.#loops.add(loop);
    const drain = async (patienceMilliseconds: number): Promise<void> => {
      await loop.drain(patienceMilliseconds);
      this.#loops.delete(loop);
    };
    return { drain, [Symbol.asyncDispose]: () => drain(0) };
  }

  wake(): void {
    for (const loop of this.#loops) loop.wake();
  }

  async abandon(worker: string): Promise<number> {
    const count = await abandonLeases(this.#db, worker);
    this.wake();
    return count;
  }

  async recover(): Promise<number> {
    const count = await recoverLeases(this.#db);
    this.wake();
    return count;
  }

  async depth(): Promise<{ readonly waiting: number; readonly running: number; readonly oldestOn: Date | undefined }> {
    return countJobs(this.#db, this.#clock.now());
  }

  #rows(): LeaseRows {
    const from = (milliseconds: number): Date => new Date(this.#clock.now().getTime() + milliseconds);
    return {
      lease: ({ kinds, worker }) =>
        leaseJob(this.#db, { kinds, worker, now: this.#clock.now(), until: from(this.#limits.leaseMilliseconds) }),
      renew: (lease) => renewLease(this.#db, lease, from(this.#limits.leaseMilliseconds)),
      putBack: (lease, { delayMilliseconds, ...back }) =>
        putBackJob(this.#db, lease, { ...back, readyOn: from(delayMilliseconds) }),
      remove: (lease) => removeLeasedJob(this.#db, lease),
    };
  }
}
