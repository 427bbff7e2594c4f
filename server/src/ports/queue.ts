import type { OperationId } from '@formhaven/contract';

/** `analyze` runs before `copy`, `copy` before `train`. */
export type JobKind = 'analyze' | 'copy' | 'train';

export interface Job {
  readonly operationId: OperationId;
  readonly kind: JobKind;
  /** The resource that pays for the work; the queue is fair between resources. */
  readonly resource: string;
  /** 1 for the first run. Runs cut short by the end of the whole region do not count. */
  readonly attempt: number;
}

export type NewJob = Omit<Job, 'attempt'>;

/** Thrown by a handler: run the job again, no earlier than after `delayMilliseconds`. */
export class RetryJob extends Error {
  override readonly name = 'RetryJob';
  readonly delayMilliseconds: number;
  /** False where trying again costs nothing and must not use up the attempts: the handler keeps its own deadline. */
  readonly countsAsAttempt: boolean;

  constructor(message: string, options: { delayMilliseconds: number; countsAsAttempt?: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.delayMilliseconds = options.delayMilliseconds;
    this.countsAsAttempt = options.countsAsAttempt ?? true;
  }
}

export interface WorkOptions {
  readonly kinds: readonly JobKind[];
  /** Jobs run at once by this worker. The rest wait in the queue, not in memory. */
  readonly concurrency: number;
  /** Names this worker process; `abandon` speaks of it. */
  readonly worker: string;
  /**
   * Runs one job. Resolves when the job's outcome is stored (the store removes the job in that very transaction; a job still
   * there afterwards is removed by the queue). {@link RetryJob} puts it back; any other error counts as a failed attempt.
   * `signal` fires when the lease is lost or the worker drains out of patience: stop, write nothing.
   */
  handle(job: Job, signal: AbortSignal): Promise<void>;
  /** The attempts are used up: store a terminal outcome. Called at least once, never while `handle` runs for that job. */
  exhausted(job: Job, error: Error): Promise<void>;
  /** Something the queue itself could not do; it carries on. Not what `handle` throws: `exhausted` gets the last of that. */
  onError(error: Error): void;
}

export interface Working extends AsyncDisposable {
  /** Take no new job; resolves when the running ones have ended, at most after `patienceMilliseconds`. Those cut off run again later. */
  drain(patienceMilliseconds: number): Promise<void>;
}

/**
 * Durable jobs. They are inserted by the store in the transaction of their operation, and every job may run twice:
 * a worker that dies, or whose lease runs out, has its job run again.
 */
export interface Queue {
  work(options: WorkOptions): Working;
  /** A job was inserted: look now instead of at the next poll. May be called any time, by any process; costs nothing when idle. */
  wake(): void;
  /** The worker is known to be dead: its jobs may run again at once. Counts as a failed attempt for each. */
  abandon(worker: string): Promise<number>;
  /** The whole region was down, nobody runs anything: every leased job may run again at once, without counting as an attempt. */
  recover(): Promise<number>;
  /** `oldestOn`: when the longest waiting job was inserted. */
  depth(): Promise<{ readonly waiting: number; readonly running: number; readonly oldestOn: Date | undefined }>;
}
