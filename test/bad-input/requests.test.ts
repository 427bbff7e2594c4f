import { v2 } from '@formhaven/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { NOBODY, postDocument, postJson, refusalOf } from './refusal.ts';

const MODELS = '/formrecognizer/v2.1/custom/models';

const opened = new AsyncDisposableStack();
let region: TestRegion;

beforeAll(async () => {
  region = opened.use(await startRegions(['westus2'])).region('westus2');
});

afterAll(() => opened.disposeAsync());

async function reserveModel(): Promise<string> {
  return (await region.client().authorizeCopy()).authorization.modelId;
}

describe.each(v2.V2_VERSIONS)('in %s a model that is not there', (version) => {
  const models = `/formrecognizer/${version}/custom/models`;
  test.each([
    ['is unknown', NOBODY],
    ['has an id that is no GUID', 'xx'],
    ['has an id with a blank', `${NOBODY}%20`],
    ['has an id of control characters', '%00%0a'],
    ['has an id that looks like a path', '..%2f..%2fetc%2fpasswd'],
    ['has an id that looks like SQL', "'%20OR%201=1--"],
  ])('%s', async (_what, id) => {
    const shown = decodeURIComponent(id);
    const notFound = { status: 404, code: '1022', message: `Model with 'id=${shown}' not found.` };
    expect(await refusalOf(await region.request(`${models}/${id}`))).toEqual(notFound);
    expect(await refusalOf(await region.request(`${models}/${id}`, { method: 'DELETE' }))).toEqual(notFound);
    expect(await refusalOf(await postJson(region, `${models}/${id}/copy`, {}))).toEqual(notFound);
    expect(await refusalOf(await postDocument(region, `${models}/${id}/analyze`, '%PDF-1.4'))).toEqual({
      status: 400,
      code: '1001',
      message: `Specified model not found or not ready, Model Id: ${shown}`,
    });
  });

  test('has an id of thousands of letters, of which the answer repeats a few', async () => {
    const { status, code, message } = await refusalOf(await region.request(`${models}/${'a'.repeat(5000)}`));
    expect([status, code]).toEqual([404, '1022']);
    expect(message.length).toBeLessThan(200);
  });

  test('is only reserved for a copy, and so not ready', async () => {
    const id = await reserveModel();
    const notReady = { status: 400, code: '1001', message: expect.stringContaining(id) };
    expect(await refusalOf(await postDocument(region, `${models}/${id}/analyze`, '%PDF-1.4'))).toEqual(notReady);
    const copy = {
      targetResourceId: region.resourceId,
      targetResourceRegion: 'westus2',
      copyAuthorization: { modelId: NOBODY, accessToken: NOBODY, expirationDateTimeTicks: 4_000_000_000 },
    };
    expect(await refusalOf(await postJson(region, `${models}/${id}/copy`, copy))).toEqual(notReady);
  });

  test('was deleted', async () => {
    const id = await reserveModel();
    expect((await region.request(`${models}/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await refusalOf(await region.request(`${models}/${id}`, { method: 'DELETE' }))).toMatchObject({
      status: 404,
      code: '1022',
    });
  });
});

describe('a result that is not there', () => {
  const UNKNOWN = { status: 404, code: '404', message: expect.any(String) };

  test.each([NOBODY, 'xx', '%00', `${NOBODY}x`])('has the id %s', async (id) => {
    for (const path of [
      `${MODELS}/${NOBODY}/analyzeResults/${id}`,
      `${MODELS}/${NOBODY}/copyResults/${id}`,
      `/formrecognizer/v2.1/layout/analyzeResults/${id}`,
    ]) {
      expect(await refusalOf(await region.request(path))).toEqual(UNKNOWN);
    }
  });

  test('is of another kind of operation', async () => {
    const path = '/formrecognizer/v2.1/layout/analyze';
    const accepted = await postDocument(region, path, '%PDF-1.4 of no use');
    const location = accepted.headers.get('operation-location') ?? '';
    const id = location.slice(location.lastIndexOf('/') + 1);
    expect((await region.request(`/formrecognizer/v2.1/layout/analyzeResults/${id}`)).status).toBe(200);
    expect(await refusalOf(await region.request(`${MODELS}/${NOBODY}/analyzeResults/${id}`))).toEqual(UNKNOWN);
    expect(await refusalOf(await region.request(`${MODELS}/${NOBODY}/copyResults/${id}`))).toEqual(UNKNOWN);
  });
});

describe('the list of models', () => {
  test('leads over its pages by nextLink, each model once and in order', async () => {
    const reserved = await Promise.all(Array.from({ length: 60 }, reserveModel));
    const pages: string[][] = [];
    let next = `${MODELS}?op=full`;
    while (next !== '') {
      const response = await region.request(next);
      const page = (await response.json()) as { modelList: { modelId: string }[]; nextLink: string };
      pages.push(page.modelList.map(({ modelId }) => modelId));
      if (page.nextLink !== '') expect(page.nextLink).toMatch(new RegExp(`^${region.endpoint}${MODELS}\\?nextLink=`));
      next = page.nextLink.slice(region.endpoint.length);
    }
    const ids = pages.flat();
    expect(pages.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
    expect(reserved.filter((id) => !ids.includes(id))).toEqual([]);
    const { summary } = (await (await region.request(`${MODELS}?op=summary`)).json()) as { summary: { count: number } };
    expect(summary.count).toBe(ids.length);
  });

  test('goes on where the model of the nextLink has been deleted meanwhile', async () => {
    await Promise.all(Array.from({ length: 30 }, reserveModel));
    const first = await region.client().listModelsPage();
    const last = first.modelList.at(-1)?.modelId ?? '';
    await region.client().deleteModel(last);
    const second = await region.client().listModelsPage(first.nextLink ?? '');
    expect(second.modelList.length).toBeGreaterThan(0);
    expect(second.modelList.every(({ modelId }) => modelId > last)).toBe(true);
  });

  test.each(['xx', '%00', '../1', NOBODY.slice(1), "'%20OR%201=1--"])('refuses the nextLink %s', async (token) => {
    const refusal = await refusalOf(await region.request(`${MODELS}?nextLink=${token}`));
    expect(refusal).toMatchObject({ status: 400, code: 'BadArgument' });
    expect(refusal.message).toContain('nextLink');
  });

  test('refuses an op that is none', async () => {
    expect(await refusalOf(await region.request(`${MODELS}?op=everything`))).toMatchObject({
      status: 400,
      code: 'BadArgument',
    });
  });

  test('answers as op=full where there is no op, as its own nextLink has none', async () => {
    const response = await region.request(MODELS);
    expect(Object.keys((await response.json()) as object)).toEqual(['modelList', 'nextLink']);
  });
});

describe('a path', () => {
  test.each([
    ['GET', '/formrecognizer/v2.1/nothing/here'],
    ['GET', '/formrecognizer/v9.9/custom/models'],
    ['GET', '/formrecognizer/documentModels?api-version=2023-07-31'],
    ['GET', '/formrecognizer/v2.0/custom/models/compose/x'],
    ['PUT', MODELS],
    ['PATCH', `${MODELS}/${NOBODY}`],
    ['DELETE', MODELS],
    ['GET', `${MODELS}/${NOBODY}/analyze`],
    ['GET', `${MODELS}/${NOBODY}/copy`],
    ['POST', '/formrecognizer/v2.0/prebuilt/invoice/analyze'],
    ['POST', '/formrecognizer/v2.0/custom/models/compose'],
  ])('that does not exist is not found: %s %s', async (method, path) => {
    const response = await region.request(path, { method });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await refusalOf(response)).toEqual({ status: 404, code: '404', message: 'Resource not found' });
  });

  test.each([
    ['GET', '/FormRecognizer/V2.1/Custom/Models'],
    ['POST', '/formrecognizer/v2.1/CUSTOM/MODELS/COPYAUTHORIZATION'],
  ])('is found in whatever case: %s %s', async (method, path) => {
    expect((await region.request(path, { method })).ok).toBe(true);
  });

  test('that cannot be decoded is a bad request', async () => {
    expect(await refusalOf(await region.request(`${MODELS}/%zz`))).toMatchObject({ status: 400, code: 'BadArgument' });
  });

  test.each([
    ['POST', '/formrecognizer/v2.1/prebuilt/receipt/analyze', 'receipt'],
    ['POST', '/formrecognizer/v2.1/prebuilt/businessCard/analyze', 'businessCard'],
    ['POST', '/formrecognizer/v2.1/prebuilt/invoice/analyze', 'invoice'],
    ['POST', '/formrecognizer/v2.1/prebuilt/idDocument/analyze', 'idDocument'],
    ['POST', '/formrecognizer/v2.0/prebuilt/receipt/analyze', 'receipt'],
    ['GET', `/formrecognizer/v2.1/prebuilt/receipt/analyzeResults/${NOBODY}`, 'receipt'],
  ])('of a feature that is not offered says so by name: %s %s', async (method, path, name) => {
    const refusal = await refusalOf(await region.request(path, { method }));
    expect(refusal).toMatchObject({ status: 501, code: 'NotSupported' });
    expect(refusal.message).toContain(name);
  });
});

describe('a query', () => {
  const layout = '/formrecognizer/v2.1/layout/analyze';
  test.each([
    ['pages=0', 'BadArgument'],
    ['pages=5-1', 'BadArgument'],
    ['pages=one', 'BadArgument'],
    ['pages=1,,2', 'BadArgument'],
    ['pages=99999999999999999999', 'BadArgument'],
    ['readingOrder=upwards', 'BadArgument'],
    ['language=%00', 'NotSupportedLanguage'],
  ])('that layout cannot use is refused: %s', async (query, code) => {
    expect(await refusalOf(await postDocument(region, `${layout}?${query}`, '%PDF-1.4'))).toMatchObject({
      status: 400,
      code,
    });
  });

  test('that gives a parameter twice counts by the last', async () => {
    expect((await region.request(`${MODELS}?op=summary&op=full`)).status).toBe(200);
    expect((await refusalOf(await postDocument(region, `${layout}?pages=1&pages=0`, '%PDF-1.4'))).status).toBe(400);
    expect((await postDocument(region, `${layout}?pages=0&pages=1`, '%PDF-1.4')).status).toBe(202);
  });

  test('of parameters nobody knows is ignored', async () => {
    expect((await region.request(`${MODELS}?op=full&__proto__=x&constructor=y&a[b]=c`)).status).toBe(200);
  });
});

describe('composing', () => {
  const compose = `${MODELS}/compose`;
  test.each([
    ['no models', {}, '1001'],
    ['null', { modelIds: null }, '1001'],
    ['one model twice', { modelIds: [NOBODY, NOBODY] }, '1001'],
    ['ids that are none', { modelIds: ['a', 'b'] }, '1002'],
    ['a text instead of a list', { modelIds: NOBODY }, '1002'],
    ['unknown models', { modelIds: [NOBODY, NOBODY.replace('8', '9')] }, '1001'],
  ])('refuses %s', async (_what, body, code) => {
    expect(await refusalOf(await postJson(region, compose, body))).toMatchObject({ status: 400, code });
  });
});

describe('what is no HTTP', () => {
  const start = `POST ${MODELS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
  test.each([
    ['a greeting', 'HELLO\r\n\r\n', 400],
    ['two lengths that differ', `${start}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`, 400],
    [
      'a length and chunks',
      `${start}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      400,
    ],
    ['a negative length', `${start}Content-Length: -1\r\n\r\n`, 400],
    ['headers of 20 KB', `${start}X-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('is refused in the form of the wire: %s', async (_what, bytes, status) => {
    const answer = await exchange(region.endpoint, bytes);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ error: { code: 'BadArgument', message: expect.any(String) } });
  });
});
