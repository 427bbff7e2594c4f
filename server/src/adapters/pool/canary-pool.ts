import { Piscina } from 'piscina';
import type { Canaries } from '../../ports/canaries.ts';
import type { CanaryTask } from './canary-task.ts';

type Answer = Awaited<ReturnType<Canaries['run']>>;

// Extraction of a sample takes milliseconds; a model that needs this long is broken.
const LIMIT_MILLISECONDS = 60_000;
const MAX_HEAP_MEGABYTES = 512;

/** One thread, started by the first run and ended when it has been idle for a while. */
export function createCanaryPool(): Canaries {
  const pool = new Piscina<CanaryTask, Answer>({
    filename: new URL('./canary-task.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MEGABYTES },
  });
  return {
    run: (set, samples, signal) =>
      pool.run({ set, samples }, { signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MILLISECONDS)]) }),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}
