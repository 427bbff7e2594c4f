import type { Clock } from '../clock.ts';

/**
 * Lets through `rate` takes a second, and as many at once. Takes are served in order. A pause, such as a Retry-After, holds
 * everyone.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #burst: number;
  /** When the bucket will have been empty last: a take moves it by 1 / rate. */
  #emptyAt: number;
  #pausedUntil = 0;

  constructor(rate: number, clock: Clock) {
    this.#clock = clock;
    this.#rate = rate;
    this.#burst = Math.max(1, rate);
    this.#emptyAt = clock.now() - (this.#burst / rate) * 1000;
  }

  async take(signal?: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const fullAt = now - (this.#burst / this.#rate) * 1000;
    this.#emptyAt = Math.max(this.#emptyAt, fullAt) + 1000 / this.#rate;
    const wait = Math.max(this.#emptyAt, this.#pausedUntil) - now;
    if (wait > 0) await this.#clock.sleep(wait, signal);
    else signal?.throwIfAborted();
  }

  pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + milliseconds);
  }
}
