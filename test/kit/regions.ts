import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRegion, v2 } from '@formhaven/contract';
import { defaultResourceId } from '@formhaven/server';
import { FORMS } from './forms.ts';

// Real regions for tests: `formhaven serve` as a process of its own on a free port, with a data folder of its own that a restart
// finds again. Closed by `await using`; the folder of a failed test is kept and named.

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'formhaven.js');

export type Settings = Readonly<Record<string, string>>;

export interface TestRegion {
  readonly name: string;
  readonly resourceId: string;
  readonly key1: string;
  readonly key2: string;
  readonly dataFolder: string;
  /** Of the running process; a restart keeps the port. */
  readonly endpoint: string;
  /** The API process, whose death is the region's. */
  readonly child: ChildProcess;
  /** Everything it has written to its log. */
  log(): string;
  client(version?: v2.V2Version): v2.V2Client;
  /** `fetch` below the endpoint, with key 1 unless headers say otherwise. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** SIGKILL to the API process; its worker follows by itself. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Starts it again on the same folder and port. */
  start(settings?: Settings): Promise<void>;
}

export interface TestRegions extends AsyncDisposable {
  readonly dataFolder: string;
  readonly peersFile: string;
  region(name: string): TestRegion;
}

/** Starts regions that know each other as peers. `settings` are environment variables for all of them. */
export async function startRegions(names: readonly string[], settings: Settings = {}): Promise<TestRegions> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'formhaven-test-'));
  const peersFile = join(dataFolder, 'peers.json');
  const regions = names.map(
    (name) => new RegionUnderTest(name, dataFolder, { FORMHAVEN_PEERS_FILE: peersFile, ...settings }),
  );
  const started = await Promise.allSettled(regions.map((region) => region.start()));
  const failed = started.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(regions.map((region) => region.kill()));
    throw failed.reason;
  }
  await writePeers(peersFile, regions);
  return {
    dataFolder,
    peersFile,
    region(name) {
      const found = regions.find((region) => region.name === name);
      if (found === undefined) throw new Error(`no region ${name} was started`);
      return found;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(regions.map((region) => region.kill()));
      await rm(dataFolder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What the regions may copy to. A test may name other endpoints, such as a fault proxy's. */
export async function writePeers(
  file: string,
  peers: readonly { readonly name: string; readonly resourceId: string; readonly endpoint: string }[],
): Promise<void> {
  const entries = peers.map(({ name, resourceId, endpoint }) => ({ region: name, resourceId, endpoint }));
  await writeFile(file, JSON.stringify(entries));
}

class RegionUnderTest implements TestRegion {
  readonly name: string;
  readonly resourceId: string;
  readonly key1 = randomBytes(16).toString('hex');
  readonly key2 = randomBytes(16).toString('hex');
  readonly dataFolder: string;
  readonly #settings: Settings;
  #endpoint: string | undefined;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(name: string, parent: string, settings: Settings) {
    const region = parseRegion(name);
    if (region === undefined) throw new Error(`${name} is no region's name`);
    this.name = name;
    this.resourceId = defaultResourceId(region);
    this.dataFolder = join(parent, name);
    this.#settings = settings;
  }

  get endpoint(): string {
    if (this.#endpoint === undefined) throw new Error(`region ${this.name} was not started`);
    return this.#endpoint;
  }

  get child(): ChildProcess {
    if (this.#child === undefined) throw new Error(`region ${this.name} was not started`);
    return this.#child;
  }

  log(): string {
    return this.#log;
  }

  client(version: v2.V2Version = 'v2.1'): v2.V2Client {
    return new v2.V2Client({ endpoint: this.endpoint, key: this.key1, version });
  }

  request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('ocp-apim-subscription-key')) headers.set('ocp-apim-subscription-key', this.key1);
    return fetch(this.endpoint + path, { ...init, headers });
  }

  async start(settings: Settings = {}): Promise<void> {
    const port = this.#endpoint === undefined ? '0' : new URL(this.#endpoint).port;
    const child = spawn(process.execPath, [BIN, 'serve'], {
      env: {
        ...process.env,
        FORMHAVEN_REGION: this.name,
        FORMHAVEN_DATA: this.dataFolder,
        FORMHAVEN_PORT: port,
        FORMHAVEN_KEY1: this.key1,
        FORMHAVEN_KEY2: this.key2,
        FORMHAVEN_TRAINING_ROOTS: FORMS,
        FORMHAVEN_THREADS: '1',
        ...this.#settings,
        ...settings,
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    const outcome = await Promise.race([
      once(child, 'message').then(([message]: unknown[]) => message),
      once(child, 'exit').then(() => undefined),
    ]);
    if (typeof outcome !== 'object' || outcome === null || !('endpoint' in outcome)) {
      throw new Error(`region ${this.name} did not start:\n${this.#log}`);
    }
    this.#endpoint = String(outcome.endpoint);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
    await this.#end('SIGTERM');
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
