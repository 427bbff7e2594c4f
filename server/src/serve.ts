import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { type AddressInfo, isIPv6 } from 'node:net';
import { parseRegion } from '@formhaven/contract';
import type { Logger } from 'pino';
import { composeApi, lockFolder, openRegionState, type RegionState } from './compose.ts';
import { ConfigurationError, type RegionConfig, regionConfig, resourceName } from './config.ts';
import { sha256 } from './models/manifest.ts';
import { sweep } from './operations/sweep.ts';
import type { KeySlot } from './ports/store.ts';
import { superviseWorker } from './worker/supervise.ts';

// One region as a process: the API here, its worker beside it. It is in one of these states: starting (lock, recover, listen,
// first worker) → serving → ending (by a signal or the loss of its parent: refuse new connections, let requests and jobs end,
// close) → ended.

const SWEEP_MILLISECONDS = 60 * 60_000;

export interface ServingRegion {
  readonly region: string;
  readonly endpoint: string;
  /** Keys made by this start, since the resource had none; they are shown once. */
  readonly newKeys: readonly [string, string] | undefined;
  /** Resolves when the region has drained and closed. */
  readonly ended: Promise<void>;
}

/**
 * Serves the region the environment describes until SIGINT, SIGTERM or, where it was forked, the end of its parent.
 * @throws ConfigurationError, FolderLocked, StoreOpenError and the system's errors of a port that cannot be had
 */
export async function serveRegion(env: NodeJS.ProcessEnv): Promise<ServingRegion> {
  const config = regionConfig(env);
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 });
  await using opened = new AsyncDisposableStack();
  opened.use(await lockFolder(config.dataFolder, { what: `region ${config.region}` }));
  const state = opened.use(await openRegionState(config));
  await state.recover();
  const newKeys = await provisionResource(config, state);

  const { FORMHAVEN_KEY1: _1, FORMHAVEN_KEY2: _2, ...workerEnv } = env;
  let worker: ReturnType<typeof superviseWorker> | undefined;
  const { http, log } = await composeApi(config, state, {
    wake: () => worker?.wake(),
    isUp: () => worker?.isUp() ?? false,
  });
  opened.defer(() => http.close());
  await http.listen({ host: config.host, port: config.port });
  const supervised = superviseWorker({ log, queue: state.queue, env: workerEnv });
  worker = supervised;
  opened.defer(() => supervised.drain());
  await supervised.firstReady;

  const sweeping = startSweeping(state, log);
  const endpoint = config.publicUrl ?? listeningAt(config, http.server.address());
  log.info({ event: 'serving', endpoint });

  const resources = opened.move();
  const ended = new Promise<void>((resolve, reject) => {
    let isEnding = false;
    const end = (reason: string): void => {
      if (isEnding) return;
      isEnding = true;
      log.info({ event: 'draining', reason });
      clearInterval(sweeping);
      // Requests first, then the jobs they may have made, then the store.
      http
        .close()
        .then(() => resources.disposeAsync())
        .then(() => {
          log.info({ event: 'ended' });
          if (process.connected) process.disconnect();
          resolve();
        }, reject);
    };
    process.on('SIGINT', () => end('SIGINT'));
    process.on('SIGTERM', () => end('SIGTERM'));
    // `send` tells that there was a parent; it may have gone while the region started.
    if (process.connected) process.on('disconnect', () => end('parent is gone'));
    else if (process.send !== undefined) end('parent is gone');
  });
  return { region: config.region, endpoint, newKeys, ended };
}

/** The resource's row, and its keys where it has none. Returns keys that nobody was told yet. */
async function provisionResource(
  config: RegionConfig,
  state: Pick<RegionState, 'store'>,
): Promise<readonly [string, string] | undefined> {
  const name = resourceName(config);
  await state.store.putResource({ name, resourceId: config.resourceId });
  const existing = (await state.store.keys()).filter((key) => key.resource === name);
  if (existing.length > 0) return undefined;
  const made = config.initialKeys === undefined ? ([newKey(), newKey()] as const) : undefined;
  const [key1, key2] = config.initialKeys ?? made ?? [newKey(), newKey()];
  await state.store.putKey({ resource: name, slot: 1, hash: sha256(key1) });
  await state.store.putKey({ resource: name, slot: 2, hash: sha256(key2) });
  return made;
}

/**
 * Replaces one key of a region's resource, whether the region serves or not.
 * @throws ConfigurationError where the region's name is none; StoreOpenError where the folder is another region's
 */
export async function rotateKey(options: {
  readonly dataFolder: string;
  readonly region: string;
  readonly slot: KeySlot;
  readonly key: string;
}): Promise<void> {
  const region = parseRegion(options.region);
  if (region === undefined) throw new ConfigurationError('the region takes 1 to 24 lower-case letters and digits');
  await using state = await openRegionState({ dataFolder: options.dataFolder, region });
  const resources = await state.store.resources();
  if (resources.length === 0)
    throw new ConfigurationError(`${options.dataFolder} has no resource: start the region first.`);
  for (const { name } of resources) {
    await state.store.putKey({ resource: name, slot: options.slot, hash: sha256(options.key) });
  }
}

function startSweeping(state: RegionState, log: Logger): NodeJS.Timeout {
  let isSweeping = false;
  const run = (): void => {
    if (isSweeping) return;
    isSweeping = true;
    sweep(state)
      .then(
        (swept) => log.info({ event: 'swept', ...swept }),
        (error: unknown) => log.error({ event: 'sweep-failed', err: error }),
      )
      .finally(() => {
        isSweeping = false;
      });
  };
  run();
  return setInterval(run, SWEEP_MILLISECONDS).unref();
}

function newKey(): string {
  return randomBytes(16).toString('hex');
}

function listeningAt(config: RegionConfig, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  return `${config.tls === undefined ? 'http' : 'https'}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
