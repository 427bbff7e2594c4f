import type { ModelId } from '@formhaven/contract';
import type { Policy, RegionName } from '../config/config.ts';
import { GUARD_WINDOW_MILLISECONDS, isMassDelete } from '../deletes/guard.ts';
import type { Whereabouts } from '../sides/side.ts';
import {
  type ConflictCause,
  type KnownRegion,
  keyText,
  type Leftover,
  type Replica,
  type ReplicaKey,
  type Tombstone,
  targetIdOf,
} from '../state/state.ts';
import type { Look, ModelView } from './look.ts';

// What to do about one policy and one target, from what both sides hold and what was done before. Pure: the same situation gives
// the same plan, which is also what --dry-run prints. Nothing here deletes a model that might be the last of its kind: a look that
// failed is not an empty region, a model that is not listed was not deleted until its region says so, and a replacement is proven
// before what it replaces goes.

export interface Situation {
  readonly now: number;
  readonly policy: Policy;
  readonly to: RegionName;
  readonly source: Look;
  readonly target: Look;
  /** Of this pair of regions. */
  readonly replicas: readonly Replica[];
  readonly leftovers: readonly Leftover[];
  readonly tombstones: readonly Tombstone[];
  readonly known: KnownRegion | undefined;
  readonly wants: (model: { readonly id: ModelId; readonly name: string | undefined }) => boolean;
  /** Models of the source region that replication made there: they have a source of their own. */
  readonly copiesAtSource: ReadonlySet<ModelId>;
  /** What the source says of models that we copied and that it does not list. */
  readonly vanished: ReadonlyMap<ModelId, Whereabouts>;
  readonly components: ReadonlyMap<ModelId, readonly ModelId[]>;
  /** Source models that an alias serves, or would after a rollback. */
  readonly servedByAliases: ReadonlySet<ModelId>;
  /** Somebody looked at the deletes that the guard held and said that they are meant. */
  readonly areDeletesAccepted: boolean;
  /** Being worked on at this moment, by key. */
  readonly busy: ReadonlySet<string>;
}

export type Action =
  | {
      readonly do: 'copy';
      readonly key: ReplicaKey;
      readonly model: ModelView;
      readonly components: readonly ModelId[];
      /** Source models that come first. */
      readonly after: readonly ModelId[];
      readonly reason: string;
      /** The target that is no good any more. */
      readonly instead: ModelId | undefined;
    }
  /** The target cannot be seen; since when the model is behind is remembered all the same. */
  | { readonly do: 'note'; readonly key: ReplicaKey; readonly model: ModelView }
  /** The target has it already. */
  | { readonly do: 'adopt'; readonly key: ReplicaKey; readonly model: ModelView; readonly targetId: ModelId }
  | { readonly do: 'prove'; readonly key: ReplicaKey; readonly reason: string }
  | {
      readonly do: 'conflict';
      readonly key: ReplicaKey;
      readonly cause: ConflictCause;
      readonly reason: string;
      /** A reservation that was never filled. */
      readonly unfilled?: ModelId | undefined;
    }
  | { readonly do: 'bury'; readonly key: ReplicaKey; readonly dueOn: number | undefined }
  | { readonly do: 'unbury'; readonly key: ReplicaKey }
  | { readonly do: 'hold'; readonly keys: readonly ReplicaKey[]; readonly copies: number }
  | { readonly do: 'deleteCopy'; readonly key: ReplicaKey; readonly targetId: ModelId }
  /** Gone at the source before anything was copied. */
  | { readonly do: 'forget'; readonly key: ReplicaKey; readonly unfilled?: ModelId | undefined }
  | { readonly do: 'removeLeftover'; readonly leftover: Leftover };

/** Proofs made again in one round; the oldest come first, so that all have their turn. */
const ROTATION_A_ROUND = 100;

export function plan(situation: Situation): readonly Action[] {
  const { source } = situation;
  // Without the source's list nothing is known: nothing is copied, and nothing is believed to be deleted.
  const models = source.ok ? source.models : new Map<ModelId, ModelView>();
  const replicas = new Map(situation.replicas.map((replica) => [replica.sourceId, replica]));
  const claimed = new Set([
    ...situation.replicas.map(targetIdOf),
    ...situation.leftovers.map((leftover) => leftover.modelId),
  ]);
  const atTarget = indexed(situation);
  const buried = new Set(situation.tombstones.map(keyText));
  const actions: Action[] = [];
  for (const model of models.values()) {
    if (model.status !== 'ready' || situation.copiesAtSource.has(model.id)) continue;
    const replica = replicas.get(model.id);
    // What another policy of the same regions wants is that policy's.
    if (!situation.wants(model)) continue;
    if (replica !== undefined && isBusy(replica, situation)) continue;
    if (replica !== undefined && buried.has(keyText(replica))) {
      actions.push({ do: 'unbury', key: keyOf(replica) });
    }
    const action = isUntouched(replica)
      ? begin(model, replica, situation, { claimed, atTarget })
      : goOn(replica, model, situation);
    if (action?.do === 'adopt') claimed.add(action.targetId);
    if (action !== undefined) actions.push(action);
  }
  if (source.ok) actions.push(...missing(situation, models));
  actions.push(...clearUp(situation));
  return inOrder(limitRotation(actions, situation));
}

type ByContent = ReadonlyMap<string, readonly ModelView[]>;

/** Seen, and nothing tried yet. */
function isUntouched(replica: Replica | undefined): replica is undefined | (Replica & { state: { phase: 'waiting' } }) {
  return replica === undefined || (replica.state.phase === 'waiting' && !replica.state.isDrifted && !replica.trouble);
}

function begin(
  model: ModelView,
  replica: Replica | undefined,
  situation: Situation,
  target: { readonly claimed: ReadonlySet<ModelId | undefined>; readonly atTarget: ByContent },
): Action | undefined {
  const key = { from: situation.policy.from, sourceId: model.id, to: situation.to };
  // A target that cannot be seen may hold it already.
  if (!situation.target.ok) return replica === undefined ? { do: 'note', key, model } : undefined;
  const same = target.atTarget.get(contentOf(model, situation)) ?? [];
  const found = same.find(({ id }) => !target.claimed.has(id));
  if (found !== undefined) return { do: 'adopt', key, model, targetId: found.id };
  return copy(key, model, situation, { reason: 'new at the source' });
}

function indexed(situation: Situation): ByContent {
  const index = new Map<string, ModelView[]>();
  if (!situation.target.ok) return index;
  for (const model of situation.target.models.values()) {
    if (model.status !== 'ready') continue;
    const content = contentOf(model, situation);
    const same = index.get(content);
    if (same === undefined) index.set(content, [model]);
    else same.push(model);
  }
  return index;
}

/** The digest where both sides tell it; else what a copy keeps of its source. The proof has the last word. */
function contentOf(model: ModelView, { source, target }: Situation): string {
  const areDigestsKnown = source.ok && target.ok && source.position !== undefined && target.position !== undefined;
  if (areDigestsKnown && model.digest !== undefined) return model.digest;
  const { createdDateTime, lastUpdatedDateTime, name, isComposed } = model;
  return JSON.stringify([createdDateTime, lastUpdatedDateTime, name ?? null, isComposed]);
}

function goOn(replica: Replica, model: ModelView, situation: Situation): Action | undefined {
  const key = keyOf(replica);
  const { state, trouble } = replica;
  const isChanged =
    model.digest !== undefined && replica.sourceDigest !== undefined && model.digest !== replica.sourceDigest;
  if (isChanged) {
    if (state.phase === 'conflict' && state.cause === 'sourceChanged') return undefined;
    // A model never changes under its id. Whichever side is wrong, the copy may be the only sound one.
    return { do: 'conflict', key, cause: 'sourceChanged', reason: 'other content under the same id at the source' };
  }
  const isResting = trouble !== undefined && trouble.retryOn > situation.now;
  const targetId = targetIdOf(replica);
  const atTarget = situation.target.ok && targetId !== undefined ? situation.target.models.get(targetId) : undefined;
  switch (state.phase) {
    case 'waiting':
      return isResting || !situation.target.ok ? undefined : copy(key, model, situation, { reason: state.reason });
    case 'reserved':
    case 'copying':
      return isResting ? undefined : copy(key, model, situation, { reason: 'begun before' });
    case 'unproven':
    case 'protected': {
      // The list may be older than the copy: only what was proven before the look can be missed in it.
      if (situation.target.ok && state.phase === 'protected' && state.proof.on < situation.target.on) {
        if (atTarget === undefined) {
          return copy(key, model, situation, {
            reason: `its copy vanished from ${situation.to}`,
            instead: state.targetId,
          });
        }
        if (isOtherContent(atTarget, model)) {
          return copy(key, model, situation, {
            reason: `its copy in ${situation.to} has other content`,
            instead: state.targetId,
          });
        }
      }
      if (isResting || !situation.target.ok) return undefined;
      if (state.phase === 'unproven') return { do: 'prove', key, reason: state.reason };
      const age = situation.now - state.proof.on;
      return age > situation.policy.proveEveryMilliseconds
        ? { do: 'prove', key, reason: 'the proof is old' }
        : undefined;
    }
    case 'conflict':
      if (state.cause === 'sourceDamaged') return isResting ? undefined : { do: 'prove', key, reason: state.reason };
      // The reason is gone: it is listed again, with the content it had.
      return state.targetId === undefined
        ? copy(key, model, situation, { reason: 'at the source again' })
        : { do: 'prove', key, reason: 'at the source again' };
    default:
      throw new TypeError(`unknown phase ${JSON.stringify(state satisfies never)}`);
  }
}

function isOtherContent(atTarget: ModelView, model: ModelView): boolean {
  if (atTarget.status !== 'ready') return true;
  return atTarget.digest !== undefined && model.digest !== undefined && atTarget.digest !== model.digest;
}

function copy(
  key: ReplicaKey,
  model: ModelView,
  situation: Situation,
  why: { readonly reason: string; readonly instead?: ModelId },
): Action {
  return {
    do: 'copy',
    key,
    model,
    components: situation.components.get(model.id) ?? [],
    after: [],
    reason: why.reason,
    instead: why.instead,
  };
}

/** Copies whose source is not listed any more: deleted, or lost. */
function missing(situation: Situation, models: ReadonlyMap<ModelId, ModelView>): readonly Action[] {
  const { policy, now } = situation;
  const actions: Action[] = [];
  const deleted: Replica[] = [];
  const tombstones = new Map(situation.tombstones.map((entry) => [keyText(entry), entry]));
  const copies = situation.replicas.filter((replica) => targetIdOf(replica) !== undefined);
  for (const replica of situation.replicas) {
    if (models.has(replica.sourceId) || !situation.wants({ id: replica.sourceId, name: replica.name })) continue;
    if (isBusy(replica, situation)) continue;
    const tombstone = tombstones.get(keyText(replica));
    const key = keyOf(replica);
    const says = situation.vanished.get(replica.sourceId);
    // Not asked, or no answer: next time.
    if (says === undefined || says === 'ready') continue;
    const isBegun = replica.state.phase === 'reserved' || replica.state.phase === 'copying';
    // Whether a copy that was under way arrived, only the target can tell.
    if (isBegun && !situation.target.ok) continue;
    const unfilled = isBegun && !isReadyAtTarget(replica, situation) ? targetIdOf(replica) : undefined;
    const hasCopy = targetIdOf(replica) !== undefined && unfilled === undefined;
    if (!hasCopy && says !== 'unknown') actions.push({ do: 'forget', key, unfilled });
    else if (says !== 'deleted') {
      if (replica.state.phase === 'conflict' && replica.state.cause === 'sourceLost') continue;
      const reason = `${policy.from} does not have it and does not know of a delete: was it set back, or its disk lost?`;
      actions.push({ do: 'conflict', key, cause: 'sourceLost', reason, unfilled });
    } else if (tombstone === undefined) deleted.push(replica);
    else if (tombstone.dueOn !== undefined && tombstone.dueOn <= now) {
      const targetId = targetIdOf(replica);
      const isOurs = targetId !== undefined && targetId !== replica.adopted;
      if (isOurs && situation.target.ok && !situation.servedByAliases.has(replica.sourceId)) {
        actions.push({ do: 'deleteCopy', key, targetId });
      }
    }
  }
  if (deleted.length === 0) return actions;
  if (policy.deletes.kind === 'never') {
    actions.push(...deleted.map((replica): Action => ({ do: 'bury', key: keyOf(replica), dueOn: undefined })));
    return actions;
  }
  const { graceMilliseconds, guardShare } = policy.deletes;
  const recent = situation.tombstones.filter((entry) => entry.seenOn > now - GUARD_WINDOW_MILLISECONDS).length;
  const isHeld =
    !situation.areDeletesAccepted && isMassDelete({ fresh: deleted.length, recent, copies: copies.length, guardShare });
  if (isHeld) actions.push({ do: 'hold', keys: deleted.map(keyOf), copies: copies.length });
  else {
    actions.push(
      ...deleted.map((replica): Action => ({ do: 'bury', key: keyOf(replica), dueOn: now + graceMilliseconds })),
    );
  }
  return actions;
}

function isReadyAtTarget(replica: Replica, { target }: Situation): boolean {
  const targetId = targetIdOf(replica);
  return target.ok && targetId !== undefined && target.models.get(targetId)?.status === 'ready';
}

/** What attempts that failed left behind, and copies that have been replaced by proven ones. */
function clearUp(situation: Situation): readonly Action[] {
  if (!situation.target.ok) return [];
  const replicas = new Map(situation.replicas.map((replica) => [keyText(replica), replica]));
  return situation.leftovers.flatMap((leftover): readonly Action[] => {
    if (situation.busy.has(keyText(leftover.of))) return [];
    const replica = replicas.get(keyText(leftover.of));
    if (replica !== undefined && targetIdOf(replica) === leftover.modelId) return [];
    const isReplaced = replica === undefined || replica.state.phase === 'protected';
    const isListed = situation.target.ok && situation.target.models.has(leftover.modelId);
    return leftover.kind === 'reserved' || isReplaced || !isListed ? [{ do: 'removeLeftover', leftover }] : [];
  });
}

function limitRotation(actions: readonly Action[], situation: Situation): readonly Action[] {
  const provenOn = new Map<ModelId, number>();
  for (const { sourceId, state } of situation.replicas) {
    if (state.phase === 'protected') provenOn.set(sourceId, state.proof.on);
  }
  const rotation = actions
    .filter((action) => action.do === 'prove' && provenOn.has(action.key.sourceId))
    .toSorted((a, b) => age(b) - age(a));
  const dropped = new Set(rotation.slice(ROTATION_A_ROUND));
  return actions.filter((action) => !dropped.has(action));

  function age(action: Action): number {
    return situation.now - (action.do === 'prove' ? (provenOn.get(action.key.sourceId) ?? 0) : 0);
  }
}

/** Composed models after their components, as far as those are copied in the same plan and do not wait for each other. */
function inOrder(actions: readonly Action[]): readonly Action[] {
  const copies = new Map<ModelId, Extract<Action, { do: 'copy' }>>();
  for (const action of actions) if (action.do === 'copy') copies.set(action.key.sourceId, action);
  const placed = new Map<ModelId, Action>();
  const open = new Set<ModelId>();
  const place = (id: ModelId): void => {
    const action = copies.get(id);
    if (action === undefined || placed.has(id) || open.has(id)) return;
    open.add(id);
    for (const component of action.components) place(component);
    open.delete(id);
    placed.set(id, { ...action, after: action.components.filter((component) => placed.has(component)) });
  };
  for (const id of copies.keys()) place(id);
  return [...actions.filter((action) => action.do !== 'copy'), ...placed.values()];
}

function isBusy(replica: Replica, situation: Situation): boolean {
  return situation.busy.has(keyText(replica));
}

function keyOf({ from, sourceId, to }: ReplicaKey): ReplicaKey {
  return { from, sourceId, to };
}
