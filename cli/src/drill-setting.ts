import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseRegion, v2 } from '@formhaven/contract';
import { defaultResourceId } from '@formhaven/server';
import { newKey, type RegionEndpoint, writeEndpoints } from './endpoints.ts';
import { type GatewayBeside, startGatewayBeside } from './gateway-beside.ts';
import { type RegionProcess, startRegion } from './region-process.ts';

// The setting of a drill: two real regions and a gateway in a folder of their own, and faults that are real ones. A process that is
// stopped (SIGSTOP) is what a region behind a cut line looks like: connections come about and nothing answers.

export type Fault = 'kill' | 'partition' | 'grey';

export const FAULTS: Readonly<Record<Fault, string>> = {
  kill: 'its processes are killed (SIGKILL)',
  partition: 'it runs on, but nothing gets through to it (SIGSTOP)',
  grey: 'it accepts documents and finishes none (its worker is stopped)',
};

export interface DrillRegion {
  readonly name: string;
  readonly resourceId: string;
  readonly client: v2.V2Client;
  inject(fault: Fault): Promise<void>;
  /** Undoes whatever was injected. */
  restore(): Promise<void>;
}

export interface DrillSetting extends AsyncDisposable {
  readonly primary: DrillRegion;
  readonly secondary: DrillRegion;
  readonly gateway: GatewayBeside['published'];
  /** Copies a model by the three calls, and enters both ids in the model map as one. */
  protect(modelId: string, from: DrillRegion, to: DrillRegion): Promise<void>;
}

const DEADLINE_MILLISECONDS = 120_000;

export async function openDrillSetting(dataFolder: string, trainingRoot: string): Promise<DrillSetting> {
  await using opened = new AsyncDisposableStack();
  const names = ['westus2', 'eastus'];
  const [primary, secondary] = await Promise.all(
    names.map(async (name) => {
      const region = await RegionOfDrill.start(name, dataFolder, trainingRoot);
      opened.defer(() => region.end());
      return region;
    }),
  );
  if (primary === undefined || secondary === undefined) throw new TypeError('two regions were started');
  const entries = [primary, secondary].map(({ entry }) => entry);
  const peers = entries.map(({ region, resourceId, endpoint }) => ({ region, resourceId, endpoint }));
  await writeFile(join(dataFolder, 'peers.json'), JSON.stringify(peers));
  await writeEndpoints(dataFolder, entries, 'none');
  const ending = new AbortController();
  const gateway = await startGatewayBeside({
    dataFolder,
    port: 0,
    before: undefined,
    ending: ending.signal,
    logLevel: 'error',
  });
  opened.defer(async () => {
    ending.abort();
    await gateway.stop();
  });
  const models: Record<string, unknown>[] = [];
  const resources = opened.move();
  return {
    primary,
    secondary,
    gateway: gateway.published,
    async protect(modelId, from, to) {
      const copyId = await copyModel(modelId, from, to);
      models.push({
        id: modelId,
        regions: {
          [from.name]: { modelId, isProven: true },
          [to.name]: { modelId: copyId, isProven: true },
        },
      });
      const file = join(dataFolder, 'model-map.json');
      await writeFile(`${file}.tmp`, JSON.stringify({ version: 1, writtenOn: new Date().toISOString(), models }));
      await rename(`${file}.tmp`, file);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function copyModel(modelId: string, from: DrillRegion, to: DrillRegion): Promise<string> {
  const { authorization } = await to.client.authorizeCopy();
  const { resultId } = await from.client.copy(modelId, {
    targetResourceId: to.resourceId,
    targetResourceRegion: to.name,
    copyAuthorization: authorization,
  });
  const result = await v2.pollUntil({
    poll: (signal) => from.client.getCopyResult(modelId, resultId, { signal }),
    isDone: ({ status }) => status === 'succeeded' || status === 'failed',
    intervalMilliseconds: 100,
    deadlineMilliseconds: DEADLINE_MILLISECONDS,
  });
  if (result.status === 'failed') throw new Error(`the copy failed: ${JSON.stringify(result.copyResult?.errors)}`);
  return authorization.modelId;
}

class RegionOfDrill implements DrillRegion {
  readonly entry: RegionEndpoint;
  readonly client: v2.V2Client;
  readonly #settings: Readonly<Record<string, string>> & { readonly FORMHAVEN_REGION: string };
  #process: RegionProcess;
  #stopped: readonly number[] = [];

  private constructor(
    entry: RegionEndpoint,
    settings: Readonly<Record<string, string>> & { readonly FORMHAVEN_REGION: string },
    process: RegionProcess,
  ) {
    this.entry = entry;
    this.#settings = settings;
    this.#process = process;
    this.client = new v2.V2Client({ endpoint: entry.endpoint, key: entry.key1, version: 'v2.1' });
  }

  static async start(name: string, dataFolder: string, trainingRoot: string): Promise<RegionOfDrill> {
    const region = parseRegion(name);
    if (region === undefined) throw new TypeError('the names of a drill are names');
    const resourceId = defaultResourceId(region);
    const [key1, key2] = [newKey(), newKey()];
    await mkdir(join(dataFolder, region), { recursive: true, mode: 0o700 });
    const settings = {
      FORMHAVEN_REGION: region,
      FORMHAVEN_RESOURCE_ID: resourceId,
      FORMHAVEN_DATA: join(dataFolder, region),
      FORMHAVEN_PORT: '0',
      FORMHAVEN_KEY1: key1,
      FORMHAVEN_KEY2: key2,
      FORMHAVEN_PEERS_FILE: join(dataFolder, 'peers.json'),
      FORMHAVEN_TRAINING_ROOTS: trainingRoot,
      FORMHAVEN_LOG_LEVEL: process.env.FORMHAVEN_LOG_LEVEL || 'error',
    };
    const started = await startRegion(settings);
    const entry = { region: name, endpoint: started.endpoint, resourceId, key1, key2 };
    return new RegionOfDrill(entry, { ...settings, FORMHAVEN_PORT: new URL(started.endpoint).port }, started);
  }

  get name(): string {
    return this.entry.region;
  }

  get resourceId(): string {
    return this.entry.resourceId;
  }

  async inject(fault: Fault): Promise<void> {
    const { child } = this.#process;
    const pid = child.pid;
    if (pid === undefined) throw new Error(`region ${this.name} has no process`);
    switch (fault) {
      case 'kill':
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        return;
      case 'partition':
        this.#stop([pid]);
        return;
      case 'grey': {
        const workers = await childrenOf(pid);
        if (workers.length === 0) throw new Error(`region ${this.name} has no worker that could be stopped`);
        this.#stop(workers);
        return;
      }
      default:
        throw new TypeError(`no such fault: ${fault satisfies never}`);
    }
  }

  async restore(): Promise<void> {
    for (const pid of this.#stopped) process.kill(pid, 'SIGCONT');
    this.#stopped = [];
    const { child } = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) this.#process = await startRegion(this.#settings);
  }

  async end(): Promise<void> {
    for (const pid of this.#stopped) process.kill(pid, 'SIGCONT');
    this.#stopped = [];
    await this.#process.stop();
  }

  #stop(pids: readonly number[]): void {
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    this.#stopped = pids;
  }
}

/** By the kernel's list where there is one, by `ps` elsewhere. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  try {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
    return stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === pid)
      .flatMap(([child]) => child ?? []);
  }
}
