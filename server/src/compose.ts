import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { FolderBlobs } from './adapters/folder/folder-blobs.ts';
import { acquireFolderLock } from './adapters/folder/lock.ts';
import { createHttpPeers } from './adapters/peers/http-peers.ts';
import { createCanaryPool } from './adapters/pool/canary-pool.ts';
import { createRecognitionPool, DEFAULT_POOL_LIMITS } from './adapters/pool/recognition.ts';
import { OutboundDocumentSources } from './adapters/sources/outbound-document-sources.ts';
import { OutboundTrainingSources } from './adapters/sources/outbound-training-sources.ts';
import { openSqliteStore } from './adapters/sqlite/open-sqlite-store.ts';
import { openSignedTokens } from './adapters/tokens/signed-tokens.ts';
import { type RegionConfig, resourceName } from './config.ts';
import { createHttpService } from './http/service.ts';
import { createLog } from './log.ts';
import type { AcceptParts } from './operations/accept.ts';
import type { RunParts } from './operations/run.ts';
import type { Blobs } from './ports/blobs.ts';
import type { Clock } from './ports/clock.ts';
import type { Queue } from './ports/queue.ts';
import type { TrainingSources } from './ports/sources.ts';
import type { Store } from './ports/store.ts';
import { createSeal } from './seal.ts';
import { loadSecretKey } from './secret-key.ts';

// The composition root: the only file that names an adapter.

const systemClock: Clock = { now: () => new Date() };

/** Takes a folder for this process alone; the lock ends with the process. */
export const lockFolder = acquireFolderLock;

/** What the API process and the worker process of a region have in common. */
export interface RegionState extends AsyncDisposable {
  readonly store: Store;
  readonly queue: Queue;
  readonly blobs: Blobs;
  readonly clock: Clock;
  /** Removes what an earlier life left half written. Only while no other process of the region runs. */
  recover(): Promise<void>;
}

export async function openRegionState(config: Pick<RegionConfig, 'dataFolder' | 'region'>): Promise<RegionState> {
  const clock = systemClock;
  const blobs = await FolderBlobs.open(join(config.dataFolder, 'blobs'));
  const { store, queue } = await openSqliteStore({
    file: join(config.dataFolder, 'region.db'),
    region: config.region,
    clock,
  });
  return {
    store,
    queue,
    blobs,
    clock,
    async recover() {
      await blobs.removeTemporaryFiles();
      await queue.recover();
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

export interface RegionApi {
  readonly http: FastifyInstance;
  readonly log: Logger;
}

/** The API of a region, not yet listening. `worker` is the process that takes the jobs. */
export async function composeApi(
  config: RegionConfig,
  state: RegionState,
  worker: { wake(): void; isUp(): boolean },
): Promise<RegionApi> {
  const { store, blobs, clock } = state;
  const log = createLog({ region: config.region, process: 'api' }, config.logLevel);
  const accept: AcceptParts = {
    store,
    clock,
    queue: { wake: () => worker.wake(), depth: () => state.queue.depth() },
    keepResultsMilliseconds: config.keepResultsMilliseconds,
    maxQueueLength: config.maxQueueLength,
  };
  const canaries = createCanaryPool();
  const http = createHttpService({
    store,
    blobs,
    clock,
    log,
    accept,
    receive: { store, blobs, clock, region: config.region },
    canaries,
    seal: createSeal(await loadSecretKey(config.dataFolder)),
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    corsOrigins: config.corsOrigins,
    requestMilliseconds: config.requestMilliseconds,
    maxDocumentBytes: config.maxDocumentBytes,
    maxModels: config.maxModels,
    listPage: config.listPage,
    rates: config.rates,
    resource: { name: resourceName(config), resourceId: config.resourceId },
    tokens: config.tokens === undefined ? undefined : await openSignedTokens(config.tokens),
    tls:
      config.tls === undefined
        ? undefined
        : { cert: await readFile(config.tls.certificateFile), key: await readFile(config.tls.keyFile) },
    isWorkerUp: () => worker.isUp(),
  });
  http.addHook('onClose', () => canaries[Symbol.asyncDispose]());
  return { http, log };
}

export interface RegionWorker extends AsyncDisposable {
  readonly queue: Queue;
  readonly run: RunParts;
  readonly log: Logger;
}

/** What a worker process of a region works with. */
export async function composeWorker(config: RegionConfig): Promise<RegionWorker> {
  const log = createLog({ region: config.region, process: 'worker' }, config.logLevel);
  const state = await openRegionState(config);
  const { store, blobs, clock } = state;
  const seal = createSeal(await loadSecretKey(config.dataFolder));
  const recognition = createRecognitionPool({ ...DEFAULT_POOL_LIMITS, threads: config.threads });
  return {
    queue: state.queue,
    log,
    run: {
      store,
      blobs,
      clock,
      log,
      training: {
        blobs,
        clock,
        recognition,
        seal,
        sources: new OutboundTrainingSources(config.outbound),
        keepTrainingDocuments: config.keepTrainingDocuments,
      },
      analysis: {
        blobs,
        recognition,
        seal,
        documents: new OutboundDocumentSources(config.outbound),
        maxDocumentBytes: config.maxDocumentBytes,
        getModel: (resource, id) => store.getModel(resource, id),
      },
      sending: {
        store,
        blobs,
        clock,
        seal,
        peers: createHttpPeers({ peersFile: config.peersFile }),
        patienceMilliseconds: config.copyPatienceMilliseconds,
        startedOn: clock.now(),
      },
    },
    async [Symbol.asyncDispose]() {
      await recognition[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
    },
  };
}

/** Recognition without a region, for the command line: one document after the other. */
export function createLocalRecognition(): ReturnType<typeof createRecognitionPool> {
  return createRecognitionPool({ ...DEFAULT_POOL_LIMITS, threads: 1 });
}

/** Training files of one local folder and nothing else. */
export function createLocalSources(root: string): TrainingSources {
  return new OutboundTrainingSources({ allowPrivateAddresses: false, allowedHosts: [], trainingRoots: [root] });
}
