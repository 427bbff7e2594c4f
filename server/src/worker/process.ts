import { setTimeout as delay } from 'node:timers/promises';
import { composeWorker } from '../compose.ts';
import { regionConfig } from '../config.ts';
import { giveUp, runOperation } from '../operations/run.ts';
import { type Job, RetryJob, type WorkOptions } from '../ports/queue.ts';
import { parseParentMessage } from './messages.ts';

// The worker of a region: recognition can crash or run away, so it never runs in the process that answers clients. It takes
// jobs from the queue and stores their outcomes; the API process starts it, wakes it, and starts it again when it dies.

// A document is read in seconds; a training may take longer and then simply runs again elsewhere.
const DRAIN_MILLISECONDS = 20_000;
/** How soon a job that is run again looks whether it is its turn. */
const TURN_MILLISECONDS = 250;
/** Copies wait on the network, not on the processor. */
const COPIES_AT_ONCE = 4;

const worker = process.argv[2];
if (worker === undefined || process.send === undefined) {
  console.error('The worker is started by `formhaven serve`.');
  process.exit(2);
}

const config = regionConfig(process.env);
const parts = await composeWorker(config);
const { queue, run, log } = parts;

let isTryingAgain = false;
/**
 * A job that is run again may be what brought the last worker down. Such jobs run one at a time, beside new ones only: whatever
 * was cut short together with a deadly document comes through without it.
 */
async function handle(job: Job, signal: AbortSignal): Promise<void> {
  if (job.attempt === 1) {
    await runOperation(job, run, signal);
    return;
  }
  if (isTryingAgain) {
    throw new RetryJob('another job is being tried again', {
      delayMilliseconds: TURN_MILLISECONDS,
      countsAsAttempt: false,
    });
  }
  isTryingAgain = true;
  try {
    await runOperation(job, run, signal);
  } finally {
    isTryingAgain = false;
  }
}

const common: Pick<WorkOptions, 'worker' | 'handle' | 'exhausted' | 'onError'> = {
  worker,
  handle,
  exhausted: (job, error) => giveUp(job, error, run),
  onError: (error) => log.error({ event: 'queue-error', err: error }),
};
const working = [
  queue.work({ ...common, kinds: ['analyze'], concurrency: config.threads }),
  // One training at a time: analyses never wait for a thread behind several.
  queue.work({ ...common, kinds: ['train'], concurrency: 1 }),
  queue.work({ ...common, kinds: ['copy'], concurrency: COPIES_AT_ONCE }),
];

let isEnding = false;
async function end(patienceMilliseconds: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await Promise.all(working.map((work) => work.drain(patienceMilliseconds)));
  await parts[Symbol.asyncDispose]();
  // The pool's native libraries may keep handles; nothing of ours is left to do.
  process.exit(0);
}

process.on('message', (message: unknown) => {
  switch (parseParentMessage(message)) {
    case 'wake':
      queue.wake();
      break;
    case 'drain':
      void end(DRAIN_MILLISECONDS);
      break;
    case undefined:
      log.warn({ event: 'unknown-message' });
  }
});
// The API process is gone, perhaps killed: its successor starts a worker of its own.
process.on('disconnect', () => process.exit(0));
// The terminal's Ctrl-C reaches the whole group; the API process decides the order of the end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

process.send('ready');
log.info({ event: 'worker-ready', worker, threads: config.threads });
// A worker without its parent's messages would live for ever on its timers.
if (!process.connected) {
  await delay(0);
  process.exit(0);
}
