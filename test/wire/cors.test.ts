import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, type RawAnswer } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';

// A page on another origin, as browsers speak for it: first a question without a key, then the request with `Origin`.

const TOOL = 'https://labelling.example:3000';
const MODELS = '/formrecognizer/v2.1/custom/models';
/** What the labelling tool really sends on the list of models. */
const TOOL_HEADERS = 'access-control-allow-origin,cache-control,content-type,ocp-apim-subscription-key,withcredentials';

const opened = new AsyncDisposableStack();
let region: TestRegion;
let closed: TestRegion;

beforeAll(async () => {
  const regions = opened.use(
    await startRegions(['westus2'], { FORMHAVEN_CORS_ORIGINS: `${TOOL}, http://localhost:3000` }),
  );
  region = regions.region('westus2');
  closed = opened.use(await startRegions(['eastus'])).region('eastus');
});

afterAll(() => opened.disposeAsync());

function send(
  to: TestRegion,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const lines = Object.entries({ Host: new URL(to.endpoint).host, Connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return exchange(to.endpoint, `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

function preflight(to: TestRegion, origin: string, method: string, path = MODELS): Promise<RawAnswer> {
  return send(to, 'OPTIONS', path, {
    Origin: origin,
    'Access-Control-Request-Method': method,
    'Access-Control-Request-Headers': TOOL_HEADERS,
  });
}

describe('a page of a configured origin', () => {
  test.each([
    ['lists', 'GET', MODELS],
    ['trains', 'POST', MODELS],
    ['composes', 'POST', `${MODELS}/compose`],
    ['deletes', 'DELETE', `${MODELS}/00000000-0000-4000-8000-000000000000`],
    ['asks for a layout', 'POST', '/formrecognizer/v2.1-preview.3/layout/analyze'],
  ])('is told without a key that it %s', async (_what, method, path) => {
    const answer = await preflight(region, TOOL, method, path);
    expect([answer.status, answer.body]).toEqual([204, '']);
    expect(answer.headers.get('access-control-allow-origin')).toBe(TOOL);
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, POST, DELETE');
    expect(answer.headers.get('access-control-allow-headers')).toBe(TOOL_HEADERS);
    expect(answer.headers.get('vary')).toContain('Origin');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('reads the answer and the headers that lead on', async () => {
    const answer = await send(region, 'GET', MODELS, { Origin: TOOL, 'Ocp-Apim-Subscription-Key': region.key1 });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(TOOL);
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'Location, Operation-Location, apim-request-id, Retry-After',
    );
  });

  test('needs its key all the same, and may read that it was wrong', async () => {
    const answer = await send(region, 'GET', MODELS, { Origin: TOOL });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('access-control-allow-origin')).toBe(TOOL);
  });

  test('gets where the document that it sent is read', async () => {
    const response = await region.request('/formrecognizer/v2.1/layout/analyze', {
      method: 'POST',
      headers: { origin: 'http://localhost:3000', 'content-type': 'application/json' },
      body: JSON.stringify({ url: 'https://documents.example/form.pdf' }),
    });
    expect(response.status).toBe(202);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(response.headers.get('operation-location')).toContain('/layout/analyzeResults/');
  });
});

describe('no permission is given', () => {
  test.each(['https://elsewhere.example', `${TOOL}.evil.example`, 'http://labelling.example:3000', 'null'])(
    'to %s',
    async (origin) => {
      const asked = await preflight(region, origin, 'GET');
      expect(asked.headers.get('access-control-allow-origin')).toBeNull();
      const answer = await send(region, 'GET', MODELS, {
        Origin: origin,
        'Ocp-Apim-Subscription-Key': region.key1,
      });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  test('where no origin is configured: the question is a request without a key', async () => {
    const asked = await preflight(closed, TOOL, 'GET');
    expect(asked.status).toBe(401);
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });
});
