/** So many a second, and as many at once. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #capacity: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  constructor(options: { readonly perSecond: number; readonly capacity?: number; now(): number }) {
    this.#perSecond = options.perSecond;
    this.#capacity = options.capacity ?? Math.max(1, options.perSecond);
    this.#now = () => options.now();
    this.#tokens = this.#capacity;
    this.#at = this.#now();
  }

  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** From outside: a retry budget earns by requests instead of by time. */
  add(tokens: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + tokens);
  }

  /** Until the next one is there. */
  get secondsToWait(): number {
    this.#fill();
    return this.#perSecond <= 0 ? 1 : Math.max(0, (1 - this.#tokens) / this.#perSecond);
  }

  #fill(): void {
    const now = this.#now();
    this.add((Math.max(0, now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
  }
}
