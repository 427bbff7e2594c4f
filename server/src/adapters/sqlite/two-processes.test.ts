import { join } from 'node:path';
import { type OperationId, parseOperationId } from '@formhaven/contract';
import { expect, test, vi } from 'vitest';
import type { Job } from '../../ports/queue.ts';
import { acceptAnalysis, FORMS } from '../../ports/store.suite.ts';
import { startChild } from '../child.fixture.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { openSqliteStore, type SqliteStore } from './open-sqlite-store.ts';
import { WESTUS2 } from './region.fixture.ts';
import type { RunMessage } from './work-jobs.fixture.ts';

const ACCEPT_OPERATIONS = new URL('./accept-operations.fixture.ts', import.meta.url);
const WORK_JOBS = new URL('./work-jobs.fixture.ts', import.meta.url);

test('loses nothing that was acknowledged when processes that write together are killed', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  const acknowledged: OperationId[] = [];
  for (const count of [1, 40, 100]) {
    await using db = await open(file);
    await db.store.putResource(FORMS);
    await using first = startChild<string>(ACCEPT_OPERATIONS, file);
    await using second = startChild<string>(ACCEPT_OPERATIONS, file);
    await Promise.all([first.sent(count), second.sent(count)]);
    await Promise.all([first.kill(), second.kill()]);
    for (const text of [...first.messages, ...second.messages]) {
      const id = parseOperationId(text);
      if (id !== undefined) acknowledged.push(id);
    }
  }
  await using db = await open(file);
  expect(acknowledged.length).toBeGreaterThanOrEqual(282);
  expect(await db.store.knownOperations(acknowledged)).toEqual(new Set(acknowledged));
  expect((await db.queue.depth()).waiting).toBeGreaterThanOrEqual(acknowledged.length);
});

test('several processes may make the database together', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'new', 'region.db');
  const jobs = [1, 2, 3].map((index) => startChild<RunMessage>(WORK_JOBS, file, `worker ${index}`, '0', '10000'));
  await using db = await open(file);
  await db.store.putResource(FORMS);
  const { id } = await acceptAnalysis(db.store);
  await vi.waitUntil(async () => (await db.store.findOperation(id))?.state.status === 'succeeded', {
    timeout: 30_000,
  });
  for (const job of jobs) await job.kill();
  expect(jobs.flatMap((job) => job.messages).filter(({ event }) => event === 'error')).toEqual([]);
});

test('runs every job once when two processes work on one queue', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await using db = await open(file);
  await db.store.putResource(FORMS);
  const ids: string[] = [];
  for (let count = 0; count < 150; count += 1) ids.push((await acceptAnalysis(db.store)).id);
  await using first = startChild<RunMessage>(WORK_JOBS, file, 'first', '2', '10000');
  await using second = startChild<RunMessage>(WORK_JOBS, file, 'second', '2', '10000');
  await untilEmpty(db);
  await Promise.all([first.sent(1), second.sent(1)]).catch(() => {});
  const messages = [...first.messages, ...second.messages];
  const started = messages.filter(({ event }) => event === 'started');
  expect(messages.filter(({ event }) => event === 'error')).toEqual([]);
  expect(started).toHaveLength(ids.length);
  expect(new Set(started.map(({ id }) => id))).toEqual(new Set(ids));
});

test('runs the jobs of a killed worker again at once, as second attempts', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await using db = await open(file);
  await db.store.putResource(FORMS);
  const { id } = await acceptAnalysis(db.store);
  await using killed = startChild<RunMessage>(WORK_JOBS, file, 'killed', 'forever', '3600000');
  await killed.sent(1);
  await killed.kill();
  expect(await db.queue.depth()).toMatchObject({ waiting: 0, running: 1 });

  expect(await db.queue.abandon('killed')).toBe(1);
  await using successor = startChild<RunMessage>(WORK_JOBS, file, 'successor', '0', '3600000');
  await untilEmpty(db);
  await successor.sent(2);
  expect(successor.messages).toEqual([
    { event: 'started', id, attempt: 2 },
    { event: 'ended', id, attempt: 2 },
  ]);
});

test('runs the jobs of a worker nobody knows to be dead when its leases have run out', async () => {
  await using folder = await freshFolder();
  const file = join(folder.path, 'region.db');
  await using db = await open(file);
  await db.store.putResource(FORMS);
  const { id } = await acceptAnalysis(db.store);
  await using killed = startChild<RunMessage>(WORK_JOBS, file, 'killed', 'forever', '1000');
  await killed.sent(1);
  await killed.kill();

  const runs: Job[] = [];
  await using _ = db.queue.work({
    kinds: ['analyze'],
    concurrency: 1,
    worker: 'survivor',
    handle: async (job) => void runs.push(job),
    exhausted: async () => {},
    onError: (error) => expect.unreachable(error.message),
  });
  await untilEmpty(db);
  expect(runs).toMatchObject([{ operationId: id, attempt: 2 }]);
});

function open(file: string): Promise<SqliteStore> {
  return openSqliteStore({ file, region: WESTUS2, clock: { now: () => new Date() } });
}

async function untilEmpty(db: SqliteStore): Promise<void> {
  await vi.waitUntil(
    async () => {
      const { waiting, running } = await db.queue.depth();
      return waiting + running === 0;
    },
    { timeout: 30_000, interval: 20 },
  );
}
