import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationId } from '@formhaven/contract';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Clock } from './clock.ts';
import { type Job, type JobKind, type Queue, RetryJob, type Working, type WorkOptions } from './queue.ts';
import { FORMS, later, OTHERS, sampleOperation } from './store.suite.ts';
import type { Operation, Store } from './store.ts';

/** A queue of its own for one test, with the store that fills it. */
export interface QueueUnderTest extends AsyncDisposable {
  readonly store: Store;
  readonly queue: Queue;
  /** The same jobs through another connection, as another process has them. Closed by the test. */
  again(): Promise<{ readonly queue: Queue } & AsyncDisposable>;
}

export interface QueueConditions {
  readonly clock: Clock;
  /** How long a lease lasts by that clock. It is renewed every third of that in real time. */
  readonly leaseMilliseconds: number;
}

const LEASE_MILLISECONDS = 60;

/** What every {@link Queue} owes to those above it. */
export function describeQueue(name: string, open: (conditions: QueueConditions) => Promise<QueueUnderTest>): void {
  const start = async () => {
    const clock = new TestClock();
    const under = await open({ clock, leaseMilliseconds: LEASE_MILLISECONDS });
    await under.store.putResource(FORMS);
    await under.store.putResource(OTHERS);
    return {
      clock,
      under,
      store: under.store,
      queue: under.queue,
      [Symbol.asyncDispose]: () => under[Symbol.asyncDispose](),
    };
  };

  describe(`${name} as a queue`, () => {
    test('runs a job once and forgets it', async () => {
      await using at = await start();
      const runs = recorder();
      await using _ = work(at.queue, { handle: runs.handle });
      const id = await insert(at.store);
      at.queue.wake();
      await until(async () => (await at.queue.depth()).waiting + (await at.queue.depth()).running === 0);
      expect(runs.jobs).toEqual([{ operationId: id, kind: 'analyze', resource: FORMS.name, attempt: 1 }]);
    });

    test('finds a job that nobody woke it for', async () => {
      await using at = await start();
      const runs = recorder();
      await using _ = work(at.queue, { handle: runs.handle });
      await insert(at.store);
      await until(() => runs.jobs.length === 1);
    });

    test('runs as many jobs at once as it may, and no more', async () => {
      await using at = await start();
      for (let count = 0; count < 7; count += 1) await insert(at.store);
      const gate = new Gate();
      await using _ = work(at.queue, { concurrency: 3, handle: (job) => gate.pass(job) });
      await until(() => gate.waiting.length === 3);
      expect(await at.queue.depth()).toMatchObject({ waiting: 4, running: 3 });
      gate.open();
      await until(() => gate.passed === 7);
      expect(gate.most).toBe(3);
    });

    test('runs analyses before copies and copies before trainings, the oldest first', async () => {
      await using at = await start();
      const inserted: string[] = [];
      for (const kind of ['train', 'copy', 'analyze', 'train', 'copy', 'analyze'] as const) {
        inserted.push(await insert(at.store, { kind }));
        at.clock.advance(1000);
      }
      const runs = recorder();
      await using _ = work(at.queue, { handle: runs.handle });
      await until(() => runs.jobs.length === 6);
      expect(runs.jobs.map((job) => inserted.indexOf(job.operationId))).toEqual([2, 5, 1, 4, 0, 3]);
    });

    test('lets no resource keep the others waiting', async () => {
      await using at = await start();
      for (let count = 0; count < 4; count += 1) {
        await insert(at.store, { resource: FORMS.name });
        at.clock.advance(1000);
      }
      await insert(at.store, { resource: OTHERS.name });
      const gate = new Gate();
      await using _ = work(at.queue, { concurrency: 2, handle: (job) => gate.pass(job) });
      await until(() => gate.waiting.length === 2);
      expect(new Set(gate.waiting.map((job) => job.resource))).toEqual(new Set([FORMS.name, OTHERS.name]));
      gate.open();
    });

    test('takes only the kinds it was asked to', async () => {
      await using at = await start();
      await insert(at.store, { kind: 'train' });
      const copy = await insert(at.store, { kind: 'copy' });
      const runs = recorder();
      await using _ = work(at.queue, { kinds: ['copy'], concurrency: 5, handle: runs.handle });
      await until(() => runs.jobs.length === 1);
      expect(runs.jobs[0]?.operationId).toBe(copy);
      expect(await at.queue.depth()).toMatchObject({ waiting: 1 });
    });

    test('says how long the longest waiting job has waited', async () => {
      await using at = await start();
      expect(await at.queue.depth()).toEqual({ waiting: 0, running: 0, oldestOn: undefined });
      const since = at.clock.now();
      await insert(at.store);
      at.clock.advance(5000);
      await insert(at.store);
      expect(await at.queue.depth()).toEqual({ waiting: 2, running: 0, oldestOn: since });
    });

    test('runs a job again after the delay it asked for, and no earlier', async () => {
      await using at = await start();
      const id = await insert(at.store);
      const attempts: number[] = [];
      const others = recorder();
      await using _ = work(at.queue, {
        handle: async (job) => {
          if (job.operationId !== id) return await others.handle(job);
          attempts.push(job.attempt);
          if (job.attempt === 1) throw new RetryJob('later', { delayMilliseconds: 30_000 });
        },
      });
      await until(async () => attempts.length === 1 && (await at.queue.depth()).waiting === 1);
      at.clock.advance(29_999);
      // Younger, and yet it runs: the first one was looked at and left alone.
      await insert(at.store);
      at.queue.wake();
      await until(() => others.jobs.length === 1);
      expect(attempts).toEqual([1]);
      at.clock.advance(1);
      at.queue.wake();
      await until(() => attempts.length === 2);
      expect(attempts).toEqual([1, 2]);
    });

    test('gives a job up after three failed attempts, with the last error', async () => {
      await using at = await start();
      const id = await insert(at.store);
      const attempts: number[] = [];
      const given: [Job, Error][] = [];
      await using _ = work(at.queue, {
        handle: async ({ attempt }) => {
          attempts.push(attempt);
          throw new Error(`failure ${attempt}`);
        },
        exhausted: async (job, error) => void given.push([job, error]),
      });
      await until(async () => {
        at.clock.advance(10_000);
        at.queue.wake();
        return given.length === 1 && (await isEmpty(at.queue));
      });
      expect(attempts).toEqual([1, 2, 3]);
      expect(given[0]?.[0].operationId).toBe(id);
      expect(given[0]?.[1].message).toBe('failure 3');
    });

    test('tries without end what does not count as an attempt', async () => {
      await using at = await start();
      await insert(at.store);
      const attempts: number[] = [];
      await using _ = work(at.queue, {
        handle: async ({ attempt }) => {
          attempts.push(attempt);
          if (attempts.length < 40) {
            at.queue.wake();
            throw new RetryJob('not there yet', { delayMilliseconds: 0, countsAsAttempt: false });
          }
        },
      });
      await until(() => isEmpty(at.queue));
      expect(attempts).toEqual(Array.from({ length: 40 }, () => 1));
    });

    test('gives up again what could not be given up', async () => {
      await using at = await start();
      await insert(at.store);
      const errors: string[] = [];
      const given: string[] = [];
      let runs = 0;
      await using _ = work(at.queue, {
        handle: async () => {
          runs += 1;
          throw new Error('broken');
        },
        exhausted: async (_job, error) => {
          given.push(error.message);
          if (given.length < 3) throw new Error('the outcome could not be stored');
        },
        onError: (error) => void errors.push(error.message),
      });
      await until(async () => {
        at.clock.advance(10_000);
        at.queue.wake();
        return given.length === 3 && (await isEmpty(at.queue));
      });
      expect(runs).toBe(3);
      expect(given).toEqual(['broken', 'broken', 'broken']);
      expect(errors).toEqual(['the outcome could not be stored', 'the outcome could not be stored']);
    });

    test('keeps the lease of a job that takes long', async () => {
      await using at = await start();
      await using second = await at.under.again();
      await insert(at.store);
      const gate = new Gate();
      await using _ = work(at.queue, { worker: 'first', handle: (job) => gate.pass(job) });
      await until(() => gate.waiting.length === 1);
      await using __ = work(second.queue, { worker: 'second', handle: (job) => gate.pass(job) });
      for (let count = 0; count < 6; count += 1) {
        at.clock.advance(LEASE_MILLISECONDS - 10);
        // Several renewals long, by the same timers that renew.
        await sleep(LEASE_MILLISECONDS * 2);
      }
      expect(gate.waiting).toHaveLength(1);
      gate.open();
      await until(() => isEmpty(at.queue));
      expect(gate.passed).toBe(1);
    });

    test('runs the jobs of a dead worker again, and tells a worker that was taken for dead to stop', async () => {
      await using at = await start();
      await using second = await at.under.again();
      await insert(at.store);
      const lost = Promise.withResolvers<void>();
      await using _ = work(at.queue, {
        worker: 'first',
        handle: async ({ attempt }, signal) => {
          if (attempt > 1) return;
          await aborted(signal);
          lost.resolve();
          throw new Error('too late to matter');
        },
      });
      await until(async () => (await at.queue.depth()).running === 1);
      expect(await second.queue.abandon('nobody')).toBe(0);

      const gate = new Gate();
      await using __ = work(second.queue, { worker: 'second', handle: (job) => gate.pass(job) });
      // Whoever is first takes it; so that it is not the same worker again, that one is full.
      expect(await second.queue.abandon('first')).toBe(1);
      await until(() => gate.waiting.length === 1);
      expect(gate.waiting[0]?.attempt).toBe(2);
      await lost.promise;
      gate.open();
      await until(() => isEmpty(at.queue));
      expect(gate.passed).toBe(1);
    });

    test('gives up a job whose workers die three times', async () => {
      await using at = await start();
      await insert(at.store);
      const runs = new CutShort();
      let given = 0;
      await using _ = work(at.queue, {
        worker: 'mortal',
        handle: (job, signal) => runs.run(job, signal),
        exhausted: async () => {
          expect(runs.running).toBe(0);
          given += 1;
        },
      });
      for (const attempt of [1, 2, 3]) {
        await until(() => runs.attempts.length === attempt);
        expect(await at.queue.abandon('mortal')).toBe(1);
      }
      await until(() => isEmpty(at.queue));
      expect(runs.attempts).toEqual([1, 2, 3]);
      expect(given).toBe(1);
    });

    test('does not count runs that the end of the whole region cut short', async () => {
      await using at = await start();
      await insert(at.store);
      const runs = new CutShort();
      await using _ = work(at.queue, { handle: (job, signal) => runs.run(job, signal) });
      for (const run of [1, 2, 3, 4, 5]) {
        await until(() => runs.attempts.length === run);
        expect(await at.queue.recover()).toBe(1);
      }
      await until(() => runs.attempts.length === 6);
      expect(runs.attempts).toEqual([1, 1, 1, 1, 1, 1]);
    });

    test('gives up a job that brings the whole region down again and again', async () => {
      await using at = await start();
      await insert(at.store);
      const runs = new CutShort();
      const given: string[] = [];
      await using _ = work(at.queue, {
        handle: (job, signal) => runs.run(job, signal),
        exhausted: async (_job, error) => void given.push(error.message),
      });
      for (let ends = 1; ends <= 20; ends += 1) {
        await until(() => runs.attempts.length === ends);
        await at.queue.recover();
      }
      await until(() => isEmpty(at.queue));
      expect(runs.attempts).toHaveLength(20);
      expect(given).toHaveLength(1);
    });

    test('lets running jobs end when it drains, and takes no new ones', async () => {
      await using at = await start();
      await insert(at.store);
      const gate = new Gate();
      await using working = work(at.queue, { handle: (job) => gate.pass(job) });
      await until(() => gate.waiting.length === 1);
      await insert(at.store);
      const drained = working.drain(60_000);
      at.queue.wake();
      gate.open();
      await drained;
      expect(gate.passed).toBe(1);
      expect(await at.queue.depth()).toMatchObject({ waiting: 1, running: 0 });
    });

    test('cuts off what takes longer than its patience, and lets it run again without counting', async () => {
      await using at = await start();
      await insert(at.store);
      const cutOff = Promise.withResolvers<void>();
      const working = work(at.queue, {
        handle: async (_job, signal) => {
          await aborted(signal);
          cutOff.resolve();
          throw new Error('cut off');
        },
      });
      await until(async () => (await at.queue.depth()).running === 1);
      await working.drain(10);
      await cutOff.promise;
      expect(await at.queue.depth()).toMatchObject({ waiting: 1, running: 0 });
      const runs = recorder();
      await using _ = work(at.queue, { handle: runs.handle });
      await until(() => runs.jobs.length === 1);
      expect(runs.jobs[0]?.attempt).toBe(1);
    });

    test('runs every job once when several workers share it', async () => {
      await using at = await start();
      await using second = await at.under.again();
      const ids: OperationId[] = [];
      for (let count = 0; count < 60; count += 1) ids.push(await insert(at.store));
      const runs = recorder();
      const handle = async (job: Job): Promise<void> => {
        await runs.handle(job);
        await sleep(1);
      };
      await using _ = work(at.queue, { worker: 'first', concurrency: 4, handle });
      await using __ = work(second.queue, { worker: 'second', concurrency: 4, handle });
      await until(() => isEmpty(at.queue));
      expect(runs.jobs).toHaveLength(ids.length);
      expect(new Set(runs.jobs.map((job) => job.operationId))).toEqual(new Set(ids));
    });
  });
}

/** Stands still unless told otherwise. */
export class TestClock implements Clock {
  #now = later(0).getTime();

  now(): Date {
    return new Date(this.#now);
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** Where jobs wait until the test lets them pass. */
class Gate {
  readonly waiting: Job[] = [];
  passed = 0;
  most = 0;
  readonly #opened = Promise.withResolvers<void>();

  async pass(job: Job): Promise<void> {
    this.waiting.push(job);
    this.most = Math.max(this.most, this.waiting.length);
    await this.#opened.promise;
    this.waiting.splice(this.waiting.indexOf(job), 1);
    this.passed += 1;
  }

  open(): void {
    this.#opened.resolve();
  }
}

/** Runs that end only when they are told to. */
class CutShort {
  readonly attempts: number[] = [];
  running = 0;

  async run(job: Job, signal: AbortSignal): Promise<void> {
    this.attempts.push(job.attempt);
    this.running += 1;
    await aborted(signal);
    this.running -= 1;
  }
}

function recorder() {
  const jobs: Job[] = [];
  return {
    jobs,
    handle: async (job: Job): Promise<void> => {
      jobs.push(job);
    },
  };
}

/** Fails the test for every error it does not expect. */
function work(queue: Queue, options: Partial<WorkOptions> & Pick<WorkOptions, 'handle'>): Working {
  const unexpected: unknown[] = [];
  onTestFinished(() => expect(unexpected).toEqual([]));
  return queue.work({
    kinds: ['analyze', 'copy', 'train'],
    concurrency: 1,
    worker: 'worker',
    exhausted: async (_job, error) => void unexpected.push(error),
    onError: (error) => void unexpected.push(error),
    ...options,
  });
}

async function insert(
  store: Store,
  job: { readonly kind?: JobKind; readonly resource?: string } = {},
): Promise<OperationId> {
  const { kind = 'analyze', resource = FORMS.name } = job;
  const operation: Operation = sampleOperation({ kind, resource });
  await store.accept({ operation, job: { operationId: operation.id, kind, resource } });
  return operation.id;
}

async function isEmpty(queue: Queue): Promise<boolean> {
  const { waiting, running } = await queue.depth();
  return waiting + running === 0;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await isSo())) throw new Error('not yet');
    },
    { timeout: 20_000, interval: 5 },
  );
}
