import { v2 } from '@formhaven/contract';

/** Requests that are counted together, as the service counts them. */
export type RateGroup = 'analyze' | 'get' | 'list' | 'management';
export const RATE_GROUPS = ['analyze', 'get', 'list', 'management'] as const satisfies readonly RateGroup[];
/** Requests a second; groups that are absent have no limit. */
export type Rates = Readonly<Partial<Record<RateGroup, number>>>;

// A token bucket for each resource and group: it holds a second's worth of requests, at least one, and fills at the rate.

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class RateLimits {
  readonly #rates: Rates;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rates: Rates) {
    this.#rates = rates;
  }

  /** @throws ServiceError 429 with when there is room again */
  require(request: {
    readonly resource: string;
    readonly group: RateGroup;
    readonly operation: string;
    readonly version: v2.V2Version;
  }): void {
    const rate = this.#rates[request.group];
    if (rate === undefined) return;
    const capacity = Math.max(1, rate);
    const now = performance.now();
    const key = `${request.group} ${request.resource}`;
    const bucket = this.#buckets.get(key) ?? { tokens: capacity, filledAt: now };
    this.#buckets.set(key, bucket);
    bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.filledAt) / 1000) * rate);
    bucket.filledAt = now;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return;
    }
    const { operation, version } = request;
    throw v2.tooManyRequests({ operation, version, retryAfterSeconds: Math.ceil((1 - bucket.tokens) / rate) });
  }
}
