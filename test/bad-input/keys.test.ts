import { v2 } from '@formhaven/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { NOBODY } from './refusal.ts';

const ACCESS_DENIED =
  '{"error":{"code":"401","message": "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}';

const opened = new AsyncDisposableStack();
let region: TestRegion;
let other: TestRegion;

beforeAll(async () => {
  const regions = opened.use(await startRegions(['westus2', 'eastus']));
  region = regions.region('westus2');
  other = regions.region('eastus');
});

afterAll(() => opened.disposeAsync());

function call(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return fetch(region.endpoint + path, { method, headers });
}

async function expectDenied(response: Response): Promise<void> {
  expect(response.status).toBe(401);
  expect(await response.text()).toBe(ACCESS_DENIED);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('www-authenticate')).toBe(
    `AzureApiManagementKey realm="${region.endpoint}/formrecognizer",name="Ocp-Apim-Subscription-Key",type="header"`,
  );
}

test.each(v2.V2_VERSIONS)('%s asks for a key', async (version) => {
  await expectDenied(await call(`/formrecognizer/${version}/custom/models`));
});

describe('a key that does not open', () => {
  test.each([
    ['is wrong', () => 'f'.repeat(32)],
    ['is empty', () => ''],
    ['has a letter in the other case', () => region.key1.toUpperCase()],
    ['has one letter too many', () => `${region.key1}0`],
    ["is another region's", () => other.key1],
    ['is both keys at once', () => `${region.key1}, ${region.key2}`],
  ])('%s', async (_what, key) => {
    await expectDenied(await call('/formrecognizer/v2.1/custom/models', { 'ocp-apim-subscription-key': key() }));
  });

  test('stands in the query, or is a bearer token', async () => {
    await expectDenied(await call(`/formrecognizer/v2.1/custom/models?subscription-key=${region.key1}`));
    await expectDenied(await call('/formrecognizer/v2.1/custom/models', { authorization: `Bearer ${region.key1}` }));
  });
});

test('the first key and the second open alike', async () => {
  for (const key of [region.key1, region.key2]) {
    const response = await call('/formrecognizer/v2.1/custom/models', { 'Ocp-Apim-Subscription-Key': key });
    expect(response.status).toBe(200);
  }
});

describe('the key is asked for before all else', () => {
  test.each([
    ['an unknown path', 'GET', '/formrecognizer/v2.1/nothing/here'],
    ['an unknown version', 'GET', '/formrecognizer/v9.9/custom/models'],
    ['a model id that is none', 'GET', '/formrecognizer/v2.1/custom/models/xx'],
    ['a model that is unknown', 'DELETE', `/formrecognizer/v2.1/custom/models/${NOBODY}`],
    ['a method that is unknown there', 'PUT', '/formrecognizer/v2.1/custom/models'],
    ['a body that is missing', 'POST', '/formrecognizer/v2.1/custom/models'],
    ['a feature that is not offered', 'POST', '/formrecognizer/v2.1/prebuilt/receipt/analyze'],
    ['a path that cannot be decoded', 'GET', '/formrecognizer/v2.1/custom/models/%zz'],
    ['the bare base path', 'GET', '/formrecognizer'],
    ['a path in capitals', 'GET', '/FORMRECOGNIZER/V2.1/CUSTOM/MODELS'],
  ])('%s', async (_what, method, path) => {
    await expectDenied(await call(path, {}, method));
  });

  test.each([
    ['a path spelled with escapes', '/%66ormrecognizer/v2.1/custom/models'],
    ['a path given as a whole URL', 'http://anywhere/formrecognizer/v2.1/custom/models'],
    ['a feature that is not offered, spelled with escapes', '/%66ormrecognizer/v2.1/prebuilt/receipt/analyzeResults/x'],
  ])('%s', async (_what, target) => {
    const answer = await exchange(
      region.endpoint,
      `GET ${target} HTTP/1.1\r\nHost: ${new URL(region.endpoint).host}\r\nConnection: close\r\n\r\n`,
    );
    expect([answer.status, answer.body]).toEqual([401, ACCESS_DENIED]);
  });
});

test('what may not be quoted in a header is left out of the realm', async () => {
  const request = 'GET /formrecognizer/v2.1/custom/models HTTP/1.1\r\nHost: a",b="c\r\nConnection: close\r\n\r\n';
  const answer = await exchange(region.endpoint, request);
  expect(answer.headers.get('www-authenticate')).toBe(
    'AzureApiManagementKey realm="http://a,b=c/formrecognizer",name="Ocp-Apim-Subscription-Key",type="header"',
  );
});

test('health is told without a key', async () => {
  expect((await call('/health/live')).status).toBe(200);
  expect((await call('/health/ready')).status).toBe(200);
});
