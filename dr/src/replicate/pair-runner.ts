import { type ModelId, parseModelId, ServiceError, v2 } from '@formhaven/contract';
import pLimit from 'p-limit';
import { followNames, moveAliases, servedModels } from '../aliases/alias.ts';
import type { Policy, RegionName } from '../config/config.ts';
import { compileFilter } from '../config/selects.ts';
import type { Whereabouts } from '../sides/side.ts';
import type { AuditEvent } from '../state/audit-chain.ts';
import { keyText, type Leftover, type Replica, type ReplicaKey, targetIdOf } from '../state/state.ts';
import { type AdvanceParts, advance, proveAgain } from './advance.ts';
import { type Look, lookAt, type ModelView, reasonOf } from './look.ts';
import type { Pair, ReplicationParts } from './parts.ts';
import { type Action, plan, type Situation } from './plan.ts';

// Rounds of one policy and one of its targets: look at both sides, plan, write down what needs no network, start the rest. Work
// that was started goes on beside later rounds, so that one copy that hangs does not hold up the others.

/** Questions after models that are not listed. */
const ASKED_AT_ONCE = 16;

export interface Round {
  readonly source: Look;
  readonly target: Look;
  readonly actions: readonly Action[];
  /** Resolves when everything this round started has ended, one way or the other. */
  readonly ended: Promise<void>;
}

export class PairRunner {
  readonly pair: Pair;
  readonly #parts: AdvanceParts;
  readonly #policies: readonly Policy[];
  readonly #busy: Map<string, Promise<void>>;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #components = new Map<ModelId, readonly ModelId[]>();
  readonly #wants: Situation['wants'];
  #areDeletesAccepted = false;
  #heldCount = 0;
  readonly #silent = new Set<RegionName>();

  /** `busy`: work under way, by key; shared by all, since two policies may want the same model. */
  constructor(
    pair: Pair,
    policies: readonly Policy[],
    parts: ReplicationParts & { readonly busy: Map<string, Promise<void>> },
  ) {
    this.pair = pair;
    this.#busy = parts.busy;
    this.#policies = policies;
    this.#parts = { ...parts, authorizations: new Map() };
    this.#wants = compileFilter(pair.policy.filter);
    const { source, target } = pair;
    this.#limit = pLimit(Math.min(source.limits.parallelCopies, target.limits.parallelCopies));
  }

  /** The deletes that the guard holds now are meant; for the next round. */
  acceptDeletes(): void {
    this.#areDeletesAccepted = true;
  }

  /** What a round would do; changes nothing anywhere. */
  async preview(signal: AbortSignal): Promise<Omit<Round, 'ended'>> {
    const looked = await this.#look(signal);
    return { ...looked, actions: plan(this.#situation(looked)) };
  }

  async round(signal: AbortSignal): Promise<Round> {
    const looked = await this.#look(signal);
    // From here to the start of the work nothing waits: the plan and what it rests on are of one moment.
    const situation = this.#situation(looked);
    const actions = plan(situation);
    this.#areDeletesAccepted = false;
    this.#note(looked, situation);
    for (const action of actions) this.#write(action, situation);
    const started = actions.flatMap((action) => this.#start(action, signal));
    this.#moveAliases(looked.source);
    const ended = Promise.all(started).then(() => this.#moveAliases(looked.source));
    ended.catch(() => undefined);
    return { ...looked, actions, ended };
  }

  /** Proves copies again, whatever their age. */
  async verify(keys: readonly ReplicaKey[], signal: AbortSignal): Promise<void> {
    await Promise.all(keys.flatMap((key) => this.#start({ do: 'prove', key, reason: 'asked for' }, signal)));
  }

  async #look(signal: AbortSignal): Promise<Looked> {
    const { clock } = this.#parts;
    const { source: from, target: to } = this.pair;
    const [source, target] = await Promise.all([lookAt(from, clock, signal), lookAt(to, clock, signal)]);
    this.#tellReachable(from.name, source);
    this.#tellReachable(to.name, target);
    const vanished = new Map<ModelId, Whereabouts>();
    if (source.ok) {
      await this.#learnComponents(source.models, signal);
      const unlisted = this.#worthAsking(source.models);
      const ask = pLimit(ASKED_AT_ONCE);
      await ask.map(unlisted, async ({ sourceId }) => {
        const whereabouts = await this.#whereabouts(sourceId, signal);
        if (whereabouts !== undefined) vanished.set(sourceId, whereabouts);
      });
    }
    return { source, target, vanished };
  }

  /** Copies whose source is not listed, but for those of which nothing new can be heard: the answer is known, or not needed yet. */
  #worthAsking(listed: ReadonlyMap<ModelId, ModelView>): readonly Replica[] {
    const { clock, state } = this.#parts;
    const { source, target } = this.pair;
    const buried = new Map(state.tombstones().map((entry) => [keyText(entry), entry]));
    return state.replicas({ from: source.name, to: target.name }).filter((replica) => {
      if (listed.has(replica.sourceId)) return false;
      if (replica.state.phase === 'conflict' && replica.state.cause === 'sourceLost') return false;
      const tombstone = buried.get(keyText(replica));
      return tombstone === undefined || (tombstone.dueOn !== undefined && tombstone.dueOn <= clock.now());
    });
  }

  /** Once when it stops answering, and once when it answers again. */
  #tellReachable(region: RegionName, look: Look): void {
    const { report } = this.#parts;
    if (look.ok) {
      if (this.#silent.delete(region)) report({ event: 'reachable', region });
    } else if (!this.#silent.has(region)) {
      this.#silent.add(region);
      report({ event: 'unreachable', region, reason: look.reason });
    }
  }

  /** Undefined where the source does not answer. */
  async #whereabouts(id: ModelId, signal: AbortSignal): Promise<Whereabouts | undefined> {
    const { api, replication } = this.pair.source;
    try {
      if (replication !== undefined) return await replication.whereabouts(id, { signal });
      const { modelInfo } = await api.getModel(id, { signal });
      return modelInfo.status === 'ready' ? 'ready' : 'unready';
    } catch (error) {
      signal.throwIfAborted();
      // Of the cloud's regions this is all there is to know; the guard is for when it is an accident.
      if (error instanceof ServiceError && error.status === 404 && replication === undefined) return 'deleted';
      if (error instanceof ServiceError || error instanceof v2.RequestFailure) return undefined;
      throw error;
    }
  }

  async #learnComponents(models: ReadonlyMap<ModelId, ModelView>, signal: AbortSignal): Promise<void> {
    for (const model of models.values()) {
      if (!model.isComposed || model.status !== 'ready' || this.#components.has(model.id)) continue;
      try {
        const { composedTrainResults } = await this.pair.source.api.getModel(model.id, { signal });
        const ids = (composedTrainResults ?? []).flatMap(({ modelId }) => parseModelId(modelId ?? '') ?? []);
        this.#components.set(model.id, ids);
      } catch (error) {
        signal.throwIfAborted();
        // Without its components a composed model is still a model; it is only not put after them.
        if (!(error instanceof ServiceError || error instanceof v2.RequestFailure)) throw error;
      }
    }
  }

  #situation(looked: Looked): Situation {
    const { state, clock } = this.#parts;
    const { policy, source, target } = this.pair;
    const all = state.replicas();
    const leftovers = state.leftovers();
    const copiesAtSource = new Set<ModelId>();
    for (const replica of all) {
      const id = replica.to === source.name ? targetIdOf(replica) : undefined;
      if (id !== undefined) copiesAtSource.add(id);
    }
    for (const leftover of leftovers) if (leftover.region === source.name) copiesAtSource.add(leftover.modelId);
    const isOfPair = ({ from, to }: ReplicaKey): boolean => from === source.name && to === target.name;
    return {
      ...looked,
      now: clock.now(),
      policy,
      to: target.name,
      replicas: all.filter(isOfPair),
      leftovers: leftovers.filter(({ of }) => isOfPair(of)),
      tombstones: state.tombstones().filter(isOfPair),
      known: state.knownRegion(source.name),
      wants: this.#wants,
      copiesAtSource,
      components: this.#components,
      servedByAliases: servedModels(state.aliases(), source.name),
      areDeletesAccepted: this.#areDeletesAccepted,
      busy: new Set(this.#busy.keys()),
    };
  }

  #note(looked: Looked, situation: Situation): void {
    const { state, clock } = this.#parts;
    for (const [name, look] of [
      [this.pair.source.name, looked.source],
      [this.pair.target.name, looked.target],
    ] as const) {
      if (!look.ok) continue;
      const before = state.knownRegion(name);
      const instance = look.position?.instance;
      const isChanged = before?.instance !== undefined && instance !== undefined && before.instance !== instance;
      state.transact({ durable: isChanged }, (writing) => {
        writing.putKnownRegion({ region: name, instance: instance ?? before?.instance, lookedOn: look.on });
        if (isChanged) writing.record({ event: 'region-changed', on: clock.now(), details: { region: name } });
      });
    }
    if (this.pair.policy.aliases === 'byName' && looked.source.ok) {
      const wanted = [...looked.source.models.values()].filter(
        (model) => this.#wants(model) && !situation.copiesAtSource.has(model.id),
      );
      followNames(this.pair.policy, wanted, { state, now: clock.now() });
    }
  }

  /** What needs no network. */
  #write(action: Action, situation: Situation): void {
    const { state, report } = this.#parts;
    const { now } = situation;
    switch (action.do) {
      case 'note': {
        const { key, model } = action;
        state.transact({ durable: false }, (writing) =>
          writing.putReplica({
            ...key,
            name: model.name,
            sourceDigest: model.digest,
            behindSince: firstSeen(model, situation),
            components: situation.components.get(model.id) ?? [],
            adopted: undefined,
            state: { phase: 'waiting', reason: `${key.to} does not answer`, isDrifted: false },
            trouble: undefined,
          }),
        );
        return;
      }
      case 'copy': {
        const before = state.replica(action.key);
        if (before !== undefined && action.instead === undefined) return;
        const { model, components, instead } = action;
        const replica: Replica = {
          ...action.key,
          name: model.name,
          sourceDigest: model.digest,
          behindSince: before === undefined ? firstSeen(model, situation) : (before.behindSince ?? now),
          components,
          adopted: instead === undefined ? before?.adopted : undefined,
          state: { phase: 'waiting', reason: action.reason, isDrifted: instead !== undefined },
          trouble: before?.trouble,
        };
        state.transact({ durable: false }, (writing) => {
          writing.putReplica(replica);
          if (instead !== undefined && instead !== before?.adopted) {
            writing.putLeftover({ region: action.key.to, modelId: instead, kind: 'superseded', of: action.key });
          }
        });
        return;
      }
      case 'adopt': {
        const { key, model, targetId } = action;
        state.transact({ durable: true }, (writing) => {
          writing.putReplica({
            ...key,
            name: model.name,
            sourceDigest: model.digest,
            behindSince: state.replica(key)?.behindSince ?? firstSeen(model, situation),
            components: situation.components.get(model.id) ?? [],
            adopted: targetId,
            state: { phase: 'unproven', targetId, reason: 'found at the target, not proven yet' },
            trouble: undefined,
          });
          writing.record(audited('adopted', now, key, { target: targetId }));
        });
        return;
      }
      case 'conflict': {
        const replica = state.replica(action.key);
        if (replica === undefined) return;
        const { cause, reason, unfilled } = action;
        const conflicting: Replica = {
          ...replica,
          behindSince: replica.behindSince ?? now,
          state: {
            phase: 'conflict',
            targetId: unfilled === undefined ? targetIdOf(replica) : undefined,
            cause,
            reason,
          },
        };
        state.transact({ durable: true }, (writing) => {
          writing.putReplica(conflicting);
          if (unfilled !== undefined) writing.putLeftover(reservation(action.key, unfilled));
          writing.record(audited('proof-failed', now, action.key, { reason }));
        });
        report({ event: 'conflict', replica: conflicting, reason });
        return;
      }
      case 'bury':
        state.transact({ durable: true }, (writing) => {
          writing.bury({ ...action.key, seenOn: now, dueOn: action.dueOn });
          const due = action.dueOn === undefined ? 'never' : new Date(action.dueOn).toISOString();
          writing.record(audited('source-deleted', now, action.key, { due }));
        });
        return;
      case 'unbury':
        state.transact({ durable: true }, (writing) => writing.unbury(action.key));
        return;
      case 'forget':
        state.transact({ durable: false }, (writing) => {
          writing.removeReplica(action.key);
          if (action.unfilled !== undefined) writing.putLeftover(reservation(action.key, action.unfilled));
        });
        return;
      case 'hold': {
        const { name: policy } = this.pair.policy;
        const { name: to } = this.pair.target;
        const count = action.keys.length;
        if (count === this.#heldCount) return;
        this.#heldCount = count;
        state.transact({ durable: true }, (writing) =>
          writing.record({ event: 'delete-held', on: now, details: { policy, to, count, copies: action.copies } }),
        );
        report({ event: 'deletes-held', policy, to, count });
        return;
      }
      case 'prove': {
        const replica = state.replica(action.key);
        if (replica?.state.phase !== 'conflict' || replica.state.targetId === undefined) return;
        const { targetId, reason } = replica.state;
        state.transact({ durable: false }, (writing) =>
          writing.putReplica({ ...replica, state: { phase: 'unproven', targetId, reason } }),
        );
        return;
      }
      case 'deleteCopy':
      case 'removeLeftover':
        return;
      default:
        throw new TypeError(`unknown action ${JSON.stringify(action satisfies never)}`);
    }
  }

  /** What needs the network, at most `parallelCopies` at once. Promises that never reject but with the signal's reason. */
  #start(action: Action, signal: AbortSignal): readonly Promise<void>[] {
    const limited = (key: ReplicaKey, run: () => Promise<void>, beside?: string): readonly Promise<void>[] => [
      this.#work(beside === undefined ? { key } : { key, beside }, signal, () => this.#limit(run)),
    ];
    switch (action.do) {
      case 'copy': {
        const { key } = action;
        const before = action.after.map((sourceId) => this.#busy.get(keyText({ ...key, sourceId })));
        return [
          this.#work({ key }, signal, async () => {
            // Whether they succeed is theirs; a component that fails does not hold up what is made of it.
            await Promise.allSettled(before);
            await this.#limit(() => advance(key, this.pair, this.#parts, signal));
          }),
        ];
      }
      case 'adopt':
      case 'prove':
        return limited(action.key, () => proveAgain(action.key, this.pair, this.#parts, signal));
      case 'deleteCopy':
        return limited(action.key, () => this.#deleteCopy(action.key, action.targetId, signal));
      case 'removeLeftover': {
        const { leftover } = action;
        return limited(leftover.of, () => this.#removeLeftover(leftover, signal), leftover.modelId);
      }
      default:
        return [];
    }
  }

  /** Never rejects but when the signal is aborted: a fault of ours is told, and the others go on. */
  #work(
    { key, beside }: { readonly key: ReplicaKey; readonly beside?: string },
    signal: AbortSignal,
    run: () => Promise<void>,
  ): Promise<void> {
    const text = beside === undefined ? keyText(key) : `${keyText(key)}#${beside}`;
    const known = this.#busy.get(text);
    if (known !== undefined) return known;
    const work = run()
      .catch((error: unknown) => {
        signal.throwIfAborted();
        this.#parts.report({ event: 'fault', reason: reasonOf(error) });
      })
      .finally(() => this.#busy.delete(text));
    this.#busy.set(text, work);
    // Whoever waits for the round hears of the abort; nobody may.
    work.catch(() => undefined);
    return work;
  }

  async #deleteCopy(key: ReplicaKey, targetId: ModelId, signal: AbortSignal): Promise<void> {
    const { state, clock, report } = this.#parts;
    // Asked once more at the last moment: somebody may have brought it back.
    if ((await this.#whereabouts(key.sourceId, signal)) !== 'deleted') return;
    if (!(await this.#delete(targetId, signal))) return;
    state.transact({ durable: true }, (writing) => {
      writing.removeReplica(key);
      writing.unbury(key);
      writing.record(audited('copy-deleted', clock.now(), key, { target: targetId }));
    });
    report({ event: 'copy-deleted', key });
  }

  async #removeLeftover(
    leftover: Extract<Action, { do: 'removeLeftover' }>['leftover'],
    signal: AbortSignal,
  ): Promise<void> {
    const { state, clock } = this.#parts;
    const { modelId, of } = leftover;
    try {
      const { modelInfo } = await this.pair.target.api.getModel(modelId, { signal });
      const replica = state.replica(of);
      const isReplaced = replica?.state.phase === 'protected' && targetIdOf(replica) !== modelId;
      // A reservation that was filled after all may be the only copy there is.
      if (modelInfo.status === 'ready' && replica !== undefined && !isReplaced) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ServiceError && error.status === 404)) return;
    }
    if (!(await this.#delete(modelId, signal))) return;
    state.transact({ durable: true }, (writing) => {
      writing.removeLeftover(leftover);
      writing.record(audited('leftover-removed', clock.now(), of, { target: modelId, kind: leftover.kind }));
    });
  }

  /** True where the model is gone now. */
  async #delete(targetId: ModelId, signal: AbortSignal): Promise<boolean> {
    try {
      await this.pair.target.api.deleteModel(targetId, { signal });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ServiceError && error.status === 404) return true;
      // Planned again by the next round.
      return false;
    }
  }

  #moveAliases(source: Look): void {
    if (!source.ok) return;
    const { state, clock, report } = this.#parts;
    moveAliases(this.#policies, { state, now: clock.now(), report });
  }
}

function reservation(of: ReplicaKey, modelId: ModelId): Leftover {
  return { region: of.to, modelId, kind: 'reserved', of };
}

interface Looked {
  readonly source: Look;
  readonly target: Look;
  readonly vanished: ReadonlyMap<ModelId, Whereabouts>;
}

/**
 * Since when a model that is new to us is at risk: it became ready after we last looked. The source's own date is taken where it
 * lies between then and now; a clock that is days off does not, and then the last look counts.
 */
function firstSeen(model: ModelView, { now, known }: Situation): number {
  if (known === undefined) return now;
  const date = Date.parse(model.lastUpdatedDateTime);
  return date >= known.lookedOn && date <= now ? date : known.lookedOn;
}

function audited(
  event: AuditEvent['event'],
  on: number,
  { from, sourceId, to }: ReplicaKey,
  details: AuditEvent['details'],
): AuditEvent {
  return { event, on, details: { from, source: sourceId, to, ...details } };
}
