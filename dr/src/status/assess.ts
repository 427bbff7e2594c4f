import type { ModelId } from '@formhaven/contract';
import type { Policy, RegionName } from '../config/config.ts';
import { presentDuration } from '../config/duration.ts';
import type { ProofLevel } from '../proof/outcome.ts';
import type { Look, ModelView } from '../replicate/look.ts';
import { keyText, type Replica, type Tombstone, targetIdOf } from '../state/state.ts';

// How safe each model is, from what the regions hold now and what is known of its copy. Pure, and the same for status, diff,
// metrics and objectives. A copy that is only copied is unproven and says so.

/** `=` equal and proven, `+` only at the source, `-` only at the target, `*` in both and not known to be equal, `!` a person has to look. */
export type Sign = '=' | '+' | '-' | '*' | '!';

export type Protection =
  | 'protected'
  /** Not copied yet. */
  | 'behind'
  /** Copied, and not proven. */
  | 'unproven'
  /** Was proven once, and is not the same any more. */
  | 'drifted'
  /** Deleted at the source; the copy is kept for a while, or for good. */
  | 'expiring'
  | 'conflict'
  /** Made at the target, or no longer chosen by the policy. */
  | 'targetOnly';

export interface ModelStatus {
  readonly policy: string;
  readonly from: RegionName;
  readonly to: RegionName;
  readonly name: string | undefined;
  readonly sourceId: ModelId | undefined;
  readonly targetId: ModelId | undefined;
  readonly sign: Sign;
  readonly protection: Protection;
  readonly reason: string;
  /** How long it has not been protected; 0 where it is. */
  readonly lagMilliseconds: number;
  readonly provenOn: number | undefined;
  readonly levels: readonly ProofLevel[];
  /** Ids of a composed model's components in the target region, by those in the source; null where there is no copy. */
  readonly components: Readonly<Record<string, string | null>>;
}

export interface PairStatus {
  readonly policy: string;
  readonly from: RegionName;
  readonly to: RegionName;
  readonly rpoMilliseconds: number;
  /** The worst of its models, or how long the source has not been seen where that is worse. */
  readonly lagMilliseconds: number;
  readonly isMissed: boolean;
  readonly unreachable: readonly { readonly region: RegionName; readonly reason: string }[];
  readonly counts: Readonly<Record<Protection, number>>;
  readonly models: readonly ModelStatus[];
}

export interface Assessed {
  readonly now: number;
  readonly policy: Policy;
  readonly to: RegionName;
  readonly source: Look;
  readonly target: Look;
  readonly replicas: readonly Replica[];
  readonly tombstones: readonly Tombstone[];
  readonly wants: (model: { readonly id: ModelId; readonly name: string | undefined }) => boolean;
  /** Another policy between the same regions wants it. */
  readonly othersWant: (model: { readonly id: ModelId; readonly name: string | undefined }) => boolean;
  readonly copiesAtSource: ReadonlySet<ModelId>;
  /** Models of the target that are sources of another policy. */
  readonly sourcesAtTarget: ReadonlySet<ModelId>;
  /** When the source was last seen. */
  readonly lookedOn: number | undefined;
}

/** A proof this many times as old as the policy wants it says nothing about today. */
const STALE_PROOFS = 2;

export function assess(given: Assessed): PairStatus {
  const { policy, to, source, target, now } = given;
  const models = [...ofSource(given), ...ofTargetAlone(given)].toSorted(
    (a, b) => order(a) - order(b) || compare(a.name ?? '', b.name ?? '') || compare(a.sourceId ?? '', b.sourceId ?? ''),
  );
  const counts: Record<Protection, number> = {
    protected: 0,
    behind: 0,
    unproven: 0,
    drifted: 0,
    expiring: 0,
    conflict: 0,
    targetOnly: 0,
  };
  for (const { protection } of models) counts[protection]++;
  // A source that is not seen may have anything new: nobody knows of less than the time since.
  const blind = source.ok || given.lookedOn === undefined ? 0 : now - given.lookedOn;
  const lagMilliseconds = Math.max(blind, ...models.map((model) => model.lagMilliseconds));
  const unreachable = [
    ...(source.ok ? [] : [{ region: policy.from, reason: source.reason }]),
    ...(target.ok ? [] : [{ region: to, reason: target.reason }]),
  ];
  return {
    policy: policy.name,
    from: policy.from,
    to,
    rpoMilliseconds: policy.rpoMilliseconds,
    lagMilliseconds,
    isMissed: lagMilliseconds > policy.rpoMilliseconds,
    unreachable,
    counts,
    models,
  };
}

function ofSource(given: Assessed): readonly ModelStatus[] {
  const { source, replicas } = given;
  const known = new Map(replicas.map((replica) => [replica.sourceId, replica]));
  const byKey = new Map(replicas.map((replica) => [keyText(replica), replica]));
  const tombstones = new Map(given.tombstones.map((entry) => [keyText(entry), entry]));
  const statuses: ModelStatus[] = [];
  if (source.ok) {
    for (const model of source.models.values()) {
      if (model.status !== 'ready' || given.copiesAtSource.has(model.id) || !given.wants(model)) continue;
      const replica = known.get(model.id);
      statuses.push(replica === undefined ? notBegun(model, given) : begun(replica, model, given, byKey));
    }
  }
  for (const replica of replicas) {
    const isListed = source.ok && source.models.has(replica.sourceId);
    if (!given.wants({ id: replica.sourceId, name: replica.name })) {
      const isTheirs = given.othersWant({ id: replica.sourceId, name: replica.name });
      if (targetIdOf(replica) !== undefined && !isTheirs) {
        statuses.push(line(replica, given, '-', 'targetOnly', 'no longer chosen by the policy; the copy is kept'));
      }
    } else if (!isListed) statuses.push(unlisted(replica, tombstones.get(keyText(replica)), given, byKey));
  }
  return statuses;
}

function notBegun(model: ModelView, given: Assessed): ModelStatus {
  const date = Date.parse(model.lastUpdatedDateTime);
  const since = given.lookedOn !== undefined && !(date >= given.lookedOn && date <= given.now) ? given.lookedOn : date;
  const lag = Math.max(0, given.now - since);
  return {
    policy: given.policy.name,
    from: given.policy.from,
    to: given.to,
    name: model.name,
    sourceId: model.id,
    targetId: undefined,
    sign: '+',
    protection: 'behind',
    reason: `not copied yet, behind by ${presentDuration(lag)}`,
    lagMilliseconds: lag,
    provenOn: undefined,
    levels: [],
    components: {},
  };
}

function begun(replica: Replica, model: ModelView, given: Assessed, byKey: ReadonlyMap<string, Replica>): ModelStatus {
  const { state, trouble } = replica;
  const because = trouble === undefined ? '' : `; ${trouble.error} (attempt ${trouble.attempts})`;
  const make = (sign: Sign, protection: Protection, reason: string): ModelStatus =>
    line(replica, given, sign, protection, reason, byKey);
  const isChanged =
    model.digest !== undefined && replica.sourceDigest !== undefined && model.digest !== replica.sourceDigest;
  if (isChanged) return make('!', 'conflict', 'other content under the same id at the source');
  const targetId = targetIdOf(replica);
  const atTarget = given.target.ok && targetId !== undefined ? given.target.models.get(targetId) : undefined;
  switch (state.phase) {
    case 'waiting':
      return state.isDrifted
        ? make('*', 'drifted', `${state.reason}${because}`)
        : make('+', 'behind', `${state.reason}${because}`);
    case 'reserved':
    case 'copying':
      return make('+', 'behind', `being copied${because}`);
    case 'unproven':
      return make('*', 'unproven', `${state.reason}${because}`);
    case 'protected': {
      if (given.target.ok && state.proof.on < given.target.on) {
        if (atTarget === undefined) return make('+', 'drifted', 'its copy vanished from the target');
        if (atTarget.digest !== undefined && model.digest !== undefined && atTarget.digest !== model.digest) {
          return make('*', 'drifted', 'its copy has other content');
        }
      }
      const age = given.now - state.proof.on;
      if (age > STALE_PROOFS * given.policy.proveEveryMilliseconds) {
        return make('*', 'unproven', `the last proof is ${presentDuration(age)} old: is replicate --watch running?`);
      }
      return make('=', 'protected', `proven by ${state.proof.levels.join(', ')}`);
    }
    case 'conflict':
      return make('!', 'conflict', state.reason);
    default:
      throw new TypeError(`unknown phase ${JSON.stringify(state satisfies never)}`);
  }
}

/** Its source is not listed, or cannot be seen. */
function unlisted(
  replica: Replica,
  tombstone: Tombstone | undefined,
  given: Assessed,
  byKey: ReadonlyMap<string, Replica>,
): ModelStatus {
  const make = (sign: Sign, protection: Protection, reason: string): ModelStatus =>
    line(replica, given, sign, protection, reason, byKey);
  if (!given.source.ok) {
    const { state } = replica;
    if (state.phase === 'protected') {
      return make('=', 'protected', `proven by ${state.proof.levels.join(', ')}; the source is not reachable now`);
    }
    return targetIdOf(replica) === undefined
      ? make('+', 'behind', 'not copied, and the source is not reachable now')
      : make('*', 'unproven', 'not proven, and the source is not reachable now');
  }
  if (tombstone !== undefined) {
    const until = tombstone.dueOn === undefined ? 'for good' : `until ${new Date(tombstone.dueOn).toISOString()}`;
    return make('-', 'expiring', `deleted at the source; the copy is kept ${until}`);
  }
  if (replica.state.phase === 'conflict') return make('!', 'conflict', replica.state.reason);
  return make('!', 'conflict', 'gone at the source, and the delete is not believed yet; the copy is kept');
}

function ofTargetAlone(given: Assessed): readonly ModelStatus[] {
  const { target, source } = given;
  if (!target.ok) return [];
  const ours = new Set(given.replicas.map(targetIdOf));
  const names = new Set(
    source.ok ? [...source.models.values()].filter(given.wants).flatMap((model) => model.name ?? []) : [],
  );
  const statuses: ModelStatus[] = [];
  for (const model of target.models.values()) {
    if (model.status !== 'ready' || ours.has(model.id) || given.sourcesAtTarget.has(model.id)) continue;
    if (!given.wants(model)) continue;
    const isSameName = model.name !== undefined && names.has(model.name);
    statuses.push({
      policy: given.policy.name,
      from: given.policy.from,
      to: given.to,
      name: model.name,
      sourceId: undefined,
      targetId: model.id,
      sign: isSameName ? '!' : '-',
      protection: isSameName ? 'conflict' : 'targetOnly',
      reason: isSameName ? 'the same name with other content at the target' : 'not a copy of anything at the source',
      lagMilliseconds: 0,
      provenOn: undefined,
      levels: [],
      components: {},
    });
  }
  return statuses;
}

function line(
  replica: Replica,
  given: Assessed,
  sign: Sign,
  protection: Protection,
  reason: string,
  byKey: ReadonlyMap<string, Replica> = new Map(),
): ModelStatus {
  const { state } = replica;
  // An expiring copy, or one whose delete is not believed, is as good as it was.
  const isBehind = protection !== 'protected' && protection !== 'expiring' && protection !== 'targetOnly';
  const proof = state.phase === 'protected' ? state.proof : undefined;
  const components = replica.components.map((sourceId): [string, string | null] => {
    const component = byKey.get(keyText({ ...replica, sourceId }));
    return [sourceId, (component === undefined ? undefined : targetIdOf(component)) ?? null];
  });
  return {
    policy: given.policy.name,
    from: replica.from,
    to: replica.to,
    name: replica.name,
    sourceId: replica.sourceId,
    targetId: targetIdOf(replica),
    sign,
    protection,
    reason,
    lagMilliseconds: isBehind ? Math.max(0, given.now - (replica.behindSince ?? given.now)) : 0,
    provenOn: proof?.on,
    levels: proof?.levels ?? [],
    components: Object.fromEntries(components),
  };
}

/** What needs a look first. */
function order(status: ModelStatus): number {
  return ['!', '*', '+', '-', '='].indexOf(status.sign);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
