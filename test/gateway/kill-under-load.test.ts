import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AzureKeyCredential, FormRecognizerClient, FormTrainingClient } from '@azure/ai-form-recognizer-v2.1';
import { createGatewayLog, type GatewayStatus, startGateway } from '@formhaven/gateway';
import { expect, test } from 'vitest';
import { expectedFields, readStatement, STATEMENTS } from '../kit/forms.ts';
import { startRegions } from '../kit/regions.ts';
import { copyModel } from '../kit/work.ts';
import { Fleet, fieldOf, MODEL, resultOf, sha256, someDocument, until } from './fleet.ts';

// The promise of the gateway: the primary is killed while clients work, and they do not notice.

test('the official client with its default settings sees no error when the primary is killed', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const west = regions.region('westus2');
  const east = regions.region('eastus');
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-kill-'));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const key = randomBytes(16).toString('hex');
  const hash = createHash('sha256').update(key).digest('hex');
  await writeFile(
    join(folder, 'gateway.json'),
    JSON.stringify({
      regions: [west, east].map(({ name, endpoint, key1, key2 }) => ({ region: name, endpoint, key1, key2 })),
      clientKeys: [hash],
      adminKeys: [hash],
    }),
  );
  const gateway = opened.use(
    await startGateway({
      configFile: join(folder, 'gateway.json'),
      dataFolder: join(folder, 'gateway'),
      modelMapFile: join(folder, 'model-map.json'),
      host: '127.0.0.1',
      port: 0,
      log: createGatewayLog({}, 'silent'),
    }),
  );

  const credential = new AzureKeyCredential(key);
  const training = new FormTrainingClient(gateway.endpoint, credential);
  const trained = await (await training.beginTraining(STATEMENTS, true, { updateIntervalInMs: 50 })).pollUntilDone();
  const { modelId } = trained;
  expect(trained.status).toBe('ready');
  const { targetModelId } = await copyModel(west, modelId, east);
  const map = {
    version: 1,
    writtenOn: new Date().toISOString(),
    models: [
      {
        id: modelId,
        regions: { westus2: { modelId, isProven: true }, eastus: { modelId: targetModelId, isProven: true } },
      },
    ],
  };
  // As replication does: whole, by rename, while the gateway runs.
  await writeFile(join(folder, 'model-map.tmp'), JSON.stringify(map));
  await rename(join(folder, 'model-map.tmp'), join(folder, 'model-map.json'));
  await until('the map is read', async () => {
    const response = await fetch(`${gateway.endpoint}/gateway/status`, { headers: { authorization: `Bearer ${key}` } });
    return ((await response.json()) as GatewayStatus).models === 1;
  });

  const client = new FormRecognizerClient(gateway.endpoint, credential);
  const statement = await readStatement('Invoice_6.pdf');
  let accepted = 0;
  const recognize = async (): Promise<unknown> => {
    const poller = await client.beginRecognizeCustomForms(modelId, statement, {
      contentType: 'application/pdf',
    });
    accepted++;
    const [form] = (await poller.pollUntilDone()) ?? [];
    expect(form?.formType).toBe(`custom:${modelId}`);
    return Object.fromEntries(
      Object.entries(form?.fields ?? {}).map(([name, { value, valueData }]) => [
        name,
        typeof value === 'string' && valueData?.text === '' ? value : (valueData?.text ?? value),
      ]),
    );
  };
  const inFlight = Array.from({ length: 4 }, recognize);
  await until('they are accepted', () => accepted === 4);
  const killed = west.kill();
  const duringTheKill = Array.from({ length: 4 }, recognize);
  await killed;
  const results = await Promise.all([...inFlight, ...duringTheKill, recognize(), recognize()]);
  const expected = await expectedFields('Invoice_6.pdf');
  for (const fields of results) expect(fields).toEqual(expected);
  const { trainingStartedOn, trainingCompletedOn, submodels } = trained;
  expect(await training.getCustomModel(modelId)).toMatchObject({
    modelId,
    trainingStartedOn,
    trainingCompletedOn,
    submodels,
  });
});

const FAULTS: readonly (readonly [string, (fleet: Fleet) => unknown])[] = [
  ['is killed', (fleet) => fleet.west.kill()],
  ['is cut off, so that nothing reaches it', (fleet) => fleet.west.behave({ kind: 'cut' })],
  ['is cut off, so that none of its answers comes back', (fleet) => fleet.west.behave({ kind: 'silent' })],
];

test.each(FAULTS)(
  'at 50 requests a second a client without retries sees no error when the primary %s',
  async (_, inject) => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 400 }, east: { finishMilliseconds: 100 } });
    const client = fleet.client();
    const outcomes: Promise<boolean>[] = [];
    for (let n = 0; n < 150; n++) {
      const document = someDocument();
      outcomes.push(
        client
          .analyze(MODEL, document)
          .then(({ resultId }) => resultOf(client, resultId))
          .then((result) => fieldOf(result, 'Sha256') === sha256(document.body)),
      );
      if (n === 75) await inject(fleet);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect((await Promise.all(outcomes)).filter((isRight) => !isRight)).toEqual([]);
    const metrics = await (await fleet.adminRequest('/metrics')).text();
    expect(metrics).toContain('formhaven_gateway_switches_total{from="west",to="east"} 1');
  },
);
