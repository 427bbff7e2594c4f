import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { v2 } from '@formhaven/contract';
import { expect, onTestFailed, test } from 'vitest';
import { expectedFields, readStatement, STATEMENTS } from '../kit/forms.ts';
import { killIfAlive, killWhole, workerOf } from '../kit/processes.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { damagedParts } from '../kit/stored.ts';
import { analyzePdf, fieldTexts, pollUntil, trainStatements } from '../kit/work.ts';

// "From here the work is ours": a region that is killed again and again while clients give it work. Whatever it acknowledged
// comes to an end, and every model it called ready is whole.

const ROUNDS = 20;
const CLIENTS = 3;
// Short: a job is given up when twenty of its runs are cut short, and none may be so unlucky that the test ends before.
const LONGEST_LOAD_MILLISECONDS = 1000;

interface Accepted {
  readonly kind: 'train' | 'analyze' | 'layout' | 'copy';
  readonly modelId: string;
  readonly resultId: string;
}

test(`nothing acknowledged is lost when a region is killed ${ROUNDS} times under load`, {
  timeout: 240_000,
}, async () => {
  const seed = Number(process.env.FORMHAVEN_TEST_SEED ?? randomInt(2 ** 31));
  console.log(`seed ${seed}; FORMHAVEN_TEST_SEED repeats it`);
  const random = randomNumbers(seed);

  await using regions = await startRegions(['westus2', 'eastus']);
  const [region, other] = [regions.region('westus2'), regions.region('eastus')];
  onTestFailed(() => console.error(region.log().slice(-8000)));
  const { modelInfo } = await trainStatements(region);
  const load = new Load(region, other, modelInfo.modelId, random);

  const blows = { api: 0, worker: 0, both: 0 };
  for (let round = 1; round <= ROUNDS; round++) {
    const stopping = new AbortController();
    const clients = Array.from({ length: CLIENTS }, () => load.run(stopping.signal));
    await delay(random() * LONGEST_LOAD_MILLISECONDS);
    const dice = random();
    const blow = dice < 0.25 ? 'worker' : dice < 0.6 ? 'api' : 'both';
    blows[blow]++;
    if (blow === 'worker') killIfAlive(await workerOf(region));
    else if (blow === 'api') await region.kill();
    else await killWhole(region);
    stopping.abort();
    await Promise.all(clients);
    if (blow !== 'worker') await region.start();
  }
  console.log(`${load.accepted.length} operations accepted; killed: ${JSON.stringify(blows)}`);

  const givenUp = new Set<string>();
  for (const accepted of load.accepted) {
    const status = await waitForEnd(region, accepted);
    if (status === 'succeeded') continue;
    // Only work whose worker was killed three times may be given up, as if it had killed it.
    const id = accepted.kind === 'train' ? accepted.modelId : accepted.resultId;
    givenUp.add(id);
    expect({ ...accepted, status, workersKilled: blows.worker, runs: runsOf(region, id) }).toMatchObject({
      workersKilled: expect.toSatisfy((kills: number) => kills >= 3),
      runs: expect.toSatisfy((runs: number) => runs >= 3),
    });
  }
  console.log(`${givenUp.size} given up after three workers`);
  const acknowledged = load.accepted
    .filter(({ kind, modelId }) => kind === 'train' && !givenUp.has(modelId))
    .map(({ modelId }) => modelId);
  const listed = new Map<string, string>();
  for await (const model of region.client().listModels()) listed.set(model.modelId, model.status);
  for (const id of acknowledged) expect(listed.get(id)).toBe('ready');
  for (const id of load.seenReady) expect(listed.get(id)).toBe('ready');
  expect(await damagedParts(region)).toEqual([]);
  expect(await damagedParts(other)).toEqual([]);
  const ready = [...listed].filter(([, status]) => status === 'ready').map(([id]) => id);
  const statement = await readStatement('Invoice_6.pdf');
  const expected = await expectedFields('Invoice_6.pdf');
  for (const id of ready) expect(fieldTexts(await analyzePdf(region, id, statement))).toEqual(expected);
});

test('a document that kills its worker three times ends its operation, and what was cut short with it goes on', async () => {
  await using regions = await startRegions(['westus2'], { FORMHAVEN_THREADS: '2' });
  const region = regions.region('westus2');
  onTestFailed(() => console.error(region.log().slice(-8000)));
  const { modelInfo } = await trainStatements(region);

  const client = region.client();
  const beside = await client.train({ source: STATEMENTS, useLabelFile: false });
  await pollUntil(
    async () => runsOf(region, beside.modelId),
    (runs) => runs === 1,
  );
  const deadly = await client.analyze(modelInfo.modelId, {
    contentType: 'application/pdf',
    body: await readStatement('Invoice_7.pdf'),
  });
  const isOver = (result: v2.AnalyzeOperationResult): boolean =>
    result.status === 'succeeded' || result.status === 'failed';
  const look = (): Promise<v2.AnalyzeOperationResult> => client.getAnalyzeResult(modelInfo.modelId, deadly.resultId);
  // Killed as soon as it runs the job, as a document would that crashes its reader.
  for (let run = 1; run <= 3; run++) {
    await pollUntil(
      async () => runsOf(region, deadly.resultId),
      (runs) => runs >= run,
      20_000,
    );
    killIfAlive(await workerOf(region));
  }
  const result = await pollUntil(look, isOver);
  expect(result).toMatchObject({ status: 'failed', analyzeResult: { errors: [expect.anything()] } });

  const { modelInfo: trained } = await pollUntil(
    () => client.getModel(beside.modelId),
    (model) => model.modelInfo.status !== 'creating',
  );
  expect(trained.status).toBe('ready');
  const other = await analyzePdf(region, modelInfo.modelId, await readStatement('Invoice_6.pdf'));
  expect(fieldTexts(other)).toEqual(await expectedFields('Invoice_6.pdf'));
});

/** How often the log says that the operation, or the training of the model, was started. */
function runsOf(region: TestRegion, id: string): number {
  return region
    .log()
    .split('\n')
    .filter((line) => line.includes('"operation-started"') && line.includes(id)).length;
}

/** Work from several clients until it is told to stop; remembers what the region acknowledged. */
class Load {
  readonly accepted: Accepted[] = [];
  /** Models that were seen ready. */
  readonly seenReady = new Set<string>();
  readonly #region: TestRegion;
  readonly #other: TestRegion;
  readonly #modelId: string;
  readonly #random: () => number;

  constructor(region: TestRegion, other: TestRegion, modelId: string, random: () => number) {
    this.#region = region;
    this.#other = other;
    this.#modelId = modelId;
    this.#random = random;
  }

  async run(stopping: AbortSignal): Promise<void> {
    const { endpoint, key1: key } = this.#region;
    // A request that is repeated by the client might be acknowledged twice and remembered once.
    const client = new v2.V2Client({ endpoint, key, version: 'v2.1', retries: 0 });
    while (!stopping.aborted) {
      try {
        await this.#give(client);
      } catch (error) {
        // The region is gone in the middle of a request: not acknowledged. Anything it answers itself counts.
        if (!(error instanceof v2.RequestFailure)) throw error;
        return;
      }
      await delay(20 + this.#random() * 80);
    }
  }

  async #give(client: v2.V2Client): Promise<void> {
    const dice = this.#random();
    const modelId = this.#modelId;
    if (dice < 0.08) {
      const accepted = await client.train({ source: STATEMENTS, useLabelFile: true });
      this.accepted.push({ kind: 'train', modelId: accepted.modelId, resultId: '' });
    } else if (dice < 0.55) {
      const body = await readStatement('Invoice_6.pdf');
      const accepted = await client.analyze(modelId, { contentType: 'application/pdf', body });
      this.accepted.push({ kind: 'analyze', modelId, resultId: accepted.resultId });
    } else if (dice < 0.75) {
      const body = await readStatement('Invoice_7.pdf');
      const accepted = await client.analyzeLayout({ contentType: 'application/pdf', body });
      this.accepted.push({ kind: 'layout', modelId, resultId: accepted.resultId });
    } else if (dice < 0.9) {
      const { authorization } = await this.#other.client().authorizeCopy();
      const accepted = await client.copy(modelId, {
        targetResourceId: this.#other.resourceId,
        targetResourceRegion: this.#other.name,
        copyAuthorization: authorization,
      });
      this.accepted.push({ kind: 'copy', modelId, resultId: accepted.resultId });
    } else {
      for await (const model of client.listModels()) if (model.status === 'ready') this.seenReady.add(model.modelId);
    }
  }
}

async function waitForEnd(region: TestRegion, accepted: Accepted): Promise<string> {
  const client = region.client();
  const { kind, modelId, resultId } = accepted;
  const look = async (): Promise<string> => {
    switch (kind) {
      case 'train': {
        const { modelInfo } = await client.getModel(modelId);
        return modelInfo.status === 'ready' ? 'succeeded' : modelInfo.status;
      }
      case 'analyze':
        return (await client.getAnalyzeResult(modelId, resultId)).status;
      case 'layout':
        return (await client.getLayoutResult(resultId)).status;
      case 'copy':
        return (await client.getCopyResult(modelId, resultId)).status;
      default:
        throw new TypeError(`unknown kind ${kind satisfies never}`);
    }
  };
  return await pollUntil(look, (found) => ['succeeded', 'failed', 'invalid'].includes(found), 120_000);
}

/** Mulberry32: numbers from 0 to 1 that a seed repeats. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
