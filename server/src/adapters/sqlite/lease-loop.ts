import type { Job } from '../../ports/queue.ts';
import { RetryJob, type Working, type WorkOptions } from '../../ports/queue.ts';
import type { Lease } from './job-rows.ts';

/** The rows a loop works on; every call is a transaction of its own. */
export interface LeaseRows {
  lease(options: Pick<WorkOptions, 'kinds' | 'worker'>): Promise<Lease | undefined>;
  /** False where the lease was lost. */
  renew(lease: Lease): Promise<boolean>;
  putBack(
    lease: Lease,
    back: { readonly delayMilliseconds: number; readonly countsAsAttempt: boolean; readonly error?: Error },
  ): Promise<void>;
  remove(lease: Lease): Promise<void>;
}

export interface LeaseLimits {
  readonly leaseMilliseconds: number;
  readonly pollMilliseconds: number;
  /** Failed runs after which a job is given up. */
  readonly maxAttempts: number;
  /** Runs cut short, by the end of the worker or the whole region, after which a job is given up: it may be what brings them down. */
  readonly maxCutShort: number;
}

interface Run {
  readonly lease: Lease;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

const GIVE_UP_RETRY_MILLISECONDS = 1000;

/**
 * One worker's loop. A job it has leased is in one of these states, and leaves them in this order:
 *
 * - **running**: `handle` (or, where the attempts are used up, `exhausted`) runs, the lease is renewed three times in its length.
 * - **lost**: a renewal found that the lease is not ours any more, or renewals failed for the length of a lease. The signal has
 *   fired; whatever the handler still does, the row is not touched: it is another's. Until it ends, it counts among the jobs
 *   run at once.
 * - **cut off**: the worker drains and patience is over. The signal has fired and the row is put back, not counted.
 * - **settled**: the run ended and the row was removed or put back.
 *
 * The loop itself sleeps until the poll interval is over, it is woken, or a run ends.
 */
export class LeaseLoop implements Working {
  readonly #rows: LeaseRows;
  readonly #limits: LeaseLimits;
  readonly #options: WorkOptions;
  readonly #runs = new Set<Run>();
  readonly #loop: Promise<void>;
  readonly #draining = new AbortController();
  #woken = Promise.withResolvers<void>();

  constructor(rows: LeaseRows, limits: LeaseLimits, options: WorkOptions) {
    this.#rows = rows;
    this.#limits = limits;
    this.#options = options;
    this.#loop = this.#take();
  }

  wake(): void {
    this.#woken.resolve();
  }

  async drain(patienceMilliseconds: number): Promise<void> {
    this.#draining.abort();
    this.wake();
    await this.#loop;
    const { promise: outOfPatience, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, patienceMilliseconds);
    await Promise.race([outOfPatience, Promise.all(Array.from(this.#runs, (run) => run.done))]);
    clearTimeout(timer);
    await Promise.all(Array.from(this.#runs, (run) => this.#cutOff(run)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  async #take(): Promise<void> {
    const { signal } = this.#draining;
    while (!signal.aborted) {
      // A wake during the look counts for the next one.
      this.#woken = Promise.withResolvers();
      try {
        while (!signal.aborted && this.#runs.size < this.#options.concurrency) {
          const lease = await this.#rows.lease(this.#options);
          if (lease === undefined) break;
          this.#start(lease);
        }
      } catch (error) {
        this.#options.onError(asError(error));
      }
      await this.#sleep(signal);
    }
  }

  async #sleep(draining: AbortSignal): Promise<void> {
    if (draining.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#limits.pollMilliseconds);
    await Promise.race([promise, this.#woken.promise]);
    clearTimeout(timer);
  }

  #start(lease: Lease): void {
    const abort = new AbortController();
    const run: Run = { lease, abort, done: Promise.resolve().then(() => this.#run(lease, abort)) };
    this.#runs.add(run);
    const ended = (): void => {
      this.#runs.delete(run);
      this.wake();
    };
    run.done.then(ended, ended);
  }

  /** Never rejects: what fails is told to `onError`, and the lease runs out. */
  async #run(lease: Lease, abort: AbortController): Promise<void> {
    const heartbeat = this.#keepAlive(lease, abort);
    try {
      const isGivenUp = lease.attempts > this.#limits.maxAttempts || lease.cutShort >= this.#limits.maxCutShort;
      if (isGivenUp) {
        await this.#giveUp(
          lease,
          new Error(lease.lastError ?? 'Every run was cut short: its worker or its region ended.'),
        );
        return;
      }
      const job: Job = { ...lease.job, attempt: lease.attempts };
      const failure = await this.#options.handle(job, abort.signal).then(
        () => undefined,
        (error: unknown) => asError(error),
      );
      if (abort.signal.aborted) return;
      if (failure === undefined) {
        await this.#rows.remove(lease);
      } else if (failure instanceof RetryJob && !failure.countsAsAttempt) {
        const { delayMilliseconds } = failure;
        await this.#rows.putBack(lease, { delayMilliseconds, countsAsAttempt: false, error: failure });
      } else if (lease.attempts >= this.#limits.maxAttempts) {
        await this.#giveUp(lease, failure);
      } else {
        const delayMilliseconds =
          failure instanceof RetryJob ? failure.delayMilliseconds : retryDelayMilliseconds(lease.attempts);
        await this.#rows.putBack(lease, { delayMilliseconds, countsAsAttempt: true, error: failure });
      }
    } catch (error) {
      this.#options.onError(asError(error));
    } finally {
      clearInterval(heartbeat);
    }
  }

  async #giveUp(lease: Lease, failure: Error): Promise<void> {
    try {
      await this.#options.exhausted({ ...lease.job, attempt: lease.attempts }, failure);
    } catch (error) {
      this.#options.onError(asError(error));
      await this.#rows.putBack(lease, {
        delayMilliseconds: GIVE_UP_RETRY_MILLISECONDS,
        countsAsAttempt: true,
        error: failure,
      });
      return;
    }
    await this.#rows.remove(lease);
  }

  #keepAlive(lease: Lease, abort: AbortController): NodeJS.Timeout {
    const lost = (): void => abort.abort(new Error('the lease of the job was lost'));
    let renewedOn = performance.now();
    const heartbeat = setInterval(() => {
      const startedOn = performance.now();
      this.#rows.renew(lease).then(
        (isOurs) => {
          if (isOurs) renewedOn = startedOn;
          else lost();
        },
        (error: unknown) => {
          this.#options.onError(asError(error));
          if (performance.now() - renewedOn > this.#limits.leaseMilliseconds) lost();
        },
      );
    }, this.#limits.leaseMilliseconds / 3);
    // A handler that does not listen may go on for long; there is nothing left to renew.
    abort.signal.addEventListener('abort', () => clearInterval(heartbeat), { once: true });
    return heartbeat;
  }

  async #cutOff(run: Run): Promise<void> {
    if (run.abort.signal.aborted) return;
    run.abort.abort(new Error('the worker is stopping'));
    try {
      await this.#rows.putBack(run.lease, { delayMilliseconds: 0, countsAsAttempt: false });
    } catch (error) {
      this.#options.onError(asError(error));
    }
  }
}

function retryDelayMilliseconds(attempt: number): number {
  return 1000 * 4 ** (attempt - 1);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
