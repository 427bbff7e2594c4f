import type { ModelId } from '@formhaven/contract';
import type { Policy, RegionName } from '../config/config.ts';
import { compileFilter } from '../config/selects.ts';
import type { ModelView } from '../replicate/look.ts';
import type { ReplicationEvent } from '../replicate/parts.ts';
import type { AuditEvent } from '../state/audit-chain.ts';
import { type Alias, type AliasVersion, type Replica, type State, targetIdOf } from '../state/state.ts';

// An alias is one name for a model whose id differs per region and changes when it is trained again. Blue/green: a version is
// added, the old one goes on serving until the new one is proven wherever its policies copy it, then the alias moves.
// `rollback` moves it back, and what was rolled back from is not moved to again by itself.

export interface AliasTarget {
  readonly region: RegionName;
  readonly modelId: ModelId;
  /** The region where the model was made, or one with a proven copy. */
  readonly isProven: boolean;
}

/** Where a version can be analyzed with. */
export function placesOf(version: AliasVersion, replicas: readonly Replica[]): readonly AliasTarget[] {
  const copies = replicas.filter(({ from, sourceId }) => from === version.region && sourceId === version.modelId);
  return [
    { region: version.region, modelId: version.modelId, isProven: true },
    ...copies.flatMap((replica): readonly AliasTarget[] => {
      const modelId = targetIdOf(replica);
      return modelId === undefined
        ? []
        : [{ region: replica.to, modelId, isProven: replica.state.phase === 'protected' }];
    }),
  ];
}

export function versionOf(alias: Alias, version: number | undefined): AliasVersion | undefined {
  return alias.versions.find((candidate) => candidate.version === version);
}

export class AliasError extends Error {
  override readonly name = 'AliasError';
}

interface AliasParts {
  readonly state: State;
  readonly now: number;
}

/** A further version, which does not serve yet. Nothing happens where the newest version is that model. */
export function addVersion(
  name: string,
  model: Pick<AliasVersion, 'region' | 'modelId' | 'modelName'>,
  { state, now }: AliasParts,
): Alias {
  if (!/^\S{1,256}$|^\S.{0,254}\S$/.test(name))
    throw new AliasError('an alias takes 1 to 256 characters, no space at its ends');
  return state.transact({ durable: true }, (writing) => {
    const alias = state.alias(name) ?? { name, versions: [], current: undefined, previous: undefined, heldUpTo: 0 };
    const { region, modelId } = model;
    const last = alias.versions.at(-1);
    if (last?.region === region && last.modelId === modelId) return alias;
    const version = (last?.version ?? 0) + 1;
    const next: Alias = { ...alias, versions: [...alias.versions, { ...model, version, addedOn: now }] };
    writing.putAlias(next);
    writing.record(audited('alias-version-added', now, { alias: name, version, region, model: modelId }));
    return next;
  });
}

/** To the version before. @throws AliasError where there is none */
export function rollBack(name: string, { state, now }: AliasParts): Alias {
  return state.transact({ durable: true }, (writing) => {
    const alias = state.alias(name);
    if (alias === undefined) throw new AliasError(`there is no alias ${name}`);
    const target = versionOf(alias, alias.previous);
    if (target === undefined) throw new AliasError(`${name} has no earlier version to go back to`);
    const next: Alias = {
      ...alias,
      current: target.version,
      previous: alias.current,
      heldUpTo: Math.max(alias.heldUpTo, alias.versions.at(-1)?.version ?? 0),
    };
    writing.putAlias(next);
    writing.record(
      audited('alias-rolled-back', now, { alias: name, from: alias.current ?? 0, version: target.version }),
    );
    return next;
  });
}

export function removeAlias(name: string, { state, now }: AliasParts): void {
  state.transact({ durable: true }, (writing) => {
    if (state.alias(name) === undefined) throw new AliasError(`there is no alias ${name}`);
    writing.removeAlias(name);
    writing.record(audited('alias-removed', now, { alias: name }));
  });
}

/** Versions of the names that a policy's source has, newest last. */
export function followNames(policy: Policy, models: Iterable<ModelView>, parts: AliasParts): void {
  const newest = new Map<string, ModelView>();
  for (const model of models) {
    if (model.name === undefined || model.status !== 'ready') continue;
    const before = newest.get(model.name);
    if (before === undefined || isNewer(model, before)) newest.set(model.name, model);
  }
  for (const [name, model] of newest) {
    const last = parts.state.alias(name)?.versions.at(-1);
    if (last !== undefined && (last.modelId === model.id || last.region !== policy.from)) continue;
    addVersion(name, { region: policy.from, modelId: model.id, modelName: model.name }, parts);
  }
}

/** By the source's own dates, which only have whole seconds; the id decides between equal ones, so that it is always the same. */
function isNewer(a: ModelView, b: ModelView): boolean {
  if (a.lastUpdatedDateTime !== b.lastUpdatedDateTime) return a.lastUpdatedDateTime > b.lastUpdatedDateTime;
  return a.id > b.id;
}

/** Moves every alias whose newest version is proven wherever it is to be. */
export function moveAliases(
  policies: readonly Policy[],
  parts: AliasParts & { readonly report: (event: ReplicationEvent) => void },
): void {
  const { state, now, report } = parts;
  for (const seen of state.aliases()) {
    if (nextVersion(seen, policies, state) === undefined) continue;
    const moved = state.transact({ durable: true }, (writing) => {
      // Read again: somebody may have rolled it back meanwhile.
      const alias = state.alias(seen.name);
      const newest = alias === undefined ? undefined : nextVersion(alias, policies, state);
      if (alias === undefined || newest === undefined) return undefined;
      writing.putAlias({ ...alias, current: newest.version, previous: alias.current });
      const { version, modelId } = newest;
      writing.record(audited('alias-moved', now, { alias: alias.name, version, model: modelId }));
      return newest;
    });
    if (moved !== undefined) report({ event: 'alias-moved', alias: seen.name, version: moved.version });
  }
}

/** The newest version, where the alias is to move to it now. */
function nextVersion(alias: Alias, policies: readonly Policy[], state: State): AliasVersion | undefined {
  const newest = alias.versions.at(-1);
  if (newest === undefined || newest.version === alias.current || newest.version <= alias.heldUpTo) return undefined;
  const targets = new Set(policies.filter((policy) => isCopiedBy(policy, newest)).flatMap(({ to }) => to));
  const isProven = [...targets].every((to) => {
    const replica = state.replica({ from: newest.region, sourceId: newest.modelId, to });
    return replica?.state.phase === 'protected';
  });
  // The first version has nothing to protect: better served from one region than from none.
  return isProven || alias.current === undefined ? newest : undefined;
}

function isCopiedBy(policy: Policy, version: AliasVersion): boolean {
  if (policy.from !== version.region) return false;
  return compileFilter(policy.filter)({ id: version.modelId, name: version.modelName });
}

/** Models that serve, or would after a rollback, or are about to: none of them may be deleted by itself. */
export function servedModels(aliases: readonly Alias[], region: RegionName): ReadonlySet<ModelId> {
  const served = new Set<ModelId>();
  for (const alias of aliases) {
    for (const version of alias.versions) {
      if (version.region === region && (version.version === alias.current || version.version === alias.previous)) {
        served.add(version.modelId);
      }
    }
  }
  return served;
}

function audited(event: AuditEvent['event'], on: number, details: AuditEvent['details']): AuditEvent {
  return { event, on, details };
}
