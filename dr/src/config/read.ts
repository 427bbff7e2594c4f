import { isAbsolute, resolve } from 'node:path';
import { parseRegion, parseResourceId } from '@formhaven/contract';
import { Compile } from 'typebox/compile';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import {
  AZURE_LIMITS,
  type Config,
  type Deletes,
  FORMHAVEN_LIMITS,
  type Policy,
  type RegionConfig,
  type RegionName,
} from './config.ts';
import { contradictions } from './contradictions.ts';
import { parseDuration } from './duration.ts';
import { type ConfigFile, ConfigSchema, type PolicyEntry, type RegionEntry } from './schema.ts';

export interface ConfigProblem {
  /** `policies.invoices.to`; empty for the whole file. */
  readonly path: string;
  /** From 1; undefined where the file has no such line. */
  readonly line: number | undefined;
  readonly message: string;
}

export type ConfigReading =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const check = Compile(ConfigSchema);

/** Understands the text of a `formhaven.yaml`. Paths in it count from `folder`. Secrets are not looked for. */
export function readConfig(text: string, folder: string): ConfigReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => ({
        path: '',
        line: error.linePos?.[0].line,
        message: error.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'is not YAML',
      })),
    };
  }
  const value: unknown = document.toJS();
  const at = (path: readonly string[], message: string): ConfigProblem => ({
    path: path.join('.'),
    line: lineOf(document, path, lines),
    message,
  });
  if (!check.Check(value)) {
    // Several errors may have one cause; the deepest one a place says it best.
    const places = new Map<string, ConfigProblem>();
    for (const error of check.Errors(value)) {
      if (error.keyword === 'anyOf') continue;
      const path = error.instancePath.split('/').slice(1).map(unescapePointer);
      const problem = at(path, presentError(error, path));
      if (!places.has(problem.path)) places.set(problem.path, problem);
    }
    return { ok: false, problems: [...places.values()] };
  }
  return understand(value, folder, at);
}

function understand(
  file: ConfigFile,
  folder: string,
  at: (path: readonly string[], message: string) => ConfigProblem,
): ConfigReading {
  const problems: ConfigProblem[] = [];
  const regions = new Map<RegionName, RegionConfig>();
  for (const [name, entry] of Object.entries(file.regions)) {
    const region = regionOf(name, entry);
    if ('problem' in region) problems.push(at(['regions', name, region.setting], region.problem));
    else regions.set(name, region);
  }
  const policies = Object.entries(file.policies).map(([name, entry]) => policyOf(name, entry, folder));
  for (const [name, entry] of Object.entries(file.policies)) {
    if (entry.models?.tags !== undefined) {
      problems.push(
        at(
          ['policies', name, 'models', 'tags'],
          'models have tags from API version 2022-08-31 on; filter by names or ids',
        ),
      );
    }
  }
  const config: Config = {
    dataFolder: absolute(file.data ?? 'formhaven-dr', folder),
    pollMilliseconds: duration(file.pollEvery ?? '15s'),
    regions,
    policies,
    webhook: file.webhook,
  };
  if (problems.length === 0) problems.push(...contradictions(config).map(({ path, message }) => at(path, message)));
  return problems.length === 0 ? { ok: true, config } : { ok: false, problems };
}

function regionOf(name: string, entry: RegionEntry): RegionConfig | { setting: string; problem: string } {
  const region = parseRegion(entry.region ?? name);
  if (region === undefined) {
    return {
      setting: 'region',
      problem: `takes 1 to 24 lower-case letters and digits, not ${JSON.stringify(entry.region ?? name)}`,
    };
  }
  const resourceId = parseResourceId(entry.resourceId);
  if (resourceId === undefined) {
    return {
      setting: 'resourceId',
      problem: 'takes /subscriptions/…/resourceGroups/…/providers/Microsoft.CognitiveServices/accounts/NAME',
    };
  }
  if (!URL.canParse(entry.endpoint)) return { setting: 'endpoint', problem: 'is no URL' };
  const { username, password } = new URL(entry.endpoint);
  if (username !== '' || password !== '')
    return { setting: 'endpoint', problem: 'holds a user or a password; use key' };
  const kind = entry.kind ?? 'formhaven';
  const defaults = kind === 'azure' ? AZURE_LIMITS : FORMHAVEN_LIMITS;
  const limits = entry.limits ?? {};
  return {
    name,
    kind,
    endpoint: entry.endpoint.replace(/\/+$/, ''),
    region,
    resourceId,
    version: entry.apiVersion ?? 'v2.1',
    key: entry.key,
    limits: {
      parallelCopies: limits.parallelCopies ?? defaults.parallelCopies,
      readsPerSecond: limits.readsPerSecond ?? defaults.readsPerSecond,
      listsPerSecond: limits.listsPerSecond ?? defaults.listsPerSecond,
      writesPerSecond: limits.writesPerSecond ?? defaults.writesPerSecond,
      analysesPerSecond: limits.analysesPerSecond ?? defaults.analysesPerSecond,
    },
  };
}

function policyOf(name: string, entry: PolicyEntry, folder: string): Policy {
  const { names, exceptNames, ids } = entry.models ?? {};
  return {
    name,
    from: entry.from,
    to: typeof entry.to === 'string' ? [entry.to] : entry.to,
    filter: { names, exceptNames: exceptNames ?? [], ids: ids?.map((id) => id.toLowerCase()) },
    rpoMilliseconds: duration(entry.rpo),
    rtoMilliseconds: entry.rto === undefined ? undefined : duration(entry.rto),
    deletes: deletesOf(entry.deletes ?? 'never'),
    canaries: entry.canaries === undefined ? undefined : absolute(entry.canaries, folder),
    proveEveryMilliseconds: duration(entry.proveEvery ?? '24h'),
    aliases: entry.aliases ?? 'none',
  };
}

function deletesOf(entry: NonNullable<PolicyEntry['deletes']>): Deletes {
  if (entry === 'never') return { kind: 'never' };
  const share = Number((entry.guard ?? '10%').slice(0, -1)) / 100;
  return { kind: 'afterGrace', graceMilliseconds: duration(entry.afterGrace), guardShare: share };
}

/** The schema has checked the form. */
function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new TypeError(`${text} passed the schema and is no duration`);
  return milliseconds;
}

function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

function presentError(error: ReturnType<typeof check.Errors>[number], path: readonly string[]): string {
  switch (error.keyword) {
    case 'required':
      return `${error.params.requiredProperties.join(', ')} missing`;
    case 'additionalProperties':
      return `does not take ${error.params.additionalProperties.join(', ')}`;
    case 'type':
      // Never the value: somebody may have put a key there.
      return path.at(-1) === 'key' || path.at(-1) === 'webhook'
        ? 'takes {env: NAME} or {file: PATH}; secrets do not stand in this file'
        : `must be of type ${String(error.params.type)}`;
    case 'pattern':
      return String(error.params.pattern) === '^[0-9]+(\\.[0-9]+)?(s|m|h|d)$'
        ? 'takes a duration such as 30s, 15m, 24h or 7d'
        : `does not match ${String(error.params.pattern)}`;
    default:
      return error.message;
  }
}

/** Line of the setting, or of the nearest one around it that the file has. */
function lineOf(document: Document, path: readonly string[], lines: LineCounter): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(
      path.slice(0, length).map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment)),
      true,
    );
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return undefined;
}
