import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { parseRegion, parseResourceId, type Region, type ResourceId, v2 } from '@formhaven/contract';
import { RATE_GROUPS, type RateGroup, type Rates } from './http/rates.ts';
import type { OutboundPolicy } from './ports/sources.ts';
import type { TokenSettings } from './ports/tokens.ts';

const MIB = 1024 * 1024;

/** Everything one region needs to know. Made once, from the environment, by {@link regionConfig}. */
export interface RegionConfig {
  readonly region: Region;
  readonly resourceId: ResourceId;
  /** Keys to store where the resource has none yet; afterwards `formhaven keys rotate` changes them. */
  readonly initialKeys: readonly [string, string] | undefined;
  /** Folder of this region alone. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What `Location` and `Operation-Location` start with; undefined: scheme and Host of the request. */
  readonly publicUrl: string | undefined;
  /** Addresses and CIDR blocks of proxies whose `X-Forwarded-Proto` and `-Host` are believed. */
  readonly trustedProxies: readonly string[];
  /** Pages of these origins may call from a browser; `*` stands for any. */
  readonly corsOrigins: readonly string[];
  /** How long a client may take for its whole request. */
  readonly requestMilliseconds: number;
  readonly maxDocumentBytes: number;
  /** Models of a resource, in whatever state. */
  readonly maxModels: number;
  /** Models in a page of the list. */
  readonly listPage: number;
  /** Requests a second that a resource may make; groups that are absent have no limit. */
  readonly rates: Rates;
  /** Undefined: keys only. */
  readonly tokens: TokenSettings | undefined;
  /** Undefined: plain http. */
  readonly tls: TlsSettings | undefined;
  /** JSON file `[{"region","resourceId","endpoint"}]` of the resources models may be copied to; read anew at each copy. */
  readonly peersFile: string | undefined;
  readonly outbound: OutboundPolicy;
  readonly threads: number;
  /** How long the results of operations can be fetched. */
  readonly keepResultsMilliseconds: number;
  /** How long a copy keeps trying to reach its target. */
  readonly copyPatienceMilliseconds: number;
  /** Waiting jobs beyond which new work is answered 429. */
  readonly maxQueueLength: number;
  /** Whether models carry their training documents, so that the other region can train them again. */
  readonly keepTrainingDocuments: boolean;
  readonly logLevel: string;
}

/** PEM files. */
export interface TlsSettings {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

interface Setting {
  readonly name: string;
  readonly help: string;
}

/** Every setting of a region, for `--help` and the operations guide. */
export const SETTINGS: readonly Setting[] = [
  { name: 'FORMHAVEN_REGION', help: 'name of the region, lower-case letters and digits, such as westus2' },
  { name: 'FORMHAVEN_RESOURCE_ID', help: '/subscriptions/…/accounts/NAME; made from the region where it is not set' },
  {
    name: 'FORMHAVEN_KEY1, FORMHAVEN_KEY2',
    help: "the resource's first keys, stored hashed; made and printed once where not set",
  },
  { name: 'FORMHAVEN_DATA', help: 'folder of the data (default ./data)' },
  { name: 'FORMHAVEN_HOST', help: 'address to listen on (default 127.0.0.1)' },
  { name: 'FORMHAVEN_PORT', help: 'port, 0 for any (default 8710); with several regions the next ones follow' },
  {
    name: 'FORMHAVEN_PUBLIC_URL',
    help: 'base of the URLs in Location headers (default: scheme and Host of the request)',
  },
  {
    name: 'FORMHAVEN_TRUST_PROXY',
    help: 'comma-separated addresses or blocks of proxies whose X-Forwarded headers are believed (default: none)',
  },
  {
    name: 'FORMHAVEN_CORS_ORIGINS',
    help: 'comma-separated origins whose pages may call from a browser, or * (default: none)',
  },
  { name: 'FORMHAVEN_REQUEST_TIMEOUT_SECONDS', help: 'how long a client may take for its whole request (default 600)' },
  { name: 'FORMHAVEN_MAX_DOCUMENT_MB', help: 'largest document to analyze, in MiB (default 50)' },
  { name: 'FORMHAVEN_MAX_MODELS', help: 'models a resource may have (default 5000)' },
  { name: 'FORMHAVEN_LIST_PAGE', help: 'models in a page of the list (default 28)' },
  {
    name: 'FORMHAVEN_RATES',
    help: 'requests a second by group, such as analyze=15,get=50,list=10,management=5 (default: no limits)',
  },
  { name: 'FORMHAVEN_TLS_CERT', help: 'PEM file of the certificate and its chain; serves https (default: http)' },
  { name: 'FORMHAVEN_TLS_KEY', help: "PEM file of the certificate's private key" },
  {
    name: 'FORMHAVEN_TOKEN_ISSUER',
    help: 'issuer of bearer tokens that open the resource beside its keys (default: none)',
  },
  { name: 'FORMHAVEN_TOKEN_AUDIENCE', help: 'audience those tokens must be for' },
  { name: 'FORMHAVEN_TOKEN_JWKS', help: "file or https URL of the issuer's public keys, a JSON Web Key Set" },
  { name: 'FORMHAVEN_TOKEN_ROLE', help: 'role those tokens must carry (default: any token of the issuer will do)' },
  { name: 'FORMHAVEN_PEERS_FILE', help: 'JSON file of the resources that models may be copied to' },
  {
    name: 'FORMHAVEN_TRAINING_ROOTS',
    help: 'local folders that training may read, separated by the path delimiter (default: none)',
  },
  {
    name: 'FORMHAVEN_ALLOWED_HOSTS',
    help: 'comma-separated hosts documents and training sources may come from (default: any public)',
  },
  {
    name: 'FORMHAVEN_ALLOW_PRIVATE_ADDRESSES',
    help: 'true: sources may lie on loopback and private addresses (default false)',
  },
  { name: 'FORMHAVEN_THREADS', help: 'documents read at once (default: cores less one, at least 2)' },
  { name: 'FORMHAVEN_KEEP_RESULTS_HOURS', help: 'how long results can be fetched (default 48)' },
  { name: 'FORMHAVEN_COPY_PATIENCE_SECONDS', help: 'how long a copy keeps trying to reach its target (default 120)' },
  { name: 'FORMHAVEN_MAX_QUEUE', help: 'waiting jobs beyond which new work is answered 429 (default 10000)' },
  {
    name: 'FORMHAVEN_KEEP_TRAINING_DOCUMENTS',
    help: 'false: models do not carry their training documents (default true)',
  },
  { name: 'FORMHAVEN_LOG_LEVEL', help: 'trace, debug, info, warn, error or silent (default info)' },
];

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws ConfigurationError that names the setting and says what it takes */
export function regionConfig(env: Environment): RegionConfig {
  const regionText = env.FORMHAVEN_REGION;
  if (regionText === undefined || regionText === '') {
    throw new ConfigurationError('FORMHAVEN_REGION is not set: name the region, such as westus2');
  }
  const region = parseRegion(regionText);
  if (region === undefined) {
    throw new ConfigurationError(
      `FORMHAVEN_REGION takes 1 to 24 lower-case letters and digits, not ${JSON.stringify(regionText)}`,
    );
  }
  const resourceText = env.FORMHAVEN_RESOURCE_ID || defaultResourceId(region);
  const resourceId = parseResourceId(resourceText);
  if (resourceId === undefined) {
    throw new ConfigurationError(
      'FORMHAVEN_RESOURCE_ID takes /subscriptions/…/resourceGroups/…/providers/Microsoft.CognitiveServices/accounts/NAME',
    );
  }
  return {
    region,
    resourceId,
    initialKeys: initialKeys(env),
    dataFolder: env.FORMHAVEN_DATA || 'data',
    host: env.FORMHAVEN_HOST || '127.0.0.1',
    port: number(env, 'FORMHAVEN_PORT', 8710, { min: 0, max: 65_535 }),
    publicUrl: publicUrl(env),
    trustedProxies: trustedProxies(env),
    corsOrigins: corsOrigins(env),
    requestMilliseconds: number(env, 'FORMHAVEN_REQUEST_TIMEOUT_SECONDS', 600, { min: 1, max: 86_400 }) * 1000,
    maxDocumentBytes: Math.floor(
      number(env, 'FORMHAVEN_MAX_DOCUMENT_MB', v2.V2_LIMITS.documentBytes / MIB, { min: 0.001, max: 2048 }) * MIB,
    ),
    maxModels: number(env, 'FORMHAVEN_MAX_MODELS', v2.V2_LIMITS.models, { min: 1, max: 10_000_000 }),
    listPage: number(env, 'FORMHAVEN_LIST_PAGE', v2.V2_LIMITS.listPage, { min: 1, max: 1000 }),
    rates: rates(env),
    tokens: tokens(env),
    tls: tls(env),
    peersFile: env.FORMHAVEN_PEERS_FILE || undefined,
    outbound: {
      allowPrivateAddresses: flag(env, 'FORMHAVEN_ALLOW_PRIVATE_ADDRESSES', false),
      allowedHosts: list(env.FORMHAVEN_ALLOWED_HOSTS, ','),
      trainingRoots: list(env.FORMHAVEN_TRAINING_ROOTS, process.platform === 'win32' ? ';' : ':') ?? [],
    },
    threads: number(env, 'FORMHAVEN_THREADS', Math.max(2, availableParallelism() - 1), { min: 1, max: 256 }),
    keepResultsMilliseconds: number(env, 'FORMHAVEN_KEEP_RESULTS_HOURS', 48, { min: 0.001, max: 8760 }) * 3_600_000,
    copyPatienceMilliseconds: number(env, 'FORMHAVEN_COPY_PATIENCE_SECONDS', 120, { min: 0, max: 86_400 }) * 1000,
    maxQueueLength: number(env, 'FORMHAVEN_MAX_QUEUE', 10_000, { min: 1, max: 10_000_000 }),
    keepTrainingDocuments: flag(env, 'FORMHAVEN_KEEP_TRAINING_DOCUMENTS', true),
    logLevel: oneOf(env, 'FORMHAVEN_LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
  };
}

/** Last segment of the resource id. */
export function resourceName(config: Pick<RegionConfig, 'resourceId'>): string {
  return config.resourceId.slice(config.resourceId.lastIndexOf('/') + 1);
}

/** The id of a region's only resource where none is configured. */
export function defaultResourceId(region: Region): string {
  return `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/formhaven/providers/Microsoft.CognitiveServices/accounts/${region}`;
}

function initialKeys(env: Environment): readonly [string, string] | undefined {
  const key1 = env.FORMHAVEN_KEY1 || undefined;
  const key2 = env.FORMHAVEN_KEY2 || undefined;
  if (key1 === undefined && key2 === undefined) return undefined;
  if (key1 === undefined || key2 === undefined) {
    throw new ConfigurationError('FORMHAVEN_KEY1 and FORMHAVEN_KEY2 go together: set both or neither');
  }
  if (key1.length < 16 || key2.length < 16) {
    throw new ConfigurationError('FORMHAVEN_KEY1 and FORMHAVEN_KEY2 take at least 16 characters each');
  }
  return [key1, key2];
}

function publicUrl(env: Environment): string | undefined {
  const text = env.FORMHAVEN_PUBLIC_URL;
  if (text === undefined || text === '') return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new ConfigurationError('FORMHAVEN_PUBLIC_URL takes an http or https URL');
  }
  return text.replace(/\/+$/, '');
}

function trustedProxies(env: Environment): readonly string[] {
  const proxies = list(env.FORMHAVEN_TRUST_PROXY, ',') ?? [];
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const longest = isIP(address) === 6 ? 128 : 32;
    if (isIP(address) === 0 || (bits !== undefined && !(/^\d+$/.test(bits) && Number(bits) <= longest))) {
      throw new ConfigurationError(
        `FORMHAVEN_TRUST_PROXY takes addresses and blocks such as 10.0.0.0/8, not ${JSON.stringify(proxy)}`,
      );
    }
  }
  return proxies;
}

/** As browsers send them: scheme, host and port, nothing after. */
function corsOrigins(env: Environment): readonly string[] {
  return (list(env.FORMHAVEN_CORS_ORIGINS, ',') ?? []).map((text) => {
    if (text === '*') return text;
    const origin = URL.parse(text)?.origin;
    if (origin === undefined || origin === 'null' || text.replace(/\/$/, '').toLowerCase() !== origin) {
      throw new ConfigurationError(
        `FORMHAVEN_CORS_ORIGINS takes origins such as https://tool.example:3000, or *, not ${JSON.stringify(text)}`,
      );
    }
    return origin;
  });
}

function rates(env: Environment): Rates {
  const chosen: Partial<Record<RateGroup, number>> = {};
  for (const item of list(env.FORMHAVEN_RATES, ',') ?? []) {
    const [name, text] = item.split('=');
    const group = RATE_GROUPS.find((candidate) => candidate === name?.trim());
    const rate = Number(text);
    if (group === undefined || !(rate > 0 && Number.isFinite(rate))) {
      throw new ConfigurationError(
        `FORMHAVEN_RATES takes ${RATE_GROUPS.join(', ')}, each with = and requests a second, not ${JSON.stringify(item)}`,
      );
    }
    chosen[group] = rate;
  }
  return chosen;
}

function tokens(env: Environment): TokenSettings | undefined {
  const { FORMHAVEN_TOKEN_ISSUER: issuer, FORMHAVEN_TOKEN_AUDIENCE: audience, FORMHAVEN_TOKEN_JWKS: keys } = env;
  if (!issuer && !audience && !keys && !env.FORMHAVEN_TOKEN_ROLE) return undefined;
  if (!issuer || !audience || !keys) {
    throw new ConfigurationError(
      'FORMHAVEN_TOKEN_ISSUER, FORMHAVEN_TOKEN_AUDIENCE and FORMHAVEN_TOKEN_JWKS go together: set all or none',
    );
  }
  const url = /^\w+:\/\//.test(keys) ? URL.parse(keys) : undefined;
  if (url === null || (url !== undefined && url.protocol !== 'https:')) {
    throw new ConfigurationError('FORMHAVEN_TOKEN_JWKS takes a file or an https URL');
  }
  return {
    issuer,
    audience,
    keys: url === undefined ? { from: 'file', file: keys } : { from: 'url', url },
    role: env.FORMHAVEN_TOKEN_ROLE || undefined,
  };
}

function tls(env: Environment): TlsSettings | undefined {
  const { FORMHAVEN_TLS_CERT: certificateFile, FORMHAVEN_TLS_KEY: keyFile } = env;
  if (!certificateFile && !keyFile) return undefined;
  if (!certificateFile || !keyFile) {
    throw new ConfigurationError('FORMHAVEN_TLS_CERT and FORMHAVEN_TLS_KEY go together: set both or neither');
  }
  return { certificateFile, keyFile };
}

function number(env: Environment, name: string, fallback: number, range: { min: number; max: number }): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < range.min || value > range.max) {
    throw new ConfigurationError(
      `${name} takes a number from ${range.min} to ${range.max}, not ${JSON.stringify(text)}`,
    );
  }
  return value;
}

function flag(env: Environment, name: string, fallback: boolean): boolean {
  return oneOf(env, name, ['true', 'false'], String(fallback)) === 'true';
}

function oneOf(env: Environment, name: string, choices: readonly string[], fallback: string): string {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  if (!choices.includes(text)) {
    throw new ConfigurationError(`${name} takes ${choices.join(', ')}, not ${JSON.stringify(text)}`);
  }
  return text;
}

function list(text: string | undefined, separator: string): readonly string[] | undefined {
  if (text === undefined || text === '') return undefined;
  const items = text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.length === 0 ? undefined : items;
}
