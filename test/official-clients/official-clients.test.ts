import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAzurite, type TestContainer, type TestStorage } from '../kit/azurite.ts';
import { expectedFields, FORMS, readStatement, STATEMENTS } from '../kit/forms.ts';
import { encryptedPdf } from '../kit/hostile-documents.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import {
  type CustomModel,
  OFFICIAL_VERSIONS,
  type OfficialVersion,
  type RecognizedForm,
  type TrainingClient,
} from './versions.ts';

// The published clients, unmodified, against two regions: what a program written for the cloud service does.

const STATEMENT = 'Invoice_6.pdf';
const STATEMENT_FILE = join(FORMS, 'azure-statements', 'test', STATEMENT);
const UPDATE = { updateIntervalInMs: 50 };
const NOBODY = '00000000-0000-4000-8000-000000000000';

const opened = new AsyncDisposableStack();
let storage: TestStorage;
let statements: TestContainer;
let source: TestRegion;
let target: TestRegion;
/** More than a page of models at the target. */
let reserved: readonly string[];

beforeAll(async () => {
  storage = opened.use(await startAzurite());
  const regions = opened.use(await startRegions(['westus2', 'eastus'], { FORMHAVEN_ALLOW_PRIVATE_ADDRESSES: 'true' }));
  source = regions.region('westus2');
  target = regions.region('eastus');
  statements = await storage.container(STATEMENTS);
  await statements.upload(`filled/${STATEMENT}`, await readStatement(STATEMENT));
  const authorizations = await Promise.all(Array.from({ length: 40 }, () => target.client().authorizeCopy()));
  reserved = authorizations.map(({ authorization }) => authorization.modelId);
});

afterAll(() => opened.disposeAsync());

describe.each(OFFICIAL_VERSIONS)('the client $release speaks $api and', (version) => {
  let atSource: TrainingClient;
  let atTarget: TrainingClient;
  let trained: CustomModel;
  let copyId: string;

  beforeAll(async () => {
    atSource = version.training(source);
    atTarget = version.training(target);
    const training = await atSource.beginTraining(statements.sasUrl(), true, UPDATE);
    trained = await training.pollUntilDone();
    const authorization = await atTarget.getCopyAuthorization(target.resourceId, target.name);
    const copying = await atSource.beginCopyModel(trained.modelId, authorization, UPDATE);
    copyId = (await copying.pollUntilDone()).modelId;
  });

  test('trains with labels from a container that may only be read and listed', async () => {
    expect(trained.status).toBe('ready');
    expect(trained.trainingDocuments).toHaveLength(5);
    expect(trained.trainingDocuments?.every(({ pageCount, status }) => pageCount === 1 && status === 'succeeded')).toBe(
      true,
    );
    const [submodel] = trained.submodels ?? [];
    expect(new Set(Object.keys(submodel?.fields ?? {}))).toEqual(new Set(Object.keys(await expectedFields(STATEMENT))));
    expect(submodel?.accuracy).toBeGreaterThan(0.8);
    expect(submodel?.accuracy).toBeLessThanOrEqual(1);
  });

  test('gets the model as training returned it', async () => {
    const model = await atSource.getCustomModel(trained.modelId);
    expect(model).toMatchObject({
      modelId: trained.modelId,
      status: 'ready',
      trainingStartedOn: trained.trainingStartedOn,
      trainingCompletedOn: trained.trainingCompletedOn,
      submodels: trained.submodels,
    });
  });

  test('lists the models, over as many pages as they take', async () => {
    const atSourceIds = await idsOf(atSource);
    expect(atSourceIds).toContain(trained.modelId);
    const atTargetIds = await idsOf(atTarget);
    expect(atTargetIds).toEqual([...atTargetIds].sort(byCodeUnit));
    expect(new Set(atTargetIds).size).toBe(atTargetIds.length);
    expect(reserved.filter((id) => !atTargetIds.includes(id))).toEqual([]);
  });

  test('counts the models of the account', async () => {
    const { customModelCount, customModelLimit } = await atSource.getAccountProperties();
    expect(customModelCount).toBeGreaterThan(0);
    expect(customModelLimit).toBe(5000);
  });

  test('is authorized for about a day', async () => {
    const authorization = await atTarget.getCopyAuthorization(target.resourceId, target.name);
    const hours = (authorization.expiresOn.getTime() - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
    expect(authorization).toMatchObject({ resourceId: target.resourceId, resourceRegion: target.name });
    expect((await atTarget.getCustomModel(authorization.modelId)).status).toBe('creating');
    await atTarget.deleteModel(authorization.modelId);
  });

  test('copies the model, which keeps its dates and its training result', async () => {
    expect(copyId).not.toBe(trained.modelId);
    const copy = await atTarget.getCustomModel(copyId);
    expect(copy).toMatchObject({
      modelId: copyId,
      status: 'ready',
      trainingStartedOn: trained.trainingStartedOn,
      trainingCompletedOn: trained.trainingCompletedOn,
    });
    expect(copy.trainingDocuments).toHaveLength(5);
    expect(copy.submodels?.[0]?.fields).toEqual(trained.submodels?.[0]?.fields);
  });

  test('reads a statement from a buffer with the copied model', async () => {
    const forms = await version.recognizing(target).form(copyId, await readStatement(STATEMENT));
    await expectStatement(forms, version);
    expect(forms[0]?.pages[0]?.lines?.length).toBeGreaterThan(10);
  });

  test('reads a statement from a stream with the copied model', async () => {
    const forms = await version.recognizing(target).form(copyId, createReadStream(STATEMENT_FILE));
    await expectStatement(forms, version);
  });

  test('reads a statement by its URL with the copied model', async () => {
    const url = statements.blobSasUrl(`filled/${STATEMENT}`);
    await expectStatement(await version.recognizing(target).formFromUrl(copyId, url), version);
  });

  test('recognizes the layout of a document and of a URL', async () => {
    const client = version.recognizing(target);
    const [ofBuffer, ofUrl] = await Promise.all([
      client.content(await readStatement(STATEMENT)),
      client.contentFromUrl(statements.blobSasUrl(`filled/${STATEMENT}`)),
    ]);
    expect(ofBuffer).toHaveLength(1);
    expect(ofBuffer[0]).toMatchObject({ pageNumber: 1, unit: 'inch' });
    const text = ofBuffer[0]?.lines?.map((line) => line.text).join('\n');
    expect(text).toContain('Wingtip Toys');
    expect(ofUrl).toEqual(ofBuffer);
  });

  test('trains without labels below a prefix, and finds keys and values', async () => {
    const unlabeled = await storage.container(STATEMENTS, { prefix: 'statements/' });
    const training = await atSource.beginTraining(unlabeled.sasUrl(), false, { ...UPDATE, prefix: 'statements/' });
    const model = await training.pollUntilDone();
    expect(model.status).toBe('ready');
    expect(Object.keys(model.submodels?.[0]?.fields ?? {}).length).toBeGreaterThan(0);
    const client = version.recognizing(source);
    for (const forms of [
      await client.form(model.modelId, await readStatement(STATEMENT)),
      await client.formFromUrl(model.modelId, statements.blobSasUrl(`filled/${STATEMENT}`)),
    ]) {
      const values = forms.flatMap((form) => Object.values(form.fields)).map((field) => field.valueData?.text);
      expect(values).toContain('Wingtip Toys');
    }
    await atSource.deleteModel(model.modelId);
  });

  test('learns that a document cannot be read', async () => {
    const client = version.recognizing(target);
    const [unread, notDownloaded] = version.tellsWhyUnread
      ? [/2005|Unable to read file/, /2003|download/]
      : [/Failed to recognize forms/, /Failed to recognize forms/];
    await expect(client.form(copyId, encryptedPdf('Illegible'))).rejects.toThrow(unread);
    await expect(client.formFromUrl(copyId, statements.blobSasUrl('filled/none.pdf'))).rejects.toThrow(notDownloaded);
    await expect(client.form(NOBODY, await readStatement(STATEMENT))).rejects.toMatchObject({
      statusCode: 400,
      code: '1001',
    });
  });

  test('learns why a training went wrong', async () => {
    const refused = atSource
      .beginTraining(statements.sasUrl({ permissions: 'w' }), true, UPDATE)
      .then((poller) => poller.pollUntilDone());
    await expect(refused).rejects.toThrow(/invalid|2012|Unable to list blobs/i);
  });

  test('learns why a copy went wrong', async () => {
    const authorization = await atTarget.getCopyAuthorization(target.resourceId, target.name);
    const altered = { ...authorization, accessToken: NOBODY };
    const failed = atSource.beginCopyModel(trained.modelId, altered, UPDATE).then((poller) => poller.pollUntilDone());
    await expect(failed).rejects.toThrow(/copy/i);
    await atTarget.deleteModel(authorization.modelId);
  });

  test('is refused with a wrong key', async () => {
    const stranger = version.training(source, 'f'.repeat(32));
    await expect(stranger.getAccountProperties()).rejects.toMatchObject({ statusCode: 401, code: '401' });
  });

  test('works with the second key as with the first', async () => {
    const { customModelCount } = await version.training(source, source.key2).getAccountProperties();
    expect(customModelCount).toBeGreaterThan(0);
  });

  test('deletes the copy, which is then not found, while the original stays', async () => {
    await atTarget.deleteModel(copyId);
    const notFound = { statusCode: 404, code: '1022' };
    await expect(atTarget.getCustomModel(copyId)).rejects.toMatchObject(notFound);
    await expect(atTarget.deleteModel(copyId)).rejects.toMatchObject(notFound);
    expect((await atSource.getCustomModel(trained.modelId)).status).toBe('ready');
  });
});

async function idsOf(client: TrainingClient): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { modelId } of client.listCustomModels()) ids.push(modelId);
  return ids;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function expectStatement(forms: readonly RecognizedForm[], version: OfficialVersion): Promise<void> {
  expect(forms).toHaveLength(1);
  const fields = forms[0]?.fields ?? {};
  for (const [name, expected] of Object.entries(await expectedFields(STATEMENT))) {
    const isMark = expected === 'selected' || expected === 'unselected';
    if (!isMark) expect([name, fields[name]?.valueData?.text]).toEqual([name, expected]);
    else if (version.readsSelectionMarks) expect([name, fields[name]?.value]).toEqual([name, expected]);
  }
}
