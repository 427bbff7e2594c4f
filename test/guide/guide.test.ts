import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, parseAnswer, type RawAnswer } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { pollUntil, trainStatements } from '../kit/work.ts';

// "Back up and recover your Form Recognizer models" of May 2020, for v2.0-preview: its requests as they are printed, and its
// curl lines where curl is there. The guide's copy line names the wrong path, and its last line says `GET` without `-X`; both are
// corrected here.

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const WHOLE_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const SEVEN_DECIMALS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/;

interface GuideRequest {
  readonly method: 'GET' | 'POST';
  /** Below the endpoint. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
}

type Way = (region: TestRegion, request: GuideRequest) => Promise<RawAnswer>;

/** The lines of the guide and nothing more than HTTP/1.1 demands: a host, a length, and that the connection ends. */
const asPrinted: Way = (region, { method, path, contentType, body }) =>
  exchange(
    region.endpoint,
    [
      `${method} ${path} HTTP/1.1`,
      `Ocp-Apim-Subscription-Key: ${region.key1}`,
      `Host: ${new URL(region.endpoint).host}`,
      'Connection: close',
      ...(contentType === undefined ? [] : [`Content-Type: ${contentType}`]),
      ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
      '',
      body ?? '',
    ].join('\r\n'),
  );

const byFetch: Way = async (region, { method, path, contentType, body }) => {
  const response = await fetch(region.endpoint + path, {
    method,
    headers: {
      'Ocp-Apim-Subscription-Key': region.key1,
      ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const statusLine = `HTTP/1.1 ${response.status} ${response.statusText}`;
  return { status: response.status, statusLine, headers: response.headers, body: text, text };
};

const byCurl: Way = async (region, { method, path, contentType, body }) => {
  const { stdout } = await promisify(execFile)('curl', [
    ...['-s', '-i', '-X', method, region.endpoint + path],
    ...(contentType === undefined ? [] : ['-H', `Content-Type: ${contentType}`]),
    ...['-H', `Ocp-Apim-Subscription-Key: ${region.key1}`],
    ...(body === undefined ? [] : ['--data-ascii', body]),
  ]);
  return parseAnswer(stdout);
};

const hasCurl = await promisify(execFile)('curl', ['--version']).then(
  () => true,
  () => false,
);
const WAYS: readonly { readonly name: string; readonly way: Way }[] = [
  { name: 'as bytes on a socket', way: asPrinted },
  { name: 'by fetch', way: byFetch },
  ...(hasCurl ? [{ name: 'by curl', way: byCurl }] : []),
];

const opened = new AsyncDisposableStack();
let source: TestRegion;
let target: TestRegion;
let modelId: string;

beforeAll(async () => {
  const regions = opened.use(await startRegions(['westus2', 'eastus']));
  source = regions.region('westus2');
  target = regions.region('eastus');
  modelId = (await trainStatements(source, 'v2.0-preview')).modelInfo.modelId;
});

afterAll(() => opened.disposeAsync());

describe.each(WAYS)('the guide followed $name', ({ way }) => {
  test('backs a model up into the other region', async () => {
    const authorized = await way(target, {
      method: 'POST',
      path: '/formrecognizer/v2.0-preview/custom/models/copyAuthorization',
    });
    expect(authorized.statusLine).toBe('HTTP/1.1 201 Created');
    expect(authorized.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const authorization = JSON.parse(authorized.body) as Record<string, unknown>;
    expect(authorization).toEqual({
      modelId: expect.stringMatching(new RegExp(`^${GUID}$`)),
      accessToken: expect.stringMatching(new RegExp(`^${GUID}$`)),
      expirationDateTimeTicks: expect.any(Number),
    });
    const targetModel = `/formrecognizer/v2.0-preview/custom/models/${authorization.modelId}`;
    expect(authorized.headers.get('location')).toBe(target.endpoint + targetModel);

    const started = await way(source, {
      method: 'POST',
      path: `/formrecognizer/v2.0-preview/custom/models/${modelId}/copy`,
      contentType: 'application/json',
      body: copyBody(authorized.body),
    });
    expect(started.statusLine).toBe('HTTP/1.1 202 Accepted');
    expect(started.body).toBe('');
    expect(started.headers.get('content-length')).toBe('0');
    const progress = started.headers.get('operation-location') ?? '';
    expect(progress).toMatch(
      new RegExp(`^${source.endpoint}/formrecognizer/v2.0-preview/custom/models/${modelId}/copyresults/${GUID}$`),
    );

    const path = progress.slice(source.endpoint.length);
    const finished = await pollUntil(
      () => way(source, { method: 'GET', path, contentType: 'application/json' }),
      ({ body }) => /"status":"(succeeded|failed)"/.test(body),
    );
    expect(finished.statusLine).toBe('HTTP/1.1 200 OK');
    expect(finished.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(JSON.parse(finished.body)).toEqual({
      status: 'succeeded',
      createdDateTime: expect.stringMatching(SEVEN_DECIMALS),
      lastUpdatedDateTime: expect.stringMatching(SEVEN_DECIMALS),
      copyResult: { modelId: authorization.modelId },
    });

    const copied = await way(target, { method: 'GET', path: targetModel });
    expect(copied.statusLine).toBe('HTTP/1.1 200 OK');
    const original = await way(source, {
      method: 'GET',
      path: `/formrecognizer/v2.0-preview/custom/models/${modelId}`,
    });
    const { modelInfo, trainResult } = JSON.parse(original.body) as { modelInfo: object; trainResult: object };
    expect(JSON.parse(copied.body)).toEqual({
      modelInfo: { ...modelInfo, modelId: authorization.modelId, status: 'ready' },
      trainResult,
    });
    expect(modelInfo).toMatchObject({
      createdDateTime: expect.stringMatching(WHOLE_SECONDS),
      lastUpdatedDateTime: expect.stringMatching(WHOLE_SECONDS),
    });
    expect(trainResult).toMatchObject({
      trainingDocuments: [1, 2, 3, 4, 5].map((n) => ({
        documentName: `Invoice_${n}.pdf`,
        pages: 1,
        status: 'succeeded',
      })),
      errors: [],
    });

    for (const answer of [authorized, started, finished, copied]) {
      expect(answer.headers.get('apim-request-id')).toMatch(new RegExp(`^${GUID}$`));
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains; preload');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

test('the copy is taken without a content type, as the guide prints it', async () => {
  const authorization = await authorize();
  const started = await asPrinted(source, {
    method: 'POST',
    path: `/formrecognizer/v2.0-preview/custom/models/${modelId}/copy`,
    body: copyBody(authorization),
  });
  expect(started.statusLine).toBe('HTTP/1.1 202 Accepted');
});

test('Location and Operation-Location are spelled as the guide prints them, for whoever greps the output of curl', async () => {
  const path = '/formrecognizer/v2.0-preview/custom/models';
  const authorized = await asPrinted(target, { method: 'POST', path: `${path}/copyAuthorization` });
  expect(authorized.text).toMatch(/\r\nLocation: http/);
  const body = copyBody(authorized.body);
  const started = await asPrinted(source, { method: 'POST', path: `${path}/${modelId}/copy`, body });
  expect(started.text).toMatch(/\r\nOperation-Location: http/);
});

test("the guide's own copy line, which names the path of the authorization, gets another authorization", async () => {
  const body = copyBody(await authorize());
  const answer = await asPrinted(target, {
    method: 'POST',
    path: '/formrecognizer/v2.0-preview/custom/models/copyAuthorization',
    contentType: 'application/json',
    body,
  });
  expect(answer.statusLine).toBe('HTTP/1.1 201 Created');
});

test('the result is found at copyResults as at copyresults, whatever the case of the path', async () => {
  const progress = await startCopy(copyBody(await authorize()));
  const id = progress.slice(progress.lastIndexOf('/') + 1);
  const answers = await Promise.all(
    [
      `/formrecognizer/v2.0-preview/custom/models/${modelId}/copyResults/${id}`,
      `/formrecognizer/v2.0-preview/custom/models/${modelId}/copyresults/${id}`,
      `/FormRecognizer/V2.0-Preview/Custom/Models/${modelId.toUpperCase()}/COPYRESULTS/${id.toUpperCase()}`,
    ].map((path) => source.request(path)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
});

test("the expiry may come back in .NET ticks, as the guide's answer shows it", async () => {
  const text = await authorize();
  const { expirationDateTimeTicks: seconds } = JSON.parse(text) as { expirationDateTimeTicks: number };
  // As text: a double would lose the last digits.
  const ticks = BigInt(seconds) * 10_000_000n + 621_355_968_000_000_000n;
  const progress = await startCopy(copyBody(text.replace(String(seconds), String(ticks))));
  const finished = await pollUntil(
    async () => (await source.request(progress)).json() as Promise<{ status: string }>,
    ({ status }) => status === 'succeeded' || status === 'failed',
  );
  expect(finished.status).toBe('succeeded');
});

test('the expiry is given in seconds since 1970, which the official clients multiply by 1000', async () => {
  const { expirationDateTimeTicks } = JSON.parse(await authorize()) as { expirationDateTimeTicks: number };
  expect(Math.round((expirationDateTimeTicks * 1000 - Date.now()) / 3_600_000)).toBe(24);
});

test('the target model shows as creating from the authorization on, and is deleted like any other', async () => {
  const { modelId: reserved } = JSON.parse(await authorize()) as { modelId: string };
  const path = `/formrecognizer/v2.0-preview/custom/models/${reserved}`;
  const { modelInfo, ...rest } = (await (await target.request(path)).json()) as { modelInfo: Record<string, string> };
  expect(modelInfo).toMatchObject({ modelId: reserved, status: 'creating' });
  expect(modelInfo.createdDateTime).toBe(modelInfo.lastUpdatedDateTime);
  expect(rest).toEqual({});
  const deleted = await target.request(path, { method: 'DELETE' });
  expect([deleted.status, await deleted.text()]).toEqual([204, '']);
  expect((await target.request(path)).status).toBe(404);
});

async function authorize(): Promise<string> {
  const path = '/formrecognizer/v2.0-preview/custom/models/copyAuthorization';
  return await (await target.request(path, { method: 'POST' })).text();
}

/** Returns the path of the result. */
async function startCopy(body: string): Promise<string> {
  const response = await source.request(`/formrecognizer/v2.0-preview/custom/models/${modelId}/copy`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(response.status).toBe(202);
  return (response.headers.get('operation-location') ?? '').slice(source.endpoint.length);
}

/** The body of the guide, its blanks included, around the authorization as it was given out. */
function copyBody(authorization: string): string {
  return `{
   "targetResourceId": "${target.resourceId}",\u0020\u0020
   "targetResourceRegion": "${target.name}",
   "copyAuthorization": ${authorization}
}`;
}
