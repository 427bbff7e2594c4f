import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v2 } from '@formhaven/contract';
import {
  createGatewayLog,
  DEFAULT_BREAKER_LIMITS,
  type GatewayOptions,
  type GatewayStatus,
  type HealthTimings,
  type RunningGateway,
  startGateway,
} from '@formhaven/gateway';
import { FakeRegion, type FakeRegionOptions } from './fake-region.ts';

// Two fake regions that have one model, and a gateway in front of them, all in one process and quicker than in life.

export const MODEL = '11111111-1111-4111-8111-111111111111';
export const MODEL_IN_EAST = '22222222-2222-4222-8222-222222222222';

const FAST: Partial<HealthTimings> = {
  probeEveryMilliseconds: 60,
  probeDeadlineMilliseconds: 500,
  canaryEveryMilliseconds: 150,
  canaryDeadlineMilliseconds: 1000,
  canaryPatienceMilliseconds: 1500,
  breaker: { ...DEFAULT_BREAKER_LIMITS, firstWaitMilliseconds: 200, longestWaitMilliseconds: 800 },
};

export interface FleetOptions {
  readonly west?: FakeRegionOptions;
  readonly east?: FakeRegionOptions;
  readonly gateway?: Partial<GatewayOptions>;
  readonly shares?: Readonly<Record<string, { readonly weight?: number; readonly requestsPerSecond?: number }>>;
}

export class Fleet implements AsyncDisposable {
  readonly west: FakeRegion;
  readonly east: FakeRegion;
  readonly folder: string;
  readonly clientKey = randomBytes(16).toString('hex');
  readonly adminKey = randomBytes(16).toString('hex');
  readonly #options: FleetOptions;
  readonly #gateways: RunningGateway[] = [];
  log = '';

  private constructor(west: FakeRegion, east: FakeRegion, folder: string, options: FleetOptions) {
    this.west = west;
    this.east = east;
    this.folder = folder;
    this.#options = options;
  }

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const west = await FakeRegion.start('west', { models: [MODEL], ...options.west });
    const east = await FakeRegion.start('east', { models: [MODEL_IN_EAST], ...options.east });
    const folder = await mkdtemp(join(tmpdir(), 'formhaven-gateway-'));
    const fleet = new Fleet(west, east, folder, options);
    await fleet.writeConfig();
    await fleet.writeMap([{ id: MODEL, west: MODEL, east: MODEL_IN_EAST }]);
    await fleet.startGateway();
    return fleet;
  }

  /** One more gateway on the same store and spool. */
  async startGateway(options: Partial<GatewayOptions> = {}): Promise<RunningGateway> {
    const gateway = await startGateway({
      configFile: join(this.folder, 'gateway.json'),
      dataFolder: join(this.folder, 'gateway'),
      modelMapFile: join(this.folder, 'model-map.json'),
      host: '127.0.0.1',
      port: 0,
      watchMilliseconds: 40,
      log: createGatewayLog({}, 'info', {
        write: (line) => {
          this.log += line;
        },
      }),
      ...this.#options.gateway,
      ...options,
      timings: { ...FAST, ...this.#options.gateway?.timings, ...options.timings },
      limits: {
        readMilliseconds: 1000,
        acceptMilliseconds: 2000,
        ...this.#options.gateway?.limits,
        ...options.limits,
      },
    });
    this.#gateways.push(gateway);
    return gateway;
  }

  /** The gateway's process is gone in the middle of everything: its store is what the next one finds. */
  async restartGateway(options: Partial<GatewayOptions> = {}): Promise<RunningGateway> {
    await this.gateway[Symbol.asyncDispose]();
    this.#gateways.shift();
    return await this.startGateway(options);
  }

  get gateway(): RunningGateway {
    const [first] = this.#gateways;
    if (first === undefined) throw new Error('no gateway was started');
    return first;
  }

  get endpoint(): string {
    return this.gateway.endpoint;
  }

  client(endpoint = this.endpoint): v2.V2Client {
    return new v2.V2Client({ endpoint, key: this.clientKey, version: 'v2.1', retries: 0, timeoutMilliseconds: 20_000 });
  }

  request(path: string, init: RequestInit = {}, endpoint = this.endpoint): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('ocp-apim-subscription-key')) headers.set('ocp-apim-subscription-key', this.clientKey);
    return fetch(endpoint + path, { ...init, headers });
  }

  /** With the admin key; a body makes it a POST. */
  async admin<Answer = GatewayStatus>(path: string, body?: unknown, endpoint = this.endpoint): Promise<Answer> {
    const response = await this.adminRequest(path, body, endpoint);
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  }

  adminRequest(path: string, body?: unknown, endpoint = this.endpoint): Promise<Response> {
    return fetch(endpoint + path, {
      headers: { 'ocp-apim-subscription-key': this.adminKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify({ by: 'a test', reason: '', ...body }) }),
    });
  }

  async stateOf(region: string, endpoint = this.endpoint): Promise<string | undefined> {
    const { regions } = await this.admin('/gateway/status', undefined, endpoint);
    return regions.find((entry) => entry.region === region)?.state;
  }

  async writeConfig(change: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const hash = (key: string): string => createHash('sha256').update(key).digest('hex');
    await this.#write('gateway.json', {
      regions: [this.west, this.east].map(({ name, endpoint, keys }) => ({
        region: name,
        endpoint,
        key1: keys[0],
        key2: keys[1],
      })),
      ...(this.#options.shares === undefined ? {} : { shares: this.#options.shares }),
      clientKeys: [hash(this.clientKey)],
      adminKeys: [hash(this.adminKey)],
      ...change,
    });
  }

  async writeMap(
    models: readonly {
      readonly id: string;
      readonly west?: string;
      readonly east?: string;
      readonly isProven?: boolean;
    }[],
  ): Promise<void> {
    await this.#write('model-map.json', {
      version: 1,
      writtenOn: new Date().toISOString(),
      models: models.map(({ id, west, east, isProven = true }) => ({
        id,
        regions: {
          ...(west === undefined ? {} : { west: { modelId: west, isProven } }),
          ...(east === undefined ? {} : { east: { modelId: east, isProven } }),
        },
      })),
    });
  }

  async #write(name: string, value: unknown): Promise<void> {
    const file = join(this.folder, name);
    await writeFile(`${file}.tmp`, JSON.stringify(value));
    await rename(`${file}.tmp`, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gateway of this.#gateways) await gateway[Symbol.asyncDispose]();
    await this.west[Symbol.asyncDispose]();
    await this.east[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A document nobody else has. */
export function someDocument(bytes = 2000): { readonly contentType: 'application/pdf'; readonly body: Buffer } {
  return {
    contentType: 'application/pdf',
    body: Buffer.concat([Buffer.from(`%PDF-1.4 ${randomUUID()}\n`), randomBytes(bytes)]),
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function resultOf(client: v2.V2Client, resultId: string, modelId = MODEL): Promise<v2.AnalyzeOperationResult> {
  return v2.pollUntil({
    poll: (signal) => client.getAnalyzeResult(modelId, resultId, { signal }),
    isDone: ({ status }) => status === 'succeeded' || status === 'failed',
    intervalMilliseconds: 30,
    deadlineMilliseconds: 20_000,
  });
}

/** What the fake regions recognize. */
export function fieldOf(result: v2.AnalyzeOperationResult, name: 'Sha256' | 'Region'): string | undefined {
  return result.analyzeResult?.documentResults?.[0]?.fields[name]?.text ?? undefined;
}

/** Waits for a state, not for a while. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  milliseconds = 20_000,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it did not come to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
