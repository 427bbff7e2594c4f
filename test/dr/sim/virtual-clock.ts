import type { Clock } from '@formhaven/dr';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly owner: string;
  readonly fire: () => void;
}

/**
 * Time that passes only when nothing is left to do at this moment, so that hours take milliseconds and every run of a seed is the
 * same. Timers have an owner; killing an owner drops them, and whatever waited for them never goes on, as after SIGKILL.
 */
export class VirtualClock {
  #now: number;
  #order = 0;
  #timers: Timer[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** The clock of one process. */
  of(owner: string): Clock {
    return { now: () => this.#now, sleep: (milliseconds, signal) => this.#sleep(owner, milliseconds, signal) };
  }

  at(owner: string, milliseconds: number, fire: () => void): void {
    this.#add({ at: this.#now + Math.ceil(Math.max(0, milliseconds)), order: this.#order++, owner, fire });
  }

  kill(owner: string): void {
    this.#timers = this.#timers.filter((timer) => timer.owner !== owner);
  }

  /** Until that time, or until `isDone` says so. */
  async run(until: number, isDone: () => boolean = () => false): Promise<void> {
    for (;;) {
      await settled();
      if (isDone()) return;
      const next = this.#timers[0];
      if (next === undefined || next.at > until) {
        this.#now = Math.max(this.#now, until);
        return;
      }
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
  }

  #sleep(owner: string, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const timer: Timer = {
        at: this.#now + Math.ceil(Math.max(0, milliseconds)),
        order: this.#order++,
        owner,
        fire: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        const index = this.#timers.indexOf(timer);
        if (index === -1) return;
        this.#timers.splice(index, 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#add(timer);
    });
  }

  #add(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && (other.at < timer.at || (other.at === timer.at && other.order < timer.order))) {
        low = middle + 1;
      } else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }
}

/** Every promise that can go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
