import type { ModelId } from '@formhaven/contract';
import type { Policy, RegionName } from '../config/config.ts';
import { compileFilter } from '../config/selects.ts';
import type { Look } from '../replicate/look.ts';
import { type State, targetIdOf } from '../state/state.ts';
import { assess, type PairStatus } from './assess.ts';

/** What the state knows, put beside two looks. */
export function assessPair(given: {
  readonly policy: Policy;
  readonly to: RegionName;
  readonly policies: readonly Policy[];
  readonly source: Look;
  readonly target: Look;
  readonly state: State;
  readonly now: number;
}): PairStatus {
  const { policy, to, state } = given;
  const copiesAtSource = new Set<ModelId>();
  const sourcesAtTarget = new Set<ModelId>();
  for (const replica of state.replicas()) {
    const id = targetIdOf(replica);
    if (replica.to === policy.from && id !== undefined) copiesAtSource.add(id);
    if (replica.from === to) sourcesAtTarget.add(replica.sourceId);
    // Copies that other policies made there are theirs.
    if (replica.to === to && replica.from !== policy.from && id !== undefined) sourcesAtTarget.add(id);
  }
  for (const { region, modelId } of state.leftovers()) {
    if (region === policy.from) copiesAtSource.add(modelId);
    if (region === to) sourcesAtTarget.add(modelId);
  }
  const others = given.policies
    .filter(({ name, from, to: targets }) => name !== policy.name && from === policy.from && targets.includes(to))
    .map(({ filter }) => compileFilter(filter));
  return assess({
    ...given,
    replicas: state.replicas({ from: policy.from, to }),
    tombstones: state.tombstones().filter((entry) => entry.from === policy.from && entry.to === to),
    wants: compileFilter(policy.filter),
    othersWant: (model) => others.some((wants) => wants(model)),
    copiesAtSource,
    sourcesAtTarget,
    lookedOn: state.knownRegion(policy.from)?.lookedOn,
  });
}
