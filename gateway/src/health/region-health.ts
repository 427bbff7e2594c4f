import { setTimeout as sleep } from 'node:timers/promises';
import { v2 } from '@formhaven/contract';
import type { CallOutcome, RegionLink } from '../region-link.ts';
import type { AnalysisTarget } from '../routed-request.ts';
import {
  type BreakerEvent,
  type BreakerLimits,
  type BreakerState,
  closedBreaker,
  nextBreakerState,
  takesWork,
} from './breaker.ts';
import { type CanaryOutcome, runCanary } from './canary.ts';

export interface HealthTimings {
  readonly probeEveryMilliseconds: number;
  readonly probeDeadlineMilliseconds: number;
  readonly canaryEveryMilliseconds: number;
  /** A canary that takes longer makes a region slow, and keeps one that is coming back out. */
  readonly canaryDeadlineMilliseconds: number;
  /** If neither the canary nor any other analysis finishes for this long, the region is grey. */
  readonly canaryPatienceMilliseconds: number;
  readonly canaryTarget: AnalysisTarget;
  readonly canaryVersion: v2.V2Version;
  readonly breaker: BreakerLimits;
}

export interface HealthParts {
  readonly link: RegionLink;
  readonly timings: HealthTimings;
  now(): number;
  random(): number;
  /** After every change of the state's name or reason. */
  changed(before: BreakerState, after: BreakerState): void;
  canaryEnded(outcome: CanaryOutcome): void;
}

/** What is known of one region: the breaker's state, fed by a probe, a canary analysis and everything clients' calls tell. */
export class RegionHealth implements AsyncDisposable {
  readonly #parts: HealthParts;
  readonly #ending = new AbortController();
  #state: BreakerState;
  #lastFinishedAt = Number.NEGATIVE_INFINITY;
  #lastCanary: CanaryOutcome | undefined;
  #loops: readonly Promise<void>[] = [];
  #out = new AbortController();

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#state = closedBreaker(parts.now());
  }

  get state(): BreakerState {
    return this.#state;
  }

  get takesWork(): boolean {
    return takesWork(this.#state);
  }

  /** Aborted when the region is taken out of use: whoever waits for it then need not wait for a deadline. */
  get out(): AbortSignal {
    return this.#out.signal;
  }

  get lastCanary(): CanaryOutcome | undefined {
    return this.#lastCanary;
  }

  start(): void {
    this.#loops = [this.#probe(), this.#sendCanaries()];
  }

  /** What a client's call met. */
  report(outcome: CallOutcome): void {
    this.#learn(outcome, true);
  }

  /** An analysis that a client sent has ended there. */
  finished(): void {
    this.#lastFinishedAt = this.#parts.now();
  }

  isolate(reason: string): void {
    if (this.#state.status !== 'isolated') this.#apply({ kind: 'isolate', reason });
  }

  release(): void {
    this.#apply({ kind: 'release' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#loops);
  }

  async #probe(): Promise<void> {
    const { timings, link } = this.#parts;
    const { signal } = this.#ending;
    const path = `${v2.basePath(timings.canaryVersion)}/custom/models?op=summary`;
    await this.#forever(async () => {
      // Spread a little, so that several gateways do not knock in step; never longer than asked for.
      // After a probe that had no answer in time the next one follows at once: its deadline was pause enough.
      const isSilent = this.#state.status === 'closed' && this.#state.silent > this.#state.broken;
      await this.#pause(timings.probeEveryMilliseconds * (isSilent ? 0.1 : 0.8 + 0.2 * this.#parts.random()));
      this.#apply({ kind: 'tick' });
      if (this.#state.status !== 'closed') return;
      const outcome = await link.call({
        method: 'GET',
        path,
        timeoutMilliseconds: timings.probeDeadlineMilliseconds,
        signal,
      });
      if (outcome.kind === 'answered' || outcome.kind === 'throttled') await outcome.answer.body.dump();
      this.#learn(outcome, false);
    });
  }

  async #sendCanaries(): Promise<void> {
    await this.#forever(async () => {
      const isComingBack = this.#state.status === 'halfOpen';
      // While a region is out, the tick alone decides when it may show itself.
      await this.#pause(isComingBack || this.#state.status === 'open' ? 50 : this.#canaryPause());
      if (this.#state.status === 'open' || this.#state.status === 'isolated') return;
      await this.#sendCanary();
    });
  }

  #canaryPause(): number {
    const { timings, random } = this.#parts;
    return timings.canaryEveryMilliseconds * (0.8 + 0.2 * random());
  }

  async #sendCanary(): Promise<void> {
    const { timings, link, now } = this.#parts;
    const begunAt = now();
    const isComingBack = this.#state.status === 'halfOpen';
    const outcome = await runCanary(link, {
      target: timings.canaryTarget,
      version: timings.canaryVersion,
      patienceMilliseconds: isComingBack ? timings.canaryDeadlineMilliseconds : timings.canaryPatienceMilliseconds,
      callMilliseconds: timings.canaryDeadlineMilliseconds,
      signal: this.#ending.signal,
      now,
    });
    this.#lastCanary = outcome;
    this.#parts.canaryEnded(outcome);
    switch (outcome.kind) {
      case 'finished':
        this.finished();
        this.#apply({
          kind: 'canary',
          outcome: outcome.milliseconds <= timings.canaryDeadlineMilliseconds ? 'inTime' : 'late',
        });
        return;
      case 'unfinished':
        // Others get through, so the region works; it is only slow.
        if (this.#lastFinishedAt >= begunAt) this.#apply({ kind: 'canary', outcome: 'late' });
        else this.#apply({ kind: 'nothingFinishes' });
        return;
      case 'throttled':
        this.#apply({ kind: 'alive' });
        return;
      case 'failed':
        if (outcome.call !== undefined && outcome.call.kind !== 'answered') this.#learn(outcome.call, true);
        else this.#apply({ kind: 'canary', outcome: 'failed' });
        return;
      default:
        throw new TypeError(`no such outcome: ${JSON.stringify(outcome satisfies never)}`);
    }
  }

  #learn(outcome: CallOutcome, isWork: boolean): void {
    switch (outcome.kind) {
      case 'answered':
      case 'throttled':
        this.#apply(isWork ? { kind: 'worked', isError: false } : { kind: 'alive' });
        return;
      case 'serverError':
        this.#apply({ kind: 'worked', isError: true });
        return;
      case 'unauthorized':
        this.#apply({ kind: 'unauthorized' });
        return;
      case 'unreachable':
        this.#apply({ kind: 'noAnswer', isTimeout: outcome.reason === 'UND_ERR_CONNECT_TIMEOUT' });
        return;
      case 'noAnswer':
        this.#apply({ kind: 'noAnswer', isTimeout: outcome.isTimeout });
        return;
      default:
        throw new TypeError(`no such outcome: ${JSON.stringify(outcome satisfies never)}`);
    }
  }

  #apply(event: BreakerEvent): void {
    const before = this.#state;
    const { now, random, timings } = this.#parts;
    const after = nextBreakerState(before, event, { now: now(), limits: timings.breaker, random });
    if (after === before) return;
    this.#state = after;
    if (takesWork(after) && this.#out.signal.aborted) this.#out = new AbortController();
    if (!takesWork(after)) this.#out.abort();
    if (nameOf(before) !== nameOf(after)) this.#parts.changed(before, after);
  }

  async #forever(round: () => Promise<void>): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await round();
      } catch (error) {
        if (signal.aborted) return;
        // Not of the region: a mistake of ours must not stop its watch, nor spin.
        this.#parts.canaryEnded({
          kind: 'failed',
          reason: error instanceof Error ? error.name : 'unknown',
          call: undefined,
        });
        await this.#pause(1000).catch(() => undefined);
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return sleep(milliseconds, undefined, { signal: this.#ending.signal, ref: false });
  }
}

/** What people call the state. */
export function nameOf(state: BreakerState): string {
  switch (state.status) {
    case 'closed':
      return state.pace === 'slow' ? 'slow' : 'healthy';
    case 'open':
      return state.reason;
    case 'halfOpen':
      return 'returning';
    case 'isolated':
      return 'isolated';
    default:
      throw new TypeError(`no such state: ${JSON.stringify(state satisfies never)}`);
  }
}
