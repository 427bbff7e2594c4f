import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemClock } from './clock.ts';
import type { Config, Policy, RegionConfig, RegionName } from './config/config.ts';
import { type ConfigProblem, readConfig } from './config/read.ts';
import { readSecret } from './config/secret.ts';
import { canaryFolder } from './proof/canary-documents.ts';
import type { Pair, ReplicationEvent, ReplicationParts } from './replicate/parts.ts';
import { httpSide } from './sides/http-side.ts';
import type { Side } from './sides/side.ts';
import { throttledSide } from './sides/throttled-side.ts';
import { openSqliteState } from './state/sqlite-state.ts';
import type { State } from './state/state.ts';

// The composition root of disaster recovery: from a file and an environment to sides, pairs and a state.

/** A copy that is accepted and does not end in this time is begun anew. The largest models take a minute. */
const COPY_PATIENCE_MILLISECONDS = 10 * 60_000;

export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid';
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => presentProblem(file, problem)).join('\n'));
    this.problems = problems;
  }
}

export function presentProblem(file: string, { line, path, message }: ConfigProblem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${path}${path === '' ? '' : ': '}${message}`;
}

/** @throws ConfigInvalid */
export async function loadConfig(file: string): Promise<Config> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const message = isMissing
      ? 'there is no such file. formhaven config init writes one for the regions of formhaven start.'
      : `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new ConfigInvalid(file, [{ path: '', line: undefined, message }]);
  }
  const reading = readConfig(text, dirname(path));
  if (!reading.ok) throw new ConfigInvalid(file, reading.problems);
  return reading.config;
}

export function stateFile(config: Config): string {
  return join(config.dataFolder, 'state.db');
}

export function lockFile(config: Config): string {
  return join(config.dataFolder, 'orchestrator.lock');
}

export function openState(config: Config): State {
  return openSqliteState(stateFile(config));
}

/** @throws SecretMissing */
export async function openSide(region: RegionConfig, env: Readonly<Record<string, string | undefined>>): Promise<Side> {
  const key = await readSecret(region.key, { env, what: `the key of region ${region.name}` });
  return throttledSide(httpSide(region, key), systemClock);
}

/** Pairs of these policies, or of all. One side a region, whatever the number of pairs. @throws SecretMissing */
export async function openPairs(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[] = [],
): Promise<readonly Pair[]> {
  const sides = new Map<RegionName, Side>();
  const sideOf = async (name: RegionName): Promise<Side> => {
    const known = sides.get(name);
    if (known !== undefined) return known;
    const region = config.regions.get(name);
    if (region === undefined) throw new TypeError(`the configuration was checked, and has no region ${name}`);
    const side = await openSide(region, env);
    sides.set(name, side);
    return side;
  };
  const pairs: Pair[] = [];
  for (const policy of chosen(config.policies, names)) {
    const canaries = policy.canaries === undefined ? undefined : canaryFolder(policy.canaries);
    for (const to of policy.to) {
      pairs.push({ policy, source: await sideOf(policy.from), target: await sideOf(to), canaries });
    }
  }
  return pairs;
}

export class UnknownPolicy extends Error {
  override readonly name = 'UnknownPolicy';
}

function chosen(policies: readonly Policy[], names: readonly string[]): readonly Policy[] {
  if (names.length === 0) return policies;
  for (const name of names) {
    if (!policies.some((policy) => policy.name === name)) {
      throw new UnknownPolicy(`there is no policy ${name}, but ${policies.map((policy) => policy.name).join(', ')}`);
    }
  }
  return policies.filter(({ name }) => names.includes(name));
}

export function replicationParts(state: State, report: (event: ReplicationEvent) => void): ReplicationParts {
  return {
    state,
    clock: systemClock,
    nonce: () => randomBytes(32).toString('hex'),
    report,
    copyPatienceMilliseconds: COPY_PATIENCE_MILLISECONDS,
  };
}
