import { isSameResource, v2 } from '@formhaven/contract';
import type { Config, Policy } from './config.ts';
import { presentDuration } from './duration.ts';

export interface Contradiction {
  readonly path: readonly string[];
  readonly message: string;
}

/** Settings that are each right and cannot both be meant. Every message names the two. */
export function contradictions(config: Config): readonly Contradiction[] {
  return [
    ...betweenRegions(config),
    ...config.policies.flatMap((policy) => ofPolicy(policy, config)),
    ...betweenPolicies(config),
  ];
}

function betweenRegions(config: Config): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const regions = [...config.regions.values()];
  for (const [index, region] of regions.entries()) {
    for (const other of regions.slice(0, index)) {
      const isSame = region.region === other.region && isSameResource(region.resourceId, other.resourceId);
      if (isSame) {
        found.push({
          path: ['regions', region.name, 'resourceId'],
          message: `regions.${region.name} and regions.${other.name} are the same resource in the same region`,
        });
      } else if (region.endpoint.toLowerCase() === other.endpoint.toLowerCase()) {
        found.push({
          path: ['regions', region.name, 'endpoint'],
          message: `regions.${region.name}.endpoint and regions.${other.name}.endpoint are the same, their resources are not`,
        });
      }
    }
  }
  return found;
}

function ofPolicy(policy: Policy, config: Config): readonly Contradiction[] {
  const found: Contradiction[] = [];
  const at = (setting: string, message: string): void => {
    found.push({ path: ['policies', policy.name, setting], message });
  };
  const known = [...config.regions.keys()].join(', ');
  const source = config.regions.get(policy.from);
  if (source === undefined) at('from', `policies.${policy.name}.from is ${policy.from}; regions has ${known}`);
  for (const name of policy.to) {
    const target = config.regions.get(name);
    if (target === undefined) {
      at('to', `policies.${policy.name}.to has ${name}; regions has ${known}`);
      continue;
    }
    if (name === policy.from) at('to', `policies.${policy.name}.from and .to are both ${name}`);
    if (source === undefined) continue;
    if ((source.kind === 'azure' || target.kind === 'azure') && policy.canaries === undefined) {
      const azure = source.kind === 'azure' ? source.name : target.name;
      at(
        'canaries',
        `policies.${policy.name}.canaries is not set and regions.${azure}.kind is azure: without digests only canaries can prove a copy`,
      );
    }
  }
  if (new Set(policy.to).size !== policy.to.length) at('to', `policies.${policy.name}.to names a region twice`);
  if (source !== undefined && !v2.V2_FEATURES[source.version].hasModelNames) {
    if (policy.filter.names !== undefined || policy.filter.exceptNames.length > 0) {
      at(
        'models',
        `policies.${policy.name}.models filters by name, but regions.${source.name}.apiVersion ${source.version} has no model names`,
      );
    }
    if (policy.aliases === 'byName') {
      at(
        'aliases',
        `policies.${policy.name}.aliases is byName, but regions.${source.name}.apiVersion ${source.version} has no model names`,
      );
    }
  }
  // A Formhaven source has a change feed; it still has to be asked once in a while to know that nothing changed.
  if (source?.kind === 'azure' && policy.rpoMilliseconds < config.pollMilliseconds) {
    at(
      'rpo',
      `policies.${policy.name}.rpo ${presentDuration(policy.rpoMilliseconds)} is shorter than pollEvery ${presentDuration(config.pollMilliseconds)}`,
    );
  }
  if (policy.proveEveryMilliseconds < config.pollMilliseconds) {
    at(
      'proveEvery',
      `policies.${policy.name}.proveEvery ${presentDuration(policy.proveEveryMilliseconds)} is shorter than pollEvery ${presentDuration(config.pollMilliseconds)}`,
    );
  }
  return found;
}

/** Two policies over the same models must agree on what a delete means. */
function betweenPolicies(config: Config): readonly Contradiction[] {
  const found: Contradiction[] = [];
  for (const [index, policy] of config.policies.entries()) {
    for (const other of config.policies.slice(0, index)) {
      if (policy.from !== other.from || !policy.to.some((name) => other.to.includes(name))) continue;
      if (JSON.stringify(policy.filter) !== JSON.stringify(other.filter)) continue;
      if (JSON.stringify(policy.deletes) === JSON.stringify(other.deletes)) continue;
      found.push({
        path: ['policies', policy.name, 'deletes'],
        message: `policies.${policy.name}.deletes and policies.${other.name}.deletes differ, for the same models of ${policy.from}`,
      });
    }
  }
  return found;
}
