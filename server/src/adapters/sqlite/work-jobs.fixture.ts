import { setTimeout as sleep } from 'node:timers/promises';
import { parseRegion } from '@formhaven/contract';
import { openSqliteStore } from './open-sqlite-store.ts';

// Works on jobs until it is killed and tells each run's start and end. `pace` is how long a run takes; `forever` never ends.

export interface RunMessage {
  readonly event: 'started' | 'ended' | 'error';
  readonly id: string;
  readonly attempt: number;
}

const [file = '', worker = '', pace = '', lease = ''] = process.argv.slice(2);
const region = parseRegion('westus2');
if (region === undefined) throw new TypeError('no region');
const { store, queue } = await openSqliteStore({
  file,
  region,
  clock: { now: () => new Date() },
  limits: { leaseMilliseconds: Number(lease) },
});
const tell = (message: RunMessage): void => void process.send?.(message);

queue.work({
  kinds: ['analyze', 'copy', 'train'],
  concurrency: 3,
  worker,
  async handle(job, signal) {
    const run = { id: job.operationId, attempt: job.attempt };
    tell({ event: 'started', ...run });
    await sleep(pace === 'forever' ? 3_600_000 : Number(pace), undefined, { signal });
    await store.finishOperation({ id: job.operationId, state: { status: 'succeeded' }, now: new Date() });
    tell({ event: 'ended', ...run });
  },
  async exhausted(job, error) {
    tell({ event: 'error', id: `given up: ${error.message}`, attempt: job.attempt });
  },
  onError(error) {
    tell({ event: 'error', id: error.stack ?? error.message, attempt: 0 });
  },
});
