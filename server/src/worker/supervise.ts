import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Queue } from '../ports/queue.ts';
import { type ParentMessage, parseWorkerMessage } from './messages.ts';

// The worker is in one of these states: starting → up → gone → (after a pause) starting again. When the region ends:
// draining → gone for good.

const FIRST_PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 5000;
/** A worker that lived this long was sound: the next pause is short again. */
const SOUND_MILLISECONDS = 30_000;
const DRAIN_MILLISECONDS = 25_000;

export interface SupervisedWorker {
  wake(): void;
  isUp(): boolean;
  /** For whoever waits for the first worker. */
  readonly firstReady: Promise<void>;
  /** Lets running jobs end, then ends the worker. Jobs cut off run again at the next start. */
  drain(): Promise<void>;
}

export function superviseWorker(options: {
  readonly log: Logger;
  readonly queue: Pick<Queue, 'abandon'>;
  readonly env: NodeJS.ProcessEnv;
}): SupervisedWorker {
  const { log, queue, env } = options;
  let child: ChildProcess | undefined;
  let isUp = false;
  let isEnding = false;
  let pause = FIRST_PAUSE_MILLISECONDS;
  let restart: NodeJS.Timeout | undefined;
  const first = Promise.withResolvers<void>();

  const tell = (message: ParentMessage): void => {
    if (child?.connected === true) child.send(message, () => {});
  };

  const start = (): void => {
    const name = `worker-${process.pid}-${randomUUID()}`;
    const startedAt = performance.now();
    const started = fork(new URL('./process.js', import.meta.url), [name], {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child = started;
    started.on('message', (message: unknown) => {
      if (parseWorkerMessage(message) !== 'ready') return;
      isUp = true;
      first.resolve();
    });
    started.on('error', (error) => log.error({ event: 'worker-error', err: error }));
    started.on('exit', (code, signal) => {
      isUp = false;
      if (isEnding) return;
      if (performance.now() - startedAt > SOUND_MILLISECONDS) pause = FIRST_PAUSE_MILLISECONDS;
      log.error({ event: 'worker-died', code, signal, restartInMilliseconds: pause });
      queue.abandon(name).then(
        (jobs) => {
          if (jobs > 0) log.warn({ event: 'jobs-abandoned', jobs });
        },
        (error: unknown) => log.error({ event: 'abandon-failed', err: error }),
      );
      restart = setTimeout(start, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS);
    });
  };
  start();

  return {
    wake: () => tell('wake'),
    isUp: () => isUp,
    firstReady: first.promise,
    async drain() {
      isEnding = true;
      clearTimeout(restart);
      const ending = child;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
      tell('drain');
      const timer = setTimeout(() => ending.kill('SIGKILL'), DRAIN_MILLISECONDS);
      await gone;
      clearTimeout(timer);
    },
  };
}
