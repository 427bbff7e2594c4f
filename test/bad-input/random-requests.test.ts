import { type IncomingMessage, request } from 'node:http';
import { v2 } from '@formhaven/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSocket, readToEnd } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { trainStatements } from '../kit/work.ts';
import { NOBODY } from './refusal.ts';

// Requests nobody would think of. Whatever they are, each is answered in time, none with a fault of the server, and the server
// serves on. A failure names the seed that repeats it.

const ANSWER_MILLISECONDS = 20_000;
const LIMIT = { interruptAfterTimeLimit: 8_000, numRuns: 400 };

const opened = new AsyncDisposableStack();
let region: TestRegion;
let modelId: string;

beforeAll(async () => {
  region = opened.use(await startRegions(['westus2'])).region('westus2');
  modelId = (await trainStatements(region)).modelInfo.modelId;
});

afterAll(() => opened.disposeAsync());

interface RandomRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

const METHODS = ['GET', 'POST', 'POST', 'POST', 'DELETE', 'PUT', 'HEAD', 'PATCH', 'OPTIONS', 'SEARCH'];

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ minLength: 200, maxLength: 3000 }));

const segment = fc.oneof(
  fc.constantFrom('formrecognizer', 'v2.1', 'v2.0', 'v2.0-preview', 'custom', 'models', 'MODELS', 'layout', 'prebuilt'),
  fc.constantFrom('analyze', 'copy', 'copyAuthorization', 'compose', 'analyzeResults', 'copyresults', 'receipt'),
  fc.constantFrom(
    'formhaven',
    'copies',
    'replication',
    'changes',
    'offer',
    'health',
    '{model}',
    NOBODY,
    '..',
    '',
    '%2e',
    '%',
  ),
  fc.uuid(),
  text.map((value) => encodeURIComponent(value.toWellFormed())),
);

const path = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...v2.V2_VERSIONS),
        fc.constantFrom(
          'custom/models',
          'custom/models/compose',
          'custom/models/copyAuthorization',
          'custom/models/{model}',
          'custom/models/{model}/analyze',
          'custom/models/{model}/copy',
          'layout/analyze',
        ),
      )
      .map(([version, rest]) => `/formrecognizer/${version}/${rest}`),
  },
  { weight: 2, arbitrary: fc.array(segment, { maxLength: 8 }).map((segments) => `/${segments.join('/')}`) },
);

const query = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom('op', 'nextLink', 'includeKeys', 'includeTextDetails', 'pages', 'language', 'readingOrder'),
        text,
      ),
      fc.oneof(fc.constantFrom('full', 'summary', 'true', '1', '1-3', 'natural', ''), text),
    ),
    { maxLength: 4 },
  )
  .map((pairs) =>
    pairs
      .map(([name, value]) => `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`)
      .join('&'),
  );

const json = fc
  .record(
    {
      source: fc.oneof(fc.constantFrom('/nowhere', 'http://127.0.0.1:1/a/b?sig=x', 'file:///etc'), fc.jsonValue()),
      url: fc.jsonValue(),
      sourceFilter: fc.oneof(fc.jsonValue(), fc.record({ prefix: fc.jsonValue(), includeSubFolders: fc.jsonValue() })),
      useLabelFile: fc.oneof(fc.boolean(), fc.jsonValue()),
      modelName: fc.jsonValue(),
      modelIds: fc.oneof(fc.array(fc.oneof(fc.uuid(), fc.constant('{model}'), fc.string())), fc.jsonValue()),
      targetResourceId: fc.oneof(
        fc.constant('/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a'),
        fc.jsonValue(),
      ),
      targetResourceRegion: fc.oneof(fc.constantFrom('eastus', 'westus2'), fc.jsonValue()),
      copyAuthorization: fc.oneof(
        fc.record({
          modelId: fc.oneof(fc.uuid(), fc.string()),
          accessToken: fc.oneof(fc.uuid(), fc.jsonValue()),
          expirationDateTimeTicks: fc.oneof(fc.integer(), fc.double(), fc.constant(4_000_000_000)),
        }),
        fc.jsonValue(),
      ),
    },
    { requiredKeys: [] },
  )
  .map((value) => Buffer.from(JSON.stringify(value)));

const body = fc.oneof(
  json,
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.concat([Buffer.from('%PDF-1.4\n'), bytes])),
);

const header = fc.tuple(
  fc.oneof(
    fc.constantFrom(
      'Accept',
      'Accept-Encoding',
      'Range',
      'If-Match',
      'X-HTTP-Method-Override',
      'x-ms-client-request-id',
    ),
    fc.constantFrom(
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'Origin',
      'Cookie',
      'formhaven-copy-token',
      'formhaven-copy-id',
    ),
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/).map((name) => `x-${name}`),
  ),
  fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,80}$/),
);

const contentType = fc.oneof(
  fc.constantFrom('application/json', 'application/json; charset=utf-8', 'application/pdf', 'image/png', 'image/tiff'),
  fc.stringMatching(/^[\x21-\x7e]{0,40}$/),
);

const randomRequest: fc.Arbitrary<RandomRequest> = fc
  .record({
    method: fc.constantFrom(...METHODS),
    path,
    query,
    headers: fc.array(header, { maxLength: 5 }),
    contentType: fc.option(contentType),
    hasKey: fc.boolean().chain((first) => (first ? fc.constant(true) : fc.boolean())),
    body,
  })
  .map(({ query: parameters, contentType: type, hasKey, headers, ...rest }) => ({
    ...rest,
    path: parameters === '' ? rest.path : `${rest.path}?${parameters}`,
    headers: [
      ...headers,
      ...(type === null ? [] : [['Content-Type', type] as const]),
      ...(hasKey ? [['Ocp-Apim-Subscription-Key', '{key}'] as const] : []),
    ],
  }));

test('random requests are answered, never with a fault, and the server serves on', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(randomRequest, { minLength: 1, maxLength: 10 }), async (requests) => {
      const answers = await Promise.all(requests.map(send));
      for (const { status, contentType: type, content } of answers) {
        expect([status, status === 501 || (status >= 200 && status < 500)]).toEqual([status, true]);
        if (status < 400 || content === '') continue;
        expect(type).toMatch(/^application\/json/);
        expect(JSON.parse(content)).toEqual({ error: expect.objectContaining({ code: expect.any(String) }) });
      }
      await expectToServe();
    }),
    LIMIT,
  );
  expect(region.log()).not.toContain('"event":"request-error"');
});

test('random bytes in the place of a request end the connection and nothing else', async () => {
  const valid = (): string =>
    `POST /formrecognizer/v2.1/layout/analyze HTTP/1.1\r\nHost: x\r\nOcp-Apim-Subscription-Key: ${region.key1}\r\n` +
    'Content-Type: application/pdf\r\nContent-Length: 12\r\n\r\n%PDF-1.4 abc';
  const mutation = fc.record({
    at: fc.nat({ max: 200 }),
    remove: fc.nat({ max: 20 }),
    insert: fc.uint8Array({ maxLength: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 2000 }).map((bytes) => () => Buffer.from(bytes)),
        fc.array(mutation, { minLength: 1, maxLength: 3 }).map((mutations) => () => spoil(valid(), mutations)),
      ),
      async (make) => {
        const socket = await openSocket(region.endpoint);
        const answer = readToEnd(socket);
        socket.end(make());
        expect(await within(answer)).not.toMatch(/HTTP\/1\.1 50[0234]/);
        await expectToServe();
      },
    ),
    LIMIT,
  );
  expect(region.log()).not.toContain('"event":"request-error"');
  expect(region.log()).not.toContain('"event":"worker-died"');
});

function send(random: RandomRequest): Promise<{ status: number; contentType: string; content: string }> {
  const fill = (value: string): string => value.replaceAll('{model}', modelId).replaceAll('{key}', region.key1);
  const answered = Promise.withResolvers<{ status: number; contentType: string; content: string }>();
  const sending = request(region.endpoint, {
    method: random.method,
    path: fill(random.path),
    agent: false,
    headers: {
      ...Object.fromEntries(random.headers.map(([name, value]) => [name, fill(value)])),
      // Node sends none with a DELETE, and the body would be taken for another request.
      'Content-Length': random.body.byteLength,
    },
  });
  sending.on('error', answered.reject);
  sending.on('response', (response: IncomingMessage) => {
    response.toArray().then((chunks) => {
      answered.resolve({
        status: response.statusCode ?? 0,
        contentType: response.headers['content-type'] ?? '',
        content: Buffer.concat(chunks).toString('utf8'),
      });
    }, answered.reject);
  });
  sending.end(random.body);
  return within(answered.promise);
}

function spoil(
  request: string,
  mutations: readonly { readonly at: number; readonly remove: number; readonly insert: Uint8Array }[],
): Buffer {
  let bytes = Buffer.from(request, 'latin1');
  for (const { at, remove, insert } of mutations) {
    bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
  }
  return bytes;
}

async function within<Value>(answer: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('the server does not answer')), ANSWER_MILLISECONDS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function expectToServe(): Promise<void> {
  const response = await region.request('/formrecognizer/v2.1/custom/models?op=summary');
  expect(response.status).toBe(200);
}
