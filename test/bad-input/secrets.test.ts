import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite } from '../kit/azurite.ts';
import { expectedFields, readStatement, STATEMENTS } from '../kit/forms.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { endOf, NOBODY, postDocument, postJson } from './refusal.ts';

// Two regions that log all they can, and the usual work with its usual mishaps. Afterwards nothing secret stands in a log or, but
// for the documents themselves, on a disk.

const MODELS = '/formrecognizer/v2.1/custom/models';
const WRONG_KEY = 'a-key-that-is-wrong-but-perhaps-right-elsewhere';

const opened = new AsyncDisposableStack();
let source: TestRegion;
let target: TestRegion;
/** What opens doors, in every spelling it was sent in. */
const secrets: string[] = [WRONG_KEY];

beforeAll(async () => {
  const storage = opened.use(await startAzurite());
  const regions = opened.use(
    await startRegions(['westus2', 'eastus'], {
      FORMHAVEN_ALLOW_PRIVATE_ADDRESSES: 'true',
      FORMHAVEN_LOG_LEVEL: 'trace',
    }),
  );
  source = regions.region('westus2');
  target = regions.region('eastus');
  secrets.push(source.key1, source.key2, target.key1, target.key2);
  const container = await storage.container(STATEMENTS);
  await container.upload('more/Invoice_6.pdf', await readStatement('Invoice_6.pdf'));

  // Training, and two that fail.
  const sas = withSecret(container.sasUrl());
  const trained = await postJson(source, MODELS, { source: sas, useLabelFile: true });
  expect((await endOf(source, trained)).status).toBe('ready');
  const modelId = trained.headers.get('location')?.split('/').at(-1) ?? '';
  for (const refused of [container.sasUrl({ permissions: 'w' }), sas.replace(container.url, `${container.url}x`)]) {
    const ended = await endOf(source, await postJson(source, MODELS, { source: withSecret(refused) }));
    expect(ended.status).toBe('invalid');
  }

  // Copies: one that succeeds, one that fails, requests that are refused, and a target that has gone.
  const authorize = async (): Promise<object & { accessToken: string }> => {
    const { authorization } = await target.client().authorizeCopy();
    secrets.push(authorization.accessToken);
    return authorization;
  };
  const to = { targetResourceId: target.resourceId, targetResourceRegion: target.name };
  const copy = `${MODELS}/${modelId}/copy`;
  const copied = await postJson(source, copy, { ...to, copyAuthorization: await authorize() });
  expect((await endOf(source, copied)).status).toBe('succeeded');
  const misdirected = { ...(await authorize()), modelId: NOBODY };
  const failed = await postJson(source, copy, { ...to, copyAuthorization: misdirected });
  expect((await endOf(source, failed)).status).toBe('failed');
  const authorization = await authorize();
  for (const body of [
    { ...to, copyAuthorization: JSON.stringify(authorization) },
    { ...to, targetResourceId: authorization.accessToken, copyAuthorization: authorization },
    `{"accessToken":"${authorization.accessToken}"`,
  ]) {
    expect((await postJson(source, copy, body)).status).toBe(400);
  }

  // Documents: as a body, by a URL, and by URLs that do not work.
  const analyze = `${MODELS}/${modelId}/analyze`;
  const statement = await readStatement('Invoice_6.pdf');
  expect((await endOf(source, await postDocument(source, analyze, statement))).status).toBe('succeeded');
  for (const url of [container.blobSasUrl('more/Invoice_6.pdf'), container.blobSasUrl('more/none.pdf')]) {
    await endOf(source, await postJson(source, analyze, { source: withSecret(url) }));
  }
  await endOf(source, await postDocument(source, analyze, Buffer.concat([Buffer.from('%PDF-1.4\n'), statement])));

  // Keys where they belong and where they do not.
  const denied = await source.request(MODELS, { headers: { 'ocp-apim-subscription-key': WRONG_KEY } });
  expect(denied.status).toBe(401);
  for (const path of [`${MODELS}/${source.key1}`, `${MODELS}?nextLink=${source.key2}`, `${MODELS}/%zz${source.key1}`])
    expect((await source.request(path)).status).toBeGreaterThanOrEqual(400);
});

afterAll(() => opened.disposeAsync());

/** Keeps the signature of a SAS among the secrets. */
function withSecret(url: string): string {
  const signature = new URL(url).searchParams.get('sig') ?? '';
  secrets.push(signature, encodeURIComponent(signature));
  return url;
}

test('the logs tell what happened, and no key, token or signature', () => {
  for (const region of [source, target]) {
    const log = region.log();
    expect(log).toContain('"event":"request"');
    expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
  }
  expect(source.log()).toContain('"event":"operation-failed"');
  expect(target.log()).toContain('"event":"copy-published"');
});

test('the logs hold no word of a document', async () => {
  const fields = Object.values(await expectedFields('Invoice_6.pdf'));
  // Four digits stand in every other request id; longer ones, and names, do not come about by chance.
  const words = [...fields, 'Magnolia', 'Leadership', 'Statement'].filter(
    (word) => word.length > 6 && !/selected$/.test(word),
  );
  expect(words.length).toBeGreaterThan(3);
  for (const region of [source, target]) {
    const log = region.log();
    expect(words.filter((word) => log.includes(word))).toEqual([]);
  }
});

test('the disk holds no key, token or signature', async () => {
  for (const region of [source, target]) {
    const entries = await readdir(region.dataFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const content = await readFile(file);
      expect([file, secrets.filter((secret) => content.includes(secret))]).toEqual([file, []]);
    }
  }
});
