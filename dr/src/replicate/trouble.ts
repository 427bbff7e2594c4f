import type { Trouble } from '../state/state.ts';

const FIRST_MILLISECONDS = 1000;
const LONGEST_MILLISECONDS = 5 * 60_000;

/** The next attempt waits twice as long as the one before. */
export function nextTrouble(before: Trouble | undefined, error: string, now: number): Trouble {
  const attempts = (before?.attempts ?? 0) + 1;
  const wait = Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (attempts - 1));
  return { error: error.slice(0, 500), attempts, retryOn: now + wait };
}
