import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ServiceError } from '@formhaven/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet, fieldOf, MODEL, MODEL_IN_EAST, resultOf, sha256, someDocument, until } from './fleet.ts';

// Through the gateway everything looks as at one region, and nothing but what belongs to the wire gets through.

describe('through the gateway', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start();
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('a client analyzes a document and gets its result', async () => {
    const document = someDocument();
    const { resultId, location } = await fleet.client().analyze(MODEL, document);
    expect(location).toBe(`${fleet.endpoint}/formrecognizer/v2.1/custom/models/${MODEL}/analyzeresults/${resultId}`);
    const result = await resultOf(fleet.client(), resultId);
    expect(fieldOf(result, 'Sha256')).toBe(sha256(document.body));
    expect(fieldOf(result, 'Region')).toBe('west');
  });

  test('a layout has its place, and no other operation is found under it', async () => {
    const client = fleet.client();
    const { resultId } = await client.analyzeLayout(someDocument());
    await until('the layout is done', async () => (await client.getLayoutResult(resultId)).status === 'succeeded');
    await expect(client.getAnalyzeResult(MODEL, resultId)).rejects.toMatchObject({ status: 404 });
  });

  test('the same document twice is two operations, each with its result', async () => {
    const document = someDocument();
    const client = fleet.client();
    const [one, two] = await Promise.all([client.analyze(MODEL, document), client.analyze(MODEL, document)]);
    expect(one.resultId).not.toBe(two.resultId);
    for (const { resultId } of [one, two]) {
      expect(fieldOf(await resultOf(client, resultId), 'Sha256')).toBe(sha256(document.body));
    }
  });

  test('a document without a length is taken as it comes', async () => {
    const { body } = someDocument(300_000);
    const response = await fleet.request(`/formrecognizer/v2.1/custom/models/${MODEL}/analyze`, {
      method: 'POST',
      headers: { 'content-type': 'application/pdf' },
      body: Readable.from([body.subarray(0, 100), body.subarray(100)]) as unknown as NonNullable<RequestInit['body']>,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(202);
    const resultId = response.headers.get('operation-location')?.split('/').at(-1) ?? '';
    expect(fieldOf(await resultOf(fleet.client(), resultId), 'Sha256')).toBe(sha256(body));
  });

  test('a document that is too large is refused before it is read', async () => {
    const response = await fleet.request(`/formrecognizer/v2.1/custom/models/${MODEL}/analyze`, {
      method: 'POST',
      headers: { 'content-type': 'application/pdf' },
      body: Buffer.alloc(51 * 1024 * 1024),
    });
    expect(response.status).toBe(413);
  });

  test('a wrong key is 401 before anything else, also for paths that are none', async () => {
    for (const path of ['/formrecognizer/v2.1/custom/models', '/formrecognizer/nothing', '/gateway/status']) {
      const response = await fleet.request(path, { headers: { 'ocp-apim-subscription-key': 'x' } });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('AzureApiManagementKey');
    }
  });

  test("the client's key opens no administration, and the admin's no analyses", async () => {
    expect((await fleet.request('/gateway/status')).status).toBe(401);
    expect((await fleet.adminRequest('/formrecognizer/v2.1/custom/models')).status).toBe(401);
  });

  test('regions see their own keys and never the client’s', async () => {
    await fleet.client().summary();
    const keys = new Set(fleet.west.requests.map(({ key }) => key));
    expect(keys).toEqual(new Set([fleet.west.keys[0]]));
  });

  test('an unknown path and an unknown model are answered as the service does', async () => {
    expect((await fleet.request('/formrecognizer/v2.1/nothing')).status).toBe(404);
    const nobody = '99999999-9999-4999-8999-999999999999';
    const analysis = await fleet
      .client()
      .analyze(nobody, someDocument())
      .catch((error: unknown) => error);
    expect(analysis).toMatchObject({ status: 400, code: '1001' });
    expect((analysis as ServiceError).message).toContain(nobody);
    await expect(fleet.client().getModel(nobody)).rejects.toMatchObject({ status: 404, code: '1022' });
  });

  test('no key, token or document text is in the log or, in the clear, on the disk', async () => {
    const secret = 'SECRET-TEXT-OF-A-DOCUMENT';
    const { resultId } = await fleet.client().analyze(MODEL, {
      contentType: 'application/pdf',
      body: Buffer.from(`%PDF-1.4 ${secret.repeat(100)}`),
    });
    const spool = join(fleet.folder, 'gateway', 'spool');
    const files = await readdir(spool);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect((await readFile(join(spool, file))).includes(secret)).toBe(false);
    await resultOf(fleet.client(), resultId);
    for (const word of [secret, fleet.clientKey, fleet.adminKey, ...fleet.west.keys, ...fleet.east.keys]) {
      expect(fleet.log).not.toContain(word);
    }
  });

  test('metrics and states are there for those who may see them', async () => {
    const text = await (await fleet.adminRequest('/metrics')).text();
    expect(text).toContain('formhaven_gateway_region_state{region="west",state="healthy"} 1');
    const status = await fleet.admin('/gateway/status');
    expect(status).toMatchObject({ preferred: 'west', writes: { region: 'west', epoch: 1, mode: 'open' } });
  });
});

describe('ids', () => {
  test('are the same for the client whichever region answers', async () => {
    await using fleet = await Fleet.start();
    const client = fleet.client();
    const before = await client.getModel(MODEL);
    const listBefore = await client.listModelsPage();
    await fleet.west.kill();
    const after = await client.getModel(MODEL);
    const listAfter = await client.listModelsPage();
    expect(after).toEqual(before);
    expect(after.modelInfo.modelId).toBe(MODEL);
    expect(listAfter).toEqual(listBefore);
    const { resultId } = await client.analyze(MODEL, someDocument());
    const result = await resultOf(client, resultId);
    expect(fieldOf(result, 'Region')).toBe('east');
    expect(result.analyzeResult?.documentResults?.[0]).toMatchObject({ docType: `custom:${MODEL}`, modelId: MODEL });
    expect(JSON.stringify(result)).not.toContain(MODEL_IN_EAST);
  });

  test('of components go to the region as its own, and Location comes back as the gateway’s', async () => {
    await using fleet = await Fleet.start();
    await fleet.admin('/gateway/failover', { to: 'east' });
    const other = '33333333-3333-4333-8333-333333333333';
    const { location, modelId } = await fleet.client().compose({ modelIds: [MODEL, other] });
    expect(location).toBe(`${fleet.endpoint}/formrecognizer/v2.1/custom/models/${modelId}`);
    expect(JSON.parse(fleet.east.bodies[0] ?? '')).toEqual({ modelIds: [MODEL_IN_EAST, other] });
  });

  test('of the list are ordered by the client’s ids, page after page, also when the region changes on the way', async () => {
    await using fleet = await Fleet.start();
    const ids = Array.from({ length: 40 }, (_, n) => ({
      id: `0000${String(n).padStart(4, '0')}-0000-4000-8000-000000000000`,
      west: `aaaa${String(n).padStart(4, '0')}-0000-4000-8000-000000000000`,
      east: `bbbb${String(40 - n).padStart(4, '0')}-0000-4000-8000-000000000000`,
    }));
    fleet.west.models.clear();
    fleet.east.models.clear();
    for (const { west, east } of ids) {
      fleet.west.models.add(west);
      fleet.east.models.add(east);
    }
    await fleet.writeMap(ids);
    const client = fleet.client();
    await until('the map is read', async () => (await fleet.admin('/gateway/status')).models === 40);
    const first = await client.listModelsPage();
    await fleet.west.kill();
    const second = await client.listModelsPage(first.nextLink ?? '');
    const listed = [...first.modelList, ...second.modelList].map(({ modelId }) => modelId);
    expect(listed).toEqual(ids.map(({ id }) => id));
    expect(second.nextLink).toBe('');
  });

  test('in a result of many megabytes are mapped too', async () => {
    await using fleet = await Fleet.start({ east: { padding: 6_000_000 } });
    await fleet.west.kill();
    const client = fleet.client();
    const { resultId } = await client.analyze(MODEL, someDocument());
    const result = await resultOf(client, resultId);
    const [document] = result.analyzeResult?.documentResults ?? [];
    expect(document).toMatchObject({ docType: `custom:${MODEL}`, modelId: MODEL });
    expect(document?.fields.Padding?.text).toBe('é'.repeat(3_000_000));
  });
});
