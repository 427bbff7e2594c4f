import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseRegion, parseSha256, type Region, type Sha256 } from '@formhaven/contract';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

// What the gateway reads anew while it runs: regions, their keys and shares, and who may call. One JSON file; the regions may stand
// in a file of their own, of the shape `formhaven start` publishes. Times, ports and folders are options of the start instead.

/** The key itself, or where it lies. In a file of several people it does not stand itself. */
const SecretSchema = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object({ env: Type.String({ minLength: 1 }) }),
  Type.Object({ file: Type.String({ minLength: 1 }) }),
]);

const RegionSchema = Type.Object({
  region: Type.String(),
  endpoint: Type.String({ pattern: '^https?://' }),
  resourceId: Type.Optional(Type.String()),
  key1: SecretSchema,
  key2: Type.Optional(SecretSchema),
});

const ShareSchema = Type.Object({
  /** Of analyses, against the other weights; 0 keeps a region for failover. Without any weight the first usable region takes all. */
  weight: Type.Optional(Type.Number({ minimum: 0 })),
  /** Analyses a second. */
  requestsPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
});

const RegionsFileSchema = Type.Object({ regions: Type.Array(RegionSchema, { minItems: 1 }) });
const GatewayFileSchema = Type.Object({
  regions: Type.Optional(Type.Array(RegionSchema, { minItems: 1 })),
  /** Instead of `regions`; relative to this file. */
  regionsFile: Type.Optional(Type.String({ minLength: 1 })),
  shares: Type.Optional(Type.Record(Type.String(), ShareSchema)),
  /** SHA-256 of the keys that clients send, in hexadecimal. */
  clientKeys: Type.Array(Type.String(), { minItems: 1 }),
  /** SHA-256 of the keys that open status, isolation and failover. */
  adminKeys: Type.Array(Type.String(), { minItems: 1 }),
});

export interface RegionConfig {
  readonly name: Region;
  /** Without a last slash. */
  readonly endpoint: string;
  readonly resourceId: string | undefined;
  /** In the order they are tried. */
  readonly keys: readonly string[];
  readonly weight: number | undefined;
  readonly requestsPerSecond: number | undefined;
}

export interface GatewayConfig {
  readonly regions: readonly RegionConfig[];
  readonly clientKeys: readonly Sha256[];
  readonly adminKeys: readonly Sha256[];
}

/** Says what is wrong and where; never repeats a value, which may be a key. */
export class GatewayConfigError extends Error {
  override readonly name = 'GatewayConfigError';
}

const checkGateway = Compile(GatewayFileSchema);
const checkRegions = Compile(RegionsFileSchema);

/** @throws GatewayConfigError */
export async function readGatewayConfig(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GatewayConfig> {
  const value = await readJsonFile(file);
  if (!checkGateway.Check(value)) throw mismatch(file, checkGateway.Errors(value)[0]);
  if ((value.regions === undefined) === (value.regionsFile === undefined)) {
    throw new GatewayConfigError(`${file} takes either regions or regionsFile.`);
  }
  const regionsFile = value.regionsFile === undefined ? undefined : resolve(dirname(file), value.regionsFile);
  const entries = value.regions ?? (await readRegions(regionsFile ?? file));
  const folder = dirname(regionsFile ?? file);
  const shares = value.shares ?? {};
  const regions: RegionConfig[] = [];
  for (const entry of entries) {
    const name = parseRegion(entry.region);
    if (name === undefined) throw new GatewayConfigError(`${file}: a region's name takes 1 to 24 letters and digits.`);
    if (regions.some((other) => other.name === name)) throw new GatewayConfigError(`${file} names ${name} twice.`);
    const share = shares[name];
    regions.push({
      name,
      endpoint: entry.endpoint.replace(/\/+$/, ''),
      resourceId: entry.resourceId,
      keys: await keysOf(entry, { file, folder, env }),
      weight: share?.weight,
      requestsPerSecond: share?.requestsPerSecond,
    });
  }
  for (const name of Object.keys(shares)) {
    if (!regions.some((region) => region.name === name)) {
      throw new GatewayConfigError(`${file}: shares names ${name}, regions does not.`);
    }
  }
  return {
    regions,
    clientKeys: value.clientKeys.map((text) => hashOf(text, `${file}: clientKeys`)),
    adminKeys: value.adminKeys.map((text) => hashOf(text, `${file}: adminKeys`)),
  };
}

/** Every file whose change may change the configuration, those of the keys included. */
export async function configFiles(file: string): Promise<readonly string[]> {
  const value = await readJsonFile(file);
  if (!checkGateway.Check(value)) return [file];
  const regionsFile = value.regionsFile === undefined ? undefined : resolve(dirname(file), value.regionsFile);
  const files = regionsFile === undefined ? [file] : [file, regionsFile];
  const regions = regionsFile === undefined ? (value.regions ?? []) : await readRegions(regionsFile);
  for (const secret of regions.flatMap(({ key1, key2 }) => [key1, key2])) {
    if (typeof secret === 'object' && 'file' in secret) {
      files.push(resolve(dirname(regionsFile ?? file), secret.file));
    }
  }
  return files;
}

async function readRegions(file: string): Promise<Static<typeof RegionsFileSchema>['regions']> {
  const value = await readJsonFile(file);
  if (!checkRegions.Check(value)) throw mismatch(file, checkRegions.Errors(value)[0]);
  return value.regions;
}

async function keysOf(
  entry: Static<typeof RegionSchema>,
  from: {
    readonly file: string;
    readonly folder: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const secret of [entry.key1, entry.key2]) {
    if (secret === undefined) continue;
    const key = await secretOf(secret, `${from.file}: region ${entry.region}`, from);
    if (!/^[\x21-\x7e]+$/.test(key)) {
      throw new GatewayConfigError(`${from.file}: a key of ${entry.region} is no printable ASCII without spaces.`);
    }
    keys.push(key);
  }
  return keys;
}

async function secretOf(
  secret: Static<typeof SecretSchema>,
  where: string,
  from: { readonly folder: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<string> {
  if (typeof secret === 'string') return secret;
  if ('env' in secret) {
    const value = from.env[secret.env];
    if (value === undefined || value === '')
      throw new GatewayConfigError(`${where}: the environment has no ${secret.env}.`);
    return value;
  }
  try {
    return (await readFile(resolve(from.folder, secret.file), 'utf8')).trim();
  } catch (cause) {
    throw new GatewayConfigError(`${where}: ${secret.file} cannot be read.`, { cause });
  }
}

function hashOf(text: string, where: string): Sha256 {
  const hash = parseSha256(text.toLowerCase().replace(/^sha256:/, ''));
  if (hash === undefined) throw new GatewayConfigError(`${where} takes SHA-256 hashes in hexadecimal.`);
  return hash;
}

async function readJsonFile(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new GatewayConfigError(`${file} cannot be read.`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: it quotes the text, where keys may stand.
    throw new GatewayConfigError(`${file} is not JSON.`);
  }
}

function mismatch(
  file: string,
  error: { readonly instancePath: string; readonly message: string } | undefined,
): GatewayConfigError {
  return new GatewayConfigError(`${file}: ${error?.instancePath || 'the file'} ${error?.message ?? 'is not right'}.`);
}
