import type { Policy } from '../config/config.ts';
import type { PairStatus } from '../status/assess.ts';
import { assessPair } from '../status/assess-pair.ts';
import { trackObjective } from '../status/objectives.ts';
import { reasonOf } from './look.ts';
import { PairRunner, type Round } from './pair-runner.ts';
import type { Pair, ReplicationParts } from './parts.ts';

// Every policy and every one of its targets, once or for as long as somebody watches.

/** A model is tried this often by a single run; the next run tries again. */
const TRIES_A_RUN = 3;
/** A change feed is asked anew after this long at most, so that the standby is looked at too. */
const LONGEST_WAIT_SECONDS = 25;
/** After a look that failed, and at least between two rounds that a change began. */
const UNREACHABLE_MILLISECONDS = 2000;

export interface OrchestratorOptions {
  readonly pairs: readonly Pair[];
  readonly policies: readonly Policy[];
  readonly pollMilliseconds: number;
  /** After each round of a pair. */
  readonly onStatus?: (status: PairStatus) => void;
}

export class Orchestrator {
  readonly runners: readonly PairRunner[];
  readonly #options: OrchestratorOptions;
  readonly #parts: ReplicationParts;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(options: OrchestratorOptions, parts: ReplicationParts) {
    this.#options = options;
    this.#parts = parts;
    this.runners = options.pairs.map((pair) => new PairRunner(pair, options.policies, { ...parts, busy: this.#busy }));
  }

  /** Copies, proofs and deletes under way. */
  get busyCount(): number {
    return this.#busy.size;
  }

  /** Looks and works until nothing is left that can be done now. Returns how each pair stands afterwards. */
  async once(signal: AbortSignal): Promise<readonly PairStatus[]> {
    return await Promise.all(this.runners.map((runner) => this.#runOnce(runner, signal)));
  }

  /** Until the signal is aborted: its reason is what this rejects with. */
  async watch(signal: AbortSignal): Promise<never> {
    await Promise.all(this.runners.map((runner) => this.#watch(runner, signal)));
    throw signal.reason;
  }

  async #runOnce(runner: PairRunner, signal: AbortSignal): Promise<PairStatus> {
    const { state, clock } = this.#parts;
    const { source, target } = runner.pair;
    for (;;) {
      const round = await runner.round(signal);
      await round.ended;
      const status = this.#assess(runner, round);
      if (!round.source.ok || !round.target.ok) return status;
      const again = state
        .replicas({ from: source.name, to: target.name })
        .flatMap(({ trouble, sourceId }) =>
          trouble !== undefined &&
          trouble.attempts < TRIES_A_RUN &&
          round.source.ok &&
          round.source.models.has(sourceId)
            ? [trouble.retryOn]
            : [],
        );
      if (again.length > 0) await clock.sleep(Math.max(0, Math.min(...again) - clock.now()) + 1, signal);
      // One more round sees what the work left: copies that replaced others, and what these leave to clear up.
      else if (!hasWork(round)) return status;
    }
  }

  async #watch(runner: PairRunner, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      let round: Round;
      try {
        round = await runner.round(signal);
      } catch (error) {
        signal.throwIfAborted();
        // A fault of ours must not end the watch; it is told and tried again.
        this.#parts.report({ event: 'fault', reason: reasonOf(error) });
        await clock.sleep(UNREACHABLE_MILLISECONDS, signal);
        continue;
      }
      this.#assess(runner, round);
      // What the round started may leave something to clear up or to try again: whichever ends first is reason to look.
      await this.#nextReason(runner, round, signal);
      this.#assess(runner, round);
    }
  }

  #assess(runner: PairRunner, round: Pick<Round, 'source' | 'target'>): PairStatus {
    const { state, clock, report } = this.#parts;
    const { policy, target } = runner.pair;
    const now = clock.now();
    const { policies, onStatus } = this.#options;
    const status = assessPair({ ...round, policy, to: target.name, policies, state, now });
    trackObjective(status, { state, now, report });
    onStatus?.(status);
    return status;
  }

  /** A change at the source, the time of the next poll, a retry that is due, or the end of the work of this round. */
  async #nextReason(runner: PairRunner, round: Round, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const { pollMilliseconds } = this.#options;
    const isReachable = round.source.ok && round.target.ok;
    const pause = isReachable ? pollMilliseconds : Math.min(pollMilliseconds, UNREACHABLE_MILLISECONDS);
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, ended.signal]);
    const reasons = [clock.sleep(Math.min(pause, this.#untilRetry(runner)), stop)];
    if (hasWork(round)) reasons.push(round.ended);
    const { replication } = runner.pair.source;
    if (replication !== undefined && round.source.ok && round.source.position !== undefined) {
      const { position } = round.source;
      const waitSeconds = Math.min(LONGEST_WAIT_SECONDS, Math.max(1, Math.floor(pause / 1000)));
      const changed = replication.waitForChange(position, { waitSeconds, signal: stop }).then(
        () => undefined,
        // A feed that fails is no news; the poll comes anyway.
        () => clock.sleep(pause, stop),
      );
      reasons.push(changed);
    }
    try {
      await Promise.race(reasons);
    } finally {
      ended.abort();
      await Promise.allSettled(reasons.filter((reason) => reason !== round.ended));
    }
    signal.throwIfAborted();
  }

  #untilRetry(runner: PairRunner): number {
    const { state, clock } = this.#parts;
    const { source, target } = runner.pair;
    let next = Number.POSITIVE_INFINITY;
    for (const { trouble } of state.replicas({ from: source.name, to: target.name })) {
      // One whose time has come was in the plan already, unless something else stands in its way.
      if (trouble !== undefined && trouble.retryOn > clock.now()) next = Math.min(next, trouble.retryOn - clock.now());
    }
    return next;
  }
}

/** Whether its end is reason to look again. */
function hasWork({ actions }: Pick<Round, 'actions'>): boolean {
  return actions.some(({ do: what }) => what === 'copy' || what === 'adopt' || what === 'prove');
}
