import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from '@commander-js/extra-typings';
import { parseRegion, v2 } from '@formhaven/contract';
import { defaultResourceId } from '@formhaven/server';
import Table from 'cli-table3';
import { endSignal } from '../end-signal.ts';
import { newKey } from '../endpoints.ts';
import { type RegionProcess, startRegion } from '../region-process.ts';

const FORMS = fileURLToPath(new URL('../../../test/forms/azure-statements', import.meta.url));
const DEADLINE_MILLISECONDS = 120_000;

interface DemoRegion {
  readonly name: string;
  readonly resourceId: string;
  readonly process: RegionProcess;
  readonly client: v2.V2Client;
}

/** `formhaven demo`: the main job on real forms, in a folder of its own. Fails unless every field comes out right. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'train on five real forms, copy the model, kill the region, and recognize a sixth form in the other one',
    )
    .option('--form <file>', 'the form to recognize in the end', join(FORMS, 'test', 'Invoice_6.pdf'))
    .option('--keep', 'keep the data folder')
    .exitOverride()
    .action(async (options) => {
      const dataFolder = await mkdtemp(join(tmpdir(), 'formhaven-demo-'));
      try {
        process.exitCode = (await runDemo(resolve(options.form), dataFolder)) ? 0 : 1;
      } finally {
        if (options.keep === true) console.log(`The data lies in ${dataFolder}.`);
        else await rm(dataFolder, { recursive: true, force: true });
      }
    });
}

async function runDemo(form: string, dataFolder: string): Promise<boolean> {
  const ending = endSignal();
  const step = stepPrinter();
  const regions: DemoRegion[] = [];
  try {
    const [west, east] = await step('two regions up: westus2 and eastus', async () => {
      const started = await Promise.all(['westus2', 'eastus'].map((name) => startDemoRegion(name, dataFolder)));
      regions.push(...started);
      await writePeers(dataFolder, started);
      return started;
    });
    if (west === undefined || east === undefined) throw new TypeError('two regions were started');

    const { modelId } = await step('model trained in westus2 on five labelled statements', async () => {
      const accepted = await west.client.train({
        source: join(FORMS, 'train'),
        useLabelFile: true,
        modelName: 'statements',
      });
      const model = await poll(
        (signal) => west.client.getModel(accepted.modelId, { signal }),
        ({ modelInfo }) => modelInfo.status !== 'creating',
        ending,
      );
      if (model.modelInfo.status !== 'ready')
        throw new Error(`the training failed: ${JSON.stringify(model.trainResult?.errors)}`);
      return accepted;
    });

    const target = await step(
      '1. POST copyAuthorization to eastus',
      async () => (await east.client.authorizeCopy()).authorization,
    );
    const copy = await step('2. POST copy to westus2', () =>
      west.client.copy(modelId, {
        targetResourceId: east.resourceId,
        targetResourceRegion: east.name,
        copyAuthorization: target,
      }),
    );
    await step('3. GET copyResults from westus2 until it says succeeded', async () => {
      const result = await poll(
        (signal) => west.client.getCopyResult(modelId, copy.resultId, { signal }),
        ({ status }) => status === 'succeeded' || status === 'failed',
        ending,
      );
      if (result.status === 'failed') throw new Error(`the copy failed: ${JSON.stringify(result.copyResult?.errors)}`);
    });

    const killedAt = performance.now();
    await step('westus2 killed (SIGKILL)', async () => {
      west.process.child.kill('SIGKILL');
      if (west.process.child.exitCode === null && west.process.child.signalCode === null)
        await once(west.process.child, 'exit');
    });
    const result = await step(`${basename(form)} recognized in eastus`, async () => {
      const { resultId } = await east.client.analyze(target.modelId, {
        contentType: 'application/pdf',
        body: await readFile(form),
      });
      return await poll(
        (signal) => east.client.getAnalyzeResult(target.modelId, resultId, { signal }),
        ({ status }) => status === 'succeeded' || status === 'failed',
        ending,
      );
    });
    const recoveryMilliseconds = performance.now() - killedAt;

    const isRight = await printFields(form, result);
    console.log(`\nRecovery: ${seconds(recoveryMilliseconds)} from SIGKILL of westus2 to the fields from eastus.`);
    console.log(isRight ? 'Every field is right.' : 'Not every field is right.');
    return isRight;
  } finally {
    await Promise.all(regions.map((region) => region.process.stop()));
  }
}

async function startDemoRegion(name: string, dataFolder: string): Promise<DemoRegion> {
  const region = parseRegion(name);
  if (region === undefined) throw new TypeError('the names of the demo are names');
  const resourceId = defaultResourceId(region);
  const key = newKey();
  const started = await startRegion({
    FORMHAVEN_REGION: region,
    FORMHAVEN_RESOURCE_ID: resourceId,
    FORMHAVEN_DATA: join(dataFolder, region),
    FORMHAVEN_PORT: '0',
    FORMHAVEN_KEY1: key,
    FORMHAVEN_KEY2: newKey(),
    FORMHAVEN_PEERS_FILE: join(dataFolder, 'peers.json'),
    FORMHAVEN_TRAINING_ROOTS: FORMS,
    FORMHAVEN_ALLOW_PRIVATE_ADDRESSES: 'true',
    FORMHAVEN_LOG_LEVEL: process.env.FORMHAVEN_LOG_LEVEL || 'warn',
  });
  const client = new v2.V2Client({ endpoint: started.endpoint, key, version: 'v2.1' });
  return { name: region, resourceId, process: started, client };
}

async function writePeers(dataFolder: string, regions: readonly DemoRegion[]): Promise<void> {
  const peers = regions.map((region) => ({
    region: region.name,
    resourceId: region.resourceId,
    endpoint: region.process.endpoint,
  }));
  await writeFile(join(dataFolder, 'peers.json'), JSON.stringify(peers));
}

function poll<Value>(
  look: (signal: AbortSignal) => Promise<Value>,
  isDone: (value: Value) => boolean,
  signal: AbortSignal,
): Promise<Value> {
  return v2.pollUntil({
    poll: look,
    isDone,
    intervalMilliseconds: 50,
    deadlineMilliseconds: DEADLINE_MILLISECONDS,
    signal,
  });
}

/** The fields beside what a person reads on the form. True where all agree; with a form nobody has read, where it succeeded. */
async function printFields(form: string, result: v2.AnalyzeOperationResult): Promise<boolean> {
  const found = result.analyzeResult?.documentResults?.[0]?.fields ?? {};
  const expected = await expectedFields(form);
  const table = new Table({
    head: ['field', 'expected', 'found', 'confidence', ''],
    style: { head: [], border: [], compact: true },
  });
  let isRight = result.status === 'succeeded';
  for (const name of new Set([...Object.keys(expected ?? {}), ...Object.keys(found)])) {
    const field = found[name] ?? undefined;
    const value = field?.type === 'selectionMark' ? (field.valueSelectionMark ?? '') : (field?.text ?? '');
    const isSame = expected === undefined || value === (expected[name] ?? '');
    isRight &&= isSame;
    table.push([name, expected?.[name] ?? '?', value, field?.confidence?.toFixed(3) ?? '', isSame ? 'right' : 'WRONG']);
  }
  console.log(`\n${table.toString()}`);
  return isRight;
}

async function expectedFields(form: string): Promise<Readonly<Record<string, string>> | undefined> {
  const all = JSON.parse(await readFile(join(FORMS, 'test', 'expected.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  return all[basename(form)];
}

function stepPrinter(): <Value>(title: string, run: () => Promise<Value>) => Promise<Value> {
  return async (title, run) => {
    const startedAt = performance.now();
    const value = await run();
    console.log(`${seconds(performance.now() - startedAt).padStart(9)}  ${title}`);
    return value;
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
