import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v2 } from '@formhaven/contract';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { type Command, runCommand, startCommand } from '../kit/command.ts';
import { FORMS, STATEMENTS } from '../kit/forms.ts';
import { childrenOf, isAlive, killIfAlive, treeOf } from '../kit/processes.ts';
import { pollUntil } from '../kit/work.ts';

// `formhaven start` from its first start to its third, on one data folder: each test goes on where the one before ended.

interface Endpoint {
  readonly region: string;
  readonly endpoint: string;
  readonly resourceId: string;
  readonly key1: string;
  readonly key2: string;
}

let dataFolder: string;
let command: Command | undefined;
let modelId: string;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'formhaven-start-'));
});

afterAll(async () => {
  if (command !== undefined && isAlive(command.pid)) for (const pid of treeOf(command.pid)) killIfAlive(pid);
  await rm(dataFolder, { recursive: true, force: true, maxRetries: 5 });
});

function start(): Command {
  const started = startCommand(['start'], {
    FORMHAVEN_PORT: '0',
    FORMHAVEN_DATA: dataFolder,
    FORMHAVEN_TRAINING_ROOTS: FORMS,
    FORMHAVEN_THREADS: '1',
  });
  command = started;
  onTestFailed(() => console.error(`${started.stdout()}\n${started.stderr().slice(-4000)}`));
  return started;
}

function running(): Command {
  if (command === undefined) throw new Error('nothing was started');
  return command;
}

/** Up as people see it: the last line of the welcome. */
async function startAndWait(): Promise<string> {
  return await start().printed((text) => text.includes('Ctrl-C ends it.'));
}

async function endpoints(): Promise<readonly [Endpoint, Endpoint]> {
  const { regions } = JSON.parse(await readFile(join(dataFolder, 'endpoints.json'), 'utf8')) as {
    regions: [Endpoint, Endpoint];
  };
  return regions;
}

function client(at: Pick<Endpoint, 'endpoint' | 'key1'>): v2.V2Client {
  return new v2.V2Client({ endpoint: at.endpoint, key: at.key1, version: 'v2.1', retries: 0 });
}

async function statusWithKey(endpoint: string, key: string): Promise<number> {
  const response = await fetch(`${endpoint}/formrecognizer/v2.1/custom/models?op=summary`, {
    headers: { 'ocp-apim-subscription-key': key },
  });
  await response.arrayBuffer();
  return response.status;
}

async function waitUntilGone(pids: readonly number[]): Promise<void> {
  await pollUntil(
    async () => pids.filter(isAlive),
    (alive) => alive.length === 0,
  );
}

async function regionProcess(region: string): Promise<number> {
  const holder = await readFile(join(dataFolder, region, 'lock.txt'), 'utf8');
  return Number(/process (\d+)/.exec(holder)?.[1]);
}

test('prints endpoints, keys, resource ids and a curl line that works', async () => {
  const printed = await startAndWait();
  for (const { region, endpoint, resourceId, key1, key2 } of await endpoints()) {
    for (const text of [region, endpoint, resourceId, key1, key2]) expect(printed).toContain(text);
  }
  const [, header, url] = /curl -H "Ocp-Apim-Subscription-Key: (\S+)" "(\S+)"/.exec(printed) ?? [];
  const response = await fetch(String(url), { headers: { 'Ocp-Apim-Subscription-Key': String(header) } });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ summary: { count: 0 } });
});

test('writes endpoints.json in its documented shape, for its owner alone', async () => {
  const file = join(dataFolder, 'endpoints.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
  const entry = (region: string) => ({
    region,
    endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    resourceId: expect.stringMatching(
      /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.CognitiveServices\/accounts\/[^/]+$/,
    ),
    key1: expect.stringMatching(/^[0-9a-f]{32}$/),
    key2: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(parsed).toStrictEqual({ regions: [entry('westus2'), entry('eastus')] });
});

test('regions know each other: a model trained in one is copied to the other', async () => {
  const [west, east] = await endpoints();
  ({ modelId } = await client(west).train({ source: STATEMENTS, useLabelFile: true }));
  await pollUntil(
    () => client(west).getModel(modelId),
    ({ modelInfo }) => modelInfo.status === 'ready',
  );
  const { authorization } = await client(east).authorizeCopy();
  const { resultId } = await client(west).copy(modelId, {
    targetResourceId: east.resourceId,
    targetResourceRegion: east.region,
    copyAuthorization: authorization,
  });
  const result = await pollUntil(
    () => client(west).getCopyResult(modelId, resultId),
    ({ status }) => status === 'succeeded' || status === 'failed',
  );
  expect(result.status).toBe('succeeded');
});

test('a second process on the same folder is refused and told who holds it', async () => {
  const { code, stderr } = await runCommand(['start', '--port', '0', '--data', dataFolder]);
  expect(code).toBe(1);
  expect(stderr).toContain(dataFolder);
  expect(stderr).toContain(`process ${running().pid}`);
  const [west] = await endpoints();
  const region = await runCommand(['serve'], {
    FORMHAVEN_REGION: 'westus2',
    FORMHAVEN_PORT: '0',
    FORMHAVEN_DATA: join(dataFolder, 'westus2'),
  });
  expect(region.code).toBe(1);
  expect(region.stderr).toContain('region westus2, process');
  expect(await statusWithKey(west.endpoint, west.key1)).toBe(200);
});

test('a rotated key opens at once, the old one soon no more, the other one goes on', async () => {
  const [before, east] = await endpoints();
  const { code } = await runCommand(['keys', 'rotate', '--region', 'westus2', '--key', '1', '--data', dataFolder]);
  expect(code).toBe(0);
  const [after, eastAfter] = await endpoints();
  expect(await statusWithKey(after.endpoint, after.key1)).toBe(200);
  await pollUntil(
    () => statusWithKey(before.endpoint, before.key1),
    (status) => status === 401,
  );
  expect(await statusWithKey(after.endpoint, before.key2)).toBe(200);
  expect(after).toEqual({ ...before, key1: after.key1 });
  expect(after.key1).not.toBe(before.key1);
  expect(eastAfter).toEqual(east);
  expect((await stat(join(dataFolder, 'endpoints.json'))).mode & 0o777).toBe(0o600);
});

test('a region that is killed is started again on its port, with its models and keys', async () => {
  const [west] = await endpoints();
  const killed = await regionProcess('westus2');
  process.kill(killed, 'SIGKILL');
  await waitUntilGone([killed]);
  const model = await pollUntil(
    () =>
      client(west)
        .getModel(modelId)
        .catch(() => undefined),
    (found) => found !== undefined,
  );
  expect(model?.modelInfo.status).toBe('ready');
  expect(await regionProcess('westus2')).not.toBe(killed);
  expect(await endpoints()).toContainEqual(west);
});

test('Ctrl-C drains everything and ends with 0, nothing is left running', async () => {
  const pids = treeOf(running().pid);
  expect(pids.length).toBeGreaterThanOrEqual(5);
  const before = await endpoints();
  running().child.kill('SIGINT');
  expect(await running().ended).toMatchObject({ code: 0, signal: null });
  expect(pids.filter(isAlive)).toEqual([]);
  for (const { endpoint, key1 } of before) await expect(statusWithKey(endpoint, key1)).rejects.toThrow();
});

test('the second start finds models and keys as they were left', async () => {
  const { regions: left } = JSON.parse(await readFile(join(dataFolder, 'endpoints.json'), 'utf8')) as {
    regions: Endpoint[];
  };
  await startAndWait();
  const regions = await endpoints();
  const withoutPorts = (list: readonly Endpoint[]) => list.map(({ endpoint: _, ...rest }) => rest);
  expect(withoutPorts(regions)).toEqual(withoutPorts(left));
  const [west, east] = regions;
  expect((await client(west).getModel(modelId)).modelInfo.status).toBe('ready');
  expect(await client(east).summary()).toMatchObject({ count: 1 });
});

test('a supervisor that is killed leaves no process behind, and the next start works', async () => {
  const pids = treeOf(running().pid);
  process.kill(running().pid, 'SIGKILL');
  await waitUntilGone(pids);
  await startAndWait();
  const [west] = await endpoints();
  expect((await client(west).getModel(modelId)).modelInfo.status).toBe('ready');
});

test('Ctrl-C while a killed region is being started again still ends everything', async () => {
  const { child, pid } = running();
  process.kill(await regionProcess('eastus'), 'SIGKILL');
  await pollUntil(
    async () => running().stderr(),
    (text) => text.includes('Region eastus ended'),
  );
  // Two regions again: the new one has its process, but does not serve yet.
  await pollUntil(
    async () => childrenOf(pid),
    (children) => children.length === 2,
  );
  const pids = treeOf(pid);
  child.kill('SIGINT');
  expect(await running().ended).toMatchObject({ code: 0, signal: null });
  await waitUntilGone(pids);
});

test('a supervisor that is killed while its regions start leaves no process behind', async () => {
  const { pid } = start();
  await pollUntil(
    async () => childrenOf(pid),
    (children) => children.length === 2,
  );
  const pids = treeOf(pid);
  process.kill(pid, 'SIGKILL');
  await waitUntilGone(pids);
});
