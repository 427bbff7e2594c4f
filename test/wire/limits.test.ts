import { once } from 'node:events';
import { v2 } from '@formhaven/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postDocument, postJson, refusalOf } from '../bad-input/refusal.ts';
import { STATEMENTS } from '../kit/forms.ts';
import { openSocket, parseAnswer, readToEnd } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';

const MODELS = '/formrecognizer/v2.1/custom/models';

const opened = new AsyncDisposableStack();
let region: TestRegion;
let limited: TestRegion;

beforeAll(async () => {
  const small = await startRegions(['westus2'], {
    FORMHAVEN_MAX_MODELS: '3',
    FORMHAVEN_LIST_PAGE: '2',
    FORMHAVEN_MAX_DOCUMENT_MB: '0.01',
    FORMHAVEN_REQUEST_TIMEOUT_SECONDS: '1',
    FORMHAVEN_TRUST_PROXY: '127.0.0.0/8',
  });
  region = opened.use(small).region('westus2');
  const slow = await startRegions(['eastus'], { FORMHAVEN_RATES: 'list=0.01, analyze=0.5' });
  limited = opened.use(slow).region('eastus');
});

afterAll(() => opened.disposeAsync());

test('a resource with as many models as it may have makes and reserves no more, in any version', async () => {
  for (let n = 0; n < 3; n++) await region.client().authorizeCopy();
  const counted = await region.request(`${MODELS}?op=summary`);
  expect(await counted.json()).toMatchObject({ summary: { count: 3, limit: 3 } });
  const full = { status: 429, code: '1014', message: expect.stringContaining('limit of custom models') };
  for (const version of v2.V2_VERSIONS) {
    const models = `/formrecognizer/${version}/custom/models`;
    expect(await refusalOf(await region.request(`${models}/copyAuthorization`, { method: 'POST' }))).toEqual(full);
    expect(await refusalOf(await postJson(region, models, { source: STATEMENTS }))).toEqual(full);
  }
});

test('the list comes in pages of the configured size', async () => {
  const first = await region.client().listModelsPage();
  expect(first.modelList).toHaveLength(2);
  expect(first.nextLink).not.toBe('');
});

test('a document over the configured size is refused', async () => {
  const refusal = await refusalOf(
    await postDocument(region, '/formrecognizer/v2.1/layout/analyze', 'x'.repeat(11_000)),
  );
  expect(refusal).toEqual({
    status: 413,
    code: 'RequestBodyTooLarge',
    message: 'The document is larger than 10485 bytes.',
  });
});

test('a body that does not come in time ends with 408', async () => {
  const socket = await openSocket(region.endpoint);
  const answer = readToEnd(socket);
  socket.write(
    `POST ${MODELS} HTTP/1.1\r\nHost: x\r\nOcp-Apim-Subscription-Key: ${region.key1}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  );
  if (!socket.closed) await once(socket, 'close');
  const { status, body } = parseAnswer(await answer);
  expect(status).toBe(408);
  expect(JSON.parse(body)).toEqual({ error: { code: 'Timeout', message: 'The operation was timeout.' } });
});

test('a version that is retired is gone, for whoever has a key', async () => {
  const path = '/formrecognizer/v1.0-preview/custom/train';
  expect(await refusalOf(await region.request(path, { method: 'POST' }))).toEqual({
    status: 410,
    code: 'Gone',
    message: 'The requested API version has been retired.',
  });
  expect((await fetch(region.endpoint + path)).status).toBe(401);
});

describe('behind a proxy', () => {
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'forms.example' };

  test('that is trusted, URLs are those the client called', async () => {
    const response = await region.request(`${MODELS}?op=full`, { headers: forwarded });
    const { nextLink } = (await response.json()) as { nextLink: string };
    expect(nextLink).toMatch(/^https:\/\/forms\.example\/formrecognizer\/v2\.1\/custom\/models\?nextLink=/);
  });

  test('that is not, they are those of the connection', async () => {
    const headers = { ...forwarded, 'content-type': 'application/json' };
    const body = JSON.stringify({ source: 'https://documents.example/form.pdf' });
    const accepted = await limited.request('/formrecognizer/v2.1/layout/analyze', { method: 'POST', headers, body });
    expect(accepted.headers.get('operation-location')).toMatch(new RegExp(`^${limited.endpoint}/formrecognizer/`));
  });
});

test('requests over the configured rate are answered as the gateway does, each group for itself', async () => {
  expect((await limited.request(MODELS)).status).toBe(200);
  const refused = await limited.request('/formrecognizer/v2.0/custom/models?op=summary');
  expect(refused.headers.get('policy-id')).toBe('ResourceRateLimitBy60s');
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(100);
  expect(refused.headers.get('content-type')).toBe('application/json');
  expect(await refusalOf(refused)).toEqual({
    status: 429,
    code: '429',
    message: `Requests to the Custom Form Model Management - List Custom Models Operation under Form Recognizer API (v2.0) have exceeded rate limit of your current FormRecognizer S0 pricing tier. Please retry after ${seconds} seconds.`,
  });
  // Other groups have their own, or none; a wrong key is still a wrong key.
  expect((await limited.request(`${MODELS}/copyAuthorization`, { method: 'POST' })).status).toBe(201);
  expect((await fetch(`${limited.endpoint}${MODELS}`)).status).toBe(401);
});
