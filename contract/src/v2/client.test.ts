import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { parseRetryAfter, RequestFailure, V2Client, type V2ClientOptions } from './client.ts';
import { ServiceError, UNAUTHORIZED_BODY } from './errors.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const MODEL = 'f973e3c1-1148-43bb-bea8-49d0603ab3a8';
const RESULT = '3b1e6c5b-e113-4114-ab6b-ce65dfe8050f';
const DATES = { createdDateTime: '2020-01-01T00:00:00Z', lastUpdatedDateTime: '2020-01-01T00:00:01Z' };
const MODEL_INFO = { modelId: MODEL, status: 'ready', ...DATES };
const COPY_REQUEST = {
  targetResourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a',
  targetResourceRegion: 'westus2',
  copyAuthorization: { modelId: MODEL, accessToken: 't', expirationDateTimeTicks: 1 },
};

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Gives the answers one after another and remembers the requests. `{endpoint}` in headers is filled in. */
async function resource(answers: readonly Answer[], options: Partial<V2ClientOptions> = {}) {
  const received: Received[] = [];
  const left = [...answers];
  const endpoint = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const answer = left.shift() ?? { status: 599 };
      response.statusCode = answer.status;
      for (const [name, value] of Object.entries(answer.headers ?? {})) {
        response.setHeader(name, value.replace('{endpoint}', endpoint));
      }
      const { body } = answer;
      response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  return { client: new V2Client({ endpoint, key: KEY, version: 'v2.1', ...options }), received, endpoint };
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('no error'),
    (error: unknown) => error,
  );
}

describe('the calls', () => {
  const operation = { 'Operation-Location': `{endpoint}/formrecognizer/v2.1/custom/models/${MODEL}/x/${RESULT}` };
  const created = { Location: `{endpoint}/formrecognizer/v2.1/custom/models/${MODEL}` };
  const base = '/formrecognizer/v2.1';

  const cases: readonly {
    readonly call: (client: V2Client) => Promise<unknown>;
    readonly request: string;
    readonly body?: unknown;
    readonly answer: Answer;
    readonly value: unknown;
  }[] = [
    {
      call: (client) => client.train({ source: 'http://a', useLabelFile: true }),
      request: `POST ${base}/custom/models`,
      body: { source: 'http://a', useLabelFile: true },
      answer: { status: 201, headers: created },
      value: { modelId: MODEL },
    },
    {
      call: (client) => client.compose({ modelIds: [MODEL, RESULT] }),
      request: `POST ${base}/custom/models/compose`,
      body: { modelIds: [MODEL, RESULT] },
      answer: { status: 201, headers: created },
      value: { modelId: MODEL },
    },
    {
      call: (client) => client.getModel(MODEL, { includeKeys: true }),
      request: `GET ${base}/custom/models/${MODEL}?includeKeys=true`,
      answer: { status: 200, body: { modelInfo: MODEL_INFO } },
      value: { modelInfo: MODEL_INFO },
    },
    {
      call: (client) => client.summary(),
      request: `GET ${base}/custom/models?op=summary`,
      answer: {
        status: 200,
        body: { summary: { count: 1, limit: 5000, lastUpdatedDateTime: '2020-01-01T00:00:00Z' } },
      },
      value: { count: 1, limit: 5000 },
    },
    {
      call: (client) =>
        client.analyze(MODEL, { source: 'http://a' }, { includeTextDetails: true, pages: ['1', '3-4'] }),
      request: `POST ${base}/custom/models/${MODEL}/analyze?includeTextDetails=true&pages=1%2C3-4`,
      body: { source: 'http://a' },
      answer: { status: 202, headers: operation },
      value: { resultId: RESULT },
    },
    {
      call: (client) => client.getAnalyzeResult(MODEL, RESULT),
      request: `GET ${base}/custom/models/${MODEL}/analyzeResults/${RESULT}`,
      answer: { status: 200, body: { status: 'running', ...DATES } },
      value: { status: 'running' },
    },
    {
      call: (client) => client.analyzeLayout({ source: 'http://a' }, { readingOrder: 'natural', language: 'ko' }),
      request: `POST ${base}/layout/analyze?language=ko&readingOrder=natural`,
      body: { source: 'http://a' },
      answer: { status: 202, headers: operation },
      value: { resultId: RESULT },
    },
    {
      call: (client) => client.getLayoutResult(RESULT),
      request: `GET ${base}/layout/analyzeResults/${RESULT}`,
      answer: { status: 200, body: { status: 'notStarted', ...DATES, analyzeResult: null } },
      value: { status: 'notStarted' },
    },
    {
      call: (client) => client.authorizeCopy(),
      request: `POST ${base}/custom/models/copyAuthorization`,
      answer: { status: 201, headers: created, body: COPY_REQUEST.copyAuthorization },
      value: { authorization: COPY_REQUEST.copyAuthorization },
    },
    {
      call: (client) => client.copy(MODEL, COPY_REQUEST),
      request: `POST ${base}/custom/models/${MODEL}/copy`,
      body: COPY_REQUEST,
      answer: { status: 202, headers: operation },
      value: { resultId: RESULT },
    },
    {
      call: (client) => client.getCopyResult(MODEL, RESULT),
      request: `GET ${base}/custom/models/${MODEL}/copyResults/${RESULT}`,
      answer: { status: 200, body: { status: 'succeeded', ...DATES, copyResult: { modelId: RESULT } } },
      value: { copyResult: { modelId: RESULT } },
    },
  ];

  it.each(cases)('$request', async ({ call, request, body, answer, value }) => {
    const { client, received } = await resource([answer]);
    expect(await call(client)).toMatchObject(value as object);
    const [sent] = received;
    expect(`${sent?.method} ${sent?.url}`).toBe(request);
    expect(sent?.headers['ocp-apim-subscription-key']).toBe(KEY);
    if (body === undefined) expect(sent?.body).toBe('');
    else expect(JSON.parse(sent?.body ?? '')).toEqual(body);
  });

  it('deletes', async () => {
    const { client, received } = await resource([{ status: 204 }]);
    await client.deleteModel(MODEL);
    expect(received[0]).toMatchObject({ method: 'DELETE', url: `${base}/custom/models/${MODEL}` });
  });

  it.each([
    ['bytes', new TextEncoder().encode('%PDF-1.7')],
    ['a blob', new Blob(['%PDF-1.7'])],
  ])('sends a document as %s', async (_, body) => {
    const { client, received } = await resource([{ status: 202, headers: operation }]);
    await client.analyze(MODEL, { contentType: 'application/pdf', body });
    expect(received[0]).toMatchObject({ body: '%PDF-1.7', headers: { 'content-type': 'application/pdf' } });
  });

  it('uses the path of its version, below a path of the endpoint', async () => {
    const { received, endpoint } = await resource([{ status: 204 }]);
    const client = new V2Client({ endpoint: `${endpoint}/standby/`, key: KEY, version: 'v2.0-preview' });
    await client.deleteModel('a/b?c');
    expect(received[0]?.url).toBe('/standby/formrecognizer/v2.0-preview/custom/models/a%2Fb%3Fc');
  });
});

describe('the list', () => {
  const page = (nextLink: unknown) => ({ status: 200, body: { modelList: [MODEL_INFO], nextLink } });

  it('goes on while there is a nextLink, and asks its own endpoint only', async () => {
    const elsewhere = 'https://elsewhere.example/formrecognizer/v2.1/custom/models?nextLink=a%2Fb';
    const { client, received } = await resource([page(elsewhere), page('')]);
    expect(await collect(client.listModels())).toHaveLength(2);
    expect(received.map(({ url }) => url)).toEqual([
      '/formrecognizer/v2.1/custom/models?op=full',
      '/formrecognizer/v2.1/custom/models?op=full&nextLink=a%2Fb',
    ]);
  });

  it.each([null, undefined, ''])('ends at %j', async (nextLink) => {
    const { client } = await resource([page(nextLink)]);
    expect(await collect(client.listModels())).toHaveLength(1);
  });

  it('does not go round in a circle', async () => {
    const link = 'http://a/formrecognizer/v2.1/custom/models?nextLink=t';
    const { client } = await resource([page(link), page(link), page(link)]);
    expect(await failureOf(collect(client.listModels()))).toMatchObject({ reason: 'invalidAnswer' });
  });
});

describe('answers that are not 2xx', () => {
  it('become ServiceErrors with code, status and request id', async () => {
    const body = { error: { code: '1022', message: "Model with 'id=xx' not found." } };
    const { client } = await resource([{ status: 404, headers: { 'apim-request-id': 'r' }, body }]);
    const error = await failureOf(client.getModel('xx'));
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: '1022', status: 404, message: body.error.message, requestId: 'r' });
  });

  it.each([
    ['the gateway', 401, UNAUTHORIZED_BODY, '401'],
    ['a page of HTML', 502, '<html>', '502'],
    ['nothing', 404, undefined, '404'],
    ['JSON of another kind', 500, { error: 'x' }, '500'],
    ['a code nobody knows', 410, { error: { code: 'Gone' } }, 'Gone'],
  ])('are read from %s', async (_, status, body, code) => {
    const { client } = await resource([{ status, body }]);
    expect(await failureOf(client.getModel(MODEL))).toMatchObject({ name: 'ServiceError', status, code });
  });

  it('never show the key, even where the answer does', async () => {
    const { client } = await resource([{ status: 400, body: { error: { code: '1002', message: `key ${KEY}` } } }]);
    const error = await failureOf(client.getModel(MODEL));
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(inspect(client, { depth: 9 }) + JSON.stringify(client)).not.toContain(KEY);
  });

  it('do not send the key on to where a redirect points', async () => {
    const { client, received, endpoint } = await resource([{ status: 302, headers: { Location: '{endpoint}/trap' } }]);
    expect(await failureOf(client.getModel(MODEL))).toMatchObject({ status: 302 });
    expect(received).toHaveLength(1);
    expect(endpoint).toBeDefined();
  });
});

describe('waiting', () => {
  const busy = { status: 429, headers: { 'Retry-After': '0' }, body: { error: { code: '429', message: 'm' } } };
  const ready = { status: 200, body: { modelInfo: MODEL_INFO } };

  it('tries again after Retry-After', async () => {
    const { client, received } = await resource([busy, { status: 503, headers: { 'Retry-After': '0' } }, ready]);
    expect(await client.getModel(MODEL)).toEqual({ modelInfo: MODEL_INFO });
    expect(received).toHaveLength(3);
  });

  it('sends the body again', async () => {
    const accepted = { status: 202, headers: { 'Operation-Location': `http://a/${RESULT}` } };
    const { client, received } = await resource([busy, accepted]);
    await client.analyze(MODEL, { contentType: 'image/png', body: new Blob(['x']) });
    expect(received.map(({ body }) => body)).toEqual(['x', 'x']);
  });

  it.each([
    ['after as many times as it may', { retries: 1 }, [busy, busy, ready], 2],
    ['not at all with retries 0', { retries: 0 }, [busy, ready], 1],
    [
      'not where the wait is too long',
      { longestWaitMilliseconds: 1000 },
      [{ ...busy, headers: { 'Retry-After': '2' } }, ready],
      1,
    ],
    ['not without Retry-After', {}, [{ status: 503 }, ready], 1],
    [
      'not where the resource is full of models',
      {},
      [{ ...busy, body: { error: { code: '1014', message: 'm' } } }, ready],
      1,
    ],
    ['not after another error', {}, [{ status: 500, headers: { 'Retry-After': '0' } }, ready], 1],
  ])('gives up %s', async (_, options, answers, requests) => {
    const { client, received } = await resource(answers, options);
    expect(await failureOf(client.getModel(MODEL))).toBeInstanceOf(ServiceError);
    expect(received).toHaveLength(requests);
  });

  it('can be called off', async () => {
    const { client } = await resource([{ ...busy, headers: { 'Retry-After': '50' } }]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(client.getModel(MODEL, { signal: stop.signal })).rejects.toThrow('enough');
  });

  it('reads both forms of Retry-After', () => {
    const now = new Date('2020-01-01T00:00:00Z');
    expect(parseRetryAfter('30')).toBe(30);
    expect(parseRetryAfter('Wed, 01 Jan 2020 00:00:07 GMT', now)).toBe(7);
    expect(parseRetryAfter('Tue, 31 Dec 2019 00:00:00 GMT', now)).toBe(0);
    expect([parseRetryAfter(null), parseRetryAfter(''), parseRetryAfter('-1'), parseRetryAfter('soon')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('requests without a usable answer', () => {
  const silent = () => listen(() => undefined);

  it('time out, before the headers and in the body', async () => {
    const stalling = await listen((_, response) => {
      response.writeHead(200);
      response.write('{');
    });
    for (const endpoint of [await silent(), stalling]) {
      const client = new V2Client({ endpoint, key: KEY, version: 'v2.1', timeoutMilliseconds: 50 });
      expect(await failureOf(client.getModel(MODEL))).toMatchObject({ name: 'RequestFailure', reason: 'timeout' });
    }
  });

  it('stop with the reason of the signal', async () => {
    const client = new V2Client({ endpoint: await silent(), key: KEY, version: 'v2.1' });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 30);
    await expect(client.getModel(MODEL, { signal: stop.signal })).rejects.toThrow('enough');
    await expect(client.getModel(MODEL, { signal: stop.signal })).rejects.toThrow('enough');
  });

  it('say why nobody could be reached', async () => {
    const endpoint = await silent();
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const error = await failureOf(new V2Client({ endpoint, key: KEY, version: 'v2.1' }).getModel(MODEL));
    expect(error).toBeInstanceOf(RequestFailure);
    expect(error).toMatchObject({ reason: 'unreachable', message: expect.stringContaining('ECONNREFUSED') });
  });

  it.each<[string, Answer, (client: V2Client) => Promise<unknown>]>([
    ['a body that is no JSON', { status: 200, body: '<html>' }, (client) => client.getModel(MODEL)],
    ['a body of another kind', { status: 200, body: { modelInfo: {} } }, (client) => client.getModel(MODEL)],
    ['no Location', { status: 201 }, (client) => client.train({ source: 'http://a' })],
    [
      'a Location without an id',
      { status: 201, headers: { Location: 'http://a/b' } },
      (client) => client.train({ source: 'http://a' }),
    ],
    [
      'an Operation-Location without an id',
      { status: 202, headers: { 'Operation-Location': `http://a/${RESULT}/` } },
      (client) => client.copy(MODEL, COPY_REQUEST),
    ],
  ])('fail on %s', async (_, answer, call) => {
    const { client } = await resource([answer]);
    expect(await failureOf(call(client))).toMatchObject({ name: 'RequestFailure', reason: 'invalidAnswer' });
  });
});

describe('the options', () => {
  it.each(['', 'westus2', 'ftp://a'])('refuse the endpoint %j', (endpoint) => {
    expect(() => new V2Client({ endpoint, key: KEY, version: 'v2.1' })).toThrow('endpoint');
  });

  it.each(['', 'SECRET key', 'SECRET\n'])('refuse a key that cannot stand in a header, without showing it', (key) => {
    expect(() => new V2Client({ endpoint: 'http://a', key, version: 'v2.1' })).toThrow(/^key must be printable ASCII/);
  });
});
