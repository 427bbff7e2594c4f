import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRegion } from '@formhaven/contract';

// `endpoints.json` in the data folder: where the regions of `formhaven start` listen, and their keys. It is the one place where
// keys stand in the clear, so that a second start can print them again; mode 0600.

export interface RegionEndpoint {
  readonly region: string;
  readonly endpoint: string;
  readonly resourceId: string;
  readonly key1: string;
  readonly key2: string;
}

/** The gateway beside them, where there is one. */
export interface GatewayEndpoint {
  readonly endpoint: string;
  /** For clients. */
  readonly key1: string;
  readonly key2: string;
  /** For status, isolation, failover and failback. */
  readonly adminKey: string;
}

const FILE = 'endpoints.json';
/** Keys of a first start that has not come up yet; a start cut off finds them again. */
const FIRST_START = 'endpoints.first-start.json';

export function endpointsFile(dataFolder: string): string {
  return join(dataFolder, FILE);
}

/** Undefined where there is none yet. @throws Error that names the file and says what is wrong with it */
export async function readEndpoints(dataFolder: string): Promise<readonly RegionEndpoint[] | undefined> {
  return await readFrom(join(dataFolder, FILE));
}

/** The regions serve: publish where, all at once. A gateway that the file names stays, unless it is told otherwise. */
export async function writeEndpoints(
  dataFolder: string,
  regions: readonly RegionEndpoint[],
  gateway: GatewayEndpoint | 'asItWas' | 'none' = 'asItWas',
): Promise<void> {
  const named =
    gateway === 'asItWas' ? await readGatewayEndpoint(dataFolder) : gateway === 'none' ? undefined : gateway;
  await writeTo(join(dataFolder, FILE), regions, named);
  await rm(join(dataFolder, FIRST_START), { force: true });
}

/** Takes the old file away while nothing serves, so that whoever waits for it waits for this start. Returns what it said. */
export async function takeEndpoints(dataFolder: string): Promise<readonly RegionEndpoint[] | undefined> {
  const before = (await readEndpoints(dataFolder)) ?? (await readFrom(join(dataFolder, FIRST_START)));
  const gateway = await readGatewayEndpoint(dataFolder);
  if (before !== undefined) await writeTo(join(dataFolder, FIRST_START), before, gateway);
  await rm(join(dataFolder, FILE), { force: true });
  return before;
}

/** Keeps the keys of a first start before the regions store their hashes. */
export async function keepFirstStart(dataFolder: string, regions: readonly RegionEndpoint[]): Promise<void> {
  await writeTo(join(dataFolder, FIRST_START), regions, await readGatewayEndpoint(dataFolder));
}

/** Undefined where there is no gateway beside the regions. */
export async function readGatewayEndpoint(dataFolder: string): Promise<GatewayEndpoint | undefined> {
  for (const file of [FILE, FIRST_START]) {
    const text = await readFile(join(dataFolder, file), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('gateway' in value)) return undefined;
    const { gateway } = value;
    return isGateway(gateway) ? gateway : undefined;
  }
  return undefined;
}

function isGateway(value: unknown): value is GatewayEndpoint {
  return (
    typeof value === 'object' &&
    value !== null &&
    (['endpoint', 'key1', 'key2', 'adminKey'] as const).every(
      (key) => key in value && typeof (value as Record<string, unknown>)[key] === 'string',
    )
  );
}

/** 128 random bits as 32 hexadecimal digits, as the cloud's keys look. */
export function newKey(): string {
  return randomBytes(16).toString('hex');
}

async function readFrom(file: string): Promise<readonly RegionEndpoint[] | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON. Delete it and rotate the keys, or restore it.`, { cause });
  }
  if (!isEndpoints(value)) {
    throw new Error(
      `${file} takes {"regions":[{"region","endpoint","resourceId","key1","key2"}]}. Delete it and rotate the keys, or mend it.`,
    );
  }
  return value.regions;
}

function isEndpoints(value: unknown): value is { regions: RegionEndpoint[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'regions' in value &&
    Array.isArray(value.regions) &&
    value.regions.every(
      (entry: unknown) =>
        typeof entry === 'object' &&
        entry !== null &&
        'region' in entry &&
        typeof entry.region === 'string' &&
        parseRegion(entry.region) !== undefined &&
        (['endpoint', 'resourceId', 'key1', 'key2'] as const).every(
          (key) => key in entry && typeof (entry as Record<string, unknown>)[key] === 'string',
        ),
    )
  );
}

async function writeTo(
  file: string,
  regions: readonly RegionEndpoint[],
  gateway: GatewayEndpoint | undefined,
): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ regions, gateway }, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
