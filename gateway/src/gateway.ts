import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { type AddressInfo, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseModelMap, type Region, v2 } from '@formhaven/contract';
import type { Logger } from 'pino';
import { configFiles, type GatewayConfig, readGatewayConfig } from './config.ts';
import { DEFAULT_BREAKER_LIMITS } from './health/breaker.ts';
import { type HealthTimings, nameOf, RegionHealth } from './health/region-health.ts';
import { IdMap } from './id-map.ts';
import { currentLeadership, moveAsWitness } from './leadership.ts';
import { LiveValue } from './live-value.ts';
import { createGatewayLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { GatewayLimits, GatewayParts } from './parts.ts';
import { Recovery } from './recovery.ts';
import { RegionLink } from './region-link.ts';
import { type RoutedRegion, Router } from './router.ts';
import { createService } from './service.ts';
import { Spool } from './spool/spool.ts';
import { openSqliteGatewayStore } from './store/sqlite-store.ts';
import { TokenBucket } from './token-bucket.ts';

// The composition root: it alone opens things, and what it opens it closes, in the opposite order.

export interface GatewayOptions {
  readonly configFile: string;
  /** Store, spool and its key. Gateways that share it are one. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0 takes any. */
  readonly port: number;
  /** Where replication writes which ids are one model. Without it, or while it is not there, ids are the same everywhere. */
  readonly modelMapFile?: string | undefined;
  readonly publicUrl?: string | undefined;
  /** After the primary has been dead for so long, writes move by themselves. Without it a person moves them. */
  readonly witnessSeconds?: number | undefined;
  readonly spoolBytes?: number | undefined;
  readonly timings?: Partial<HealthTimings> | undefined;
  readonly limits?: Partial<GatewayLimits> | undefined;
  /** How often files and the store are looked at for changes. */
  readonly watchMilliseconds?: number | undefined;
  readonly maxRequestsAtOnce?: number | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly log?: Logger | undefined;
  readonly logLevel?: string | undefined;
  /** Wall clock; a test lets it jump. */
  readonly now?: (() => number) | undefined;
}

export interface RunningGateway extends AsyncDisposable {
  readonly endpoint: string;
}

export const DEFAULT_TIMINGS: HealthTimings = {
  probeEveryMilliseconds: 500,
  probeDeadlineMilliseconds: 1000,
  canaryEveryMilliseconds: 5000,
  canaryDeadlineMilliseconds: 10_000,
  canaryPatienceMilliseconds: 20_000,
  canaryTarget: { kind: 'layout' },
  canaryVersion: 'v2.1',
  breaker: DEFAULT_BREAKER_LIMITS,
};

export const DEFAULT_LIMITS: GatewayLimits = {
  maxDocumentBytes: v2.V2_LIMITS.documentBytes,
  acceptMilliseconds: 10_000,
  readMilliseconds: 5000,
  writeMilliseconds: 30_000,
  parallelPerRegion: 128,
  lostAfterMilliseconds: 300_000,
  keepDeliveredMilliseconds: 60_000,
  keepDocumentsMilliseconds: 3_600_000,
  keepOperationsMilliseconds: v2.V2_LIMITS.resultHours * 3_600_000,
};

const DEFAULT_SPOOL_BYTES = 2 * 1024 ** 3;
const DEFAULT_WATCH_MILLISECONDS = 500;
const CONNECT_MILLISECONDS = 1000;
const RETRIES_AT_ONCE = 100;
const SWEEP_MILLISECONDS = 5000;
const COUNT_MILLISECONDS = 60_000;
const ORPHAN_MILLISECONDS = 24 * 3_600_000;

/** @throws GatewayConfigError, GatewayStoreError, and the system's errors of a port that cannot be had */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  await using opened = new AsyncDisposableStack();
  const instance = randomUUID();
  const log = options.log ?? createGatewayLog({ process: 'gateway', instance }, options.logLevel ?? 'info');
  const now = steadyClock(options.now ?? (() => Date.now()));
  const timings = { ...DEFAULT_TIMINGS, ...options.timings };
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const watchMilliseconds = options.watchMilliseconds ?? DEFAULT_WATCH_MILLISECONDS;
  const env = options.env ?? process.env;

  await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
  const spool = await Spool.open(options.dataFolder, { maxBytes: options.spoolBytes ?? DEFAULT_SPOOL_BYTES });
  const store = opened.use(await openSqliteGatewayStore(join(options.dataFolder, 'gateway.db')));

  const regions = new RegionSet(
    (region) => newRegion(region),
    () => config.refresh(),
  );
  opened.defer(() => regions[Symbol.asyncDispose]());
  const config = opened.use(
    await LiveValue.open<GatewayConfig>({
      files: () => configFiles(options.configFile),
      read: () => readGatewayConfig(options.configFile, env),
      everyMilliseconds: watchMilliseconds,
      changed: (value) => {
        regions.update(value);
        log.info({ event: 'config-read', regions: value.regions.map(({ name }) => name) });
      },
      failed: (error) => log.error({ event: 'config-unreadable', err: error }),
    }),
  );
  const ids = opened.use(await openIds(options.modelMapFile, watchMilliseconds, log));

  const metrics = createMetrics({
    regions: () => regions.all,
    spoolBytes: () => spool.bytes,
    countOpen: () => store.countOpen(),
    epoch: async () => (await currentLeadership({ store, config, now })).epoch,
  });

  function newRegion(link: RegionLink): RoutedRegion {
    const health = new RegionHealth({
      link,
      timings,
      now: () => performance.now(),
      random: () => Math.random(),
      changed: (before, after) => {
        log.warn({ event: 'region-state', region: link.name, from: nameOf(before), to: nameOf(after) });
      },
      canaryEnded: (outcome) => {
        metrics.canaries.inc({ region: link.name, outcome: outcome.kind });
        if ('milliseconds' in outcome)
          metrics.canarySeconds.observe({ region: link.name }, outcome.milliseconds / 1000);
      },
    });
    return { link, health };
  }

  regions.update(config.current);
  const leadership = await currentLeadership({ store, config, now });
  const router = new Router(
    {
      regions: () => regions.all,
      idMap: () => ids.current,
      now: () => performance.now(),
      random: () => Math.random(),
      switched: (from, to) => {
        metrics.switches.inc({ from, to });
        log.warn({ event: 'switched', from, to });
      },
    },
    leadership.region,
  );
  const retryBudget = new TokenBucket({ perSecond: 1, capacity: RETRIES_AT_ONCE, now: () => performance.now() });
  const common = { ids, store, spool, router, metrics, retryBudget, log, limits, instance, now };
  const recovery = new Recovery(
    { ...common, regions: () => regions.all.map(({ link }) => link.name) },
    { everyMilliseconds: watchMilliseconds },
  );
  opened.use(recovery);
  const parts: GatewayParts = { ...common, config, recovery };

  await followIsolations(parts);
  regions.start();
  recovery.start();
  opened.use(repeat(watchMilliseconds, log, watcher(parts, leadership.epoch, options.witnessSeconds)));
  opened.use(repeat(SWEEP_MILLISECONDS, log, () => sweep(parts)));
  opened.use(repeat(COUNT_MILLISECONDS, log, () => spool.sweep((key) => store.isSpooled(key), ORPHAN_MILLISECONDS)));

  const server = createService(parts, {
    publicUrl: options.publicUrl?.replace(/\/+$/, ''),
    maxRequestsAtOnce: options.maxRequestsAtOnce ?? 1000,
  });
  server.listen({ host: options.host, port: options.port });
  await once(server, 'listening');
  opened.defer(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
  });
  const { address, port } = server.address() as AddressInfo;
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  const endpoint = options.publicUrl ?? `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  log.info({ event: 'serving', endpoint });
  const resources = opened.move();
  return { endpoint, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** The time of day as it was at the start, carried on by the clock that only moves forward: nothing expires because a clock was set. */
function steadyClock(wallClock: () => number): () => number {
  const offset = wallClock() - performance.now();
  return () => Math.round(offset + performance.now());
}

/** The regions of the configuration, opened and closed as it changes. */
class RegionSet implements AsyncDisposable {
  readonly #open: (link: RegionLink) => RoutedRegion;
  readonly #refreshKeys: () => Promise<void>;
  readonly #regions = new Map<Region, RoutedRegion>();
  #order: readonly RoutedRegion[] = [];
  #isStarted: boolean = false;

  constructor(open: (link: RegionLink) => RoutedRegion, refreshKeys: () => Promise<void>) {
    this.#open = open;
    this.#refreshKeys = refreshKeys;
  }

  get all(): readonly RoutedRegion[] {
    return this.#order;
  }

  update(config: GatewayConfig): void {
    for (const region of config.regions) {
      const known = this.#regions.get(region.name);
      if (known !== undefined) {
        known.link.update(region);
        continue;
      }
      const made = this.#open(
        new RegionLink(region, { connectMilliseconds: CONNECT_MILLISECONDS, refreshKeys: this.#refreshKeys }),
      );
      this.#regions.set(region.name, made);
      if (this.#isStarted) made.health.start();
    }
    for (const [name, region] of this.#regions) {
      if (config.regions.some((other) => other.name === name)) continue;
      this.#regions.delete(name);
      void closeRegion(region);
    }
    this.#order = config.regions.flatMap(({ name }) => this.#regions.get(name) ?? []);
  }

  start(): void {
    this.#isStarted = true;
    for (const { health } of this.#order) health.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#order.map(closeRegion));
  }
}

async function closeRegion({ health, link }: RoutedRegion): Promise<void> {
  await health[Symbol.asyncDispose]();
  await link[Symbol.asyncDispose]();
}

async function openIds(file: string | undefined, everyMilliseconds: number, log: Logger): Promise<LiveValue<IdMap>> {
  const read = async (): Promise<IdMap> => {
    if (file === undefined) return new IdMap({ version: 1, writtenOn: '', models: [] });
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      // Replication has not written it yet.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        return new IdMap({ version: 1, writtenOn: '', models: [] });
      }
      throw error;
    }
    return new IdMap(parseModelMap(JSON.parse(text)));
  };
  return await LiveValue.open<IdMap>({
    files: async () => (file === undefined ? [] : [file]),
    read,
    everyMilliseconds,
    changed: (map) => log.info({ event: 'model-map-read', models: map.size }),
    failed: (error) => log.error({ event: 'model-map-unreadable', err: error }),
  });
}

/** What other gateways and people have changed in the store: isolations, and who takes the writes. */
function watcher(parts: GatewayParts, firstEpoch: number, witnessSeconds: number | undefined): () => Promise<void> {
  let epoch = firstEpoch;
  let deadSince: number | undefined;
  return async () => {
    await followIsolations(parts);
    const leadership = await currentLeadership(parts);
    if (leadership.epoch !== epoch) {
      epoch = leadership.epoch;
      parts.router.prefer(leadership.region);
    }
    parts.router.keepPreferred();
    const state = parts.router.find(leadership.region)?.health.state;
    const isDead = (state?.status === 'open' || state?.status === 'halfOpen') && state.reason === 'dead';
    deadSince = isDead ? (deadSince ?? performance.now()) : undefined;
    if (witnessSeconds !== undefined && deadSince !== undefined) await moveAsWitness(parts, deadSince, witnessSeconds);
  };
}

async function followIsolations(parts: GatewayParts): Promise<void> {
  const isolations = await parts.store.isolations();
  for (const { name } of parts.config.current.regions) {
    const health = parts.router.find(name)?.health;
    const reason = isolations.get(name);
    if (reason !== undefined) health?.isolate(reason);
    else if (health?.state.status === 'isolated') health.release();
  }
}

async function sweep(parts: GatewayParts): Promise<void> {
  const { store, spool, limits } = parts;
  const now = parts.now();
  const documents = await store.takeDisposable({
    deliveredOn: now - limits.keepDeliveredMilliseconds,
    createdOn: now - limits.keepDocumentsMilliseconds,
    limit: 500,
  });
  for (const document of documents) await spool.remove(document);
  await store.forgetOperations(now - limits.keepOperationsMilliseconds);
}

/** Again and again until it is disposed of; a round that fails is logged and the next one comes. */
function repeat(everyMilliseconds: number, log: Logger, work: () => Promise<void>): AsyncDisposable {
  const ending = new AbortController();
  const { signal } = ending;
  const loop = (async () => {
    while (!signal.aborted) {
      await sleep(everyMilliseconds, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await work().catch((error: unknown) => log.error({ event: 'round-failed', err: error }));
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await loop;
    },
  };
}
