import { v2 } from '@formhaven/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readStatement, STATEMENTS } from '../kit/forms.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { pollUntil } from '../kit/work.ts';
import { deviations, type OperationName, operationsOf } from './descriptions.ts';
import { differenceOf, KNOWN_DIFFERENCES, type KnownDifference } from './known-differences.ts';

// Every operation of every version, in success, in failure and in refusal: each answer is what the published description of
// that version says, but for the differences known.

const NOBODY = '00000000-0000-4000-8000-000000000000';
const JSON_TYPE = { 'content-type': 'application/json' };

const opened = new AsyncDisposableStack();
const met = new Set<KnownDifference>();
let source: TestRegion;
let target: TestRegion;

beforeAll(async () => {
  const regions = opened.use(await startRegions(['westus2', 'eastus']));
  source = regions.region('westus2');
  target = regions.region('eastus');
});

afterAll(() => opened.disposeAsync());

describe.each(v2.V2_VERSIONS)('in %s', (version) => {
  const seen = new Set<OperationName>();
  const base = v2.basePath(version);

  interface Call {
    readonly body?: unknown;
    readonly document?: Buffer;
    readonly modelId?: string | undefined;
    readonly resultId?: string;
    readonly query?: string;
    readonly at?: TestRegion;
  }

  /** Calls an operation, and holds its answer against the description. */
  async function call(operation: OperationName, given: Call = {}): Promise<Answer> {
    const [method = '', template = ''] = operation.split(' ');
    const path = template.replace('{modelId}', given.modelId ?? NOBODY).replace('{resultId}', given.resultId ?? NOBODY);
    const response = await (given.at ?? source).request(base + path + (given.query ?? ''), {
      method,
      ...(given.body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(given.body) }),
      ...(given.document === undefined
        ? {}
        : { headers: { 'content-type': 'application/pdf' }, body: new Uint8Array(given.document) }),
    });
    const text = await response.text();
    seen.add(operation);
    const answer = { status: response.status, headers: response.headers, text };
    const unknown = deviations(version, operation, answer).filter((deviation) => {
      const known = differenceOf(version, operation, deviation);
      if (known !== undefined) met.add(known);
      return known === undefined;
    });
    expect([operation, unknown]).toEqual([operation, []]);
    const location = response.headers.get('operation-location') ?? response.headers.get('location') ?? '';
    return { status: response.status, id: location.slice(location.lastIndexOf('/') + 1), body: parsed(text) };
  }

  function ended(operation: OperationName, given: Call): Promise<Answer> {
    return pollUntil(
      () => call(operation, given),
      ({ body }) => /^(succeeded|failed|ready|invalid)$/.test(body.status ?? body.modelInfo?.status ?? ''),
    );
  }

  async function train(body: Readonly<Record<string, unknown>>): Promise<string> {
    const accepted = await call('POST /custom/models', { body: { source: STATEMENTS, ...body } });
    expect(accepted.status).toBe(201);
    await ended('GET /custom/models/{modelId}', { modelId: accepted.id, query: '?includeKeys=true' });
    return accepted.id;
  }

  let labelled: string;
  let unlabelled: string;

  test('models are trained, listed and shown', async () => {
    labelled = await train({ useLabelFile: true, modelName: 'statements' });
    unlabelled = await train({ sourceFilter: { prefix: '' } });
    const invalid = await train({ sourceFilter: { prefix: 'nothing/' } });
    await call('GET /custom/models?op=full');
    await call('GET /custom/models?op=summary');
    expect((await call('GET /custom/models/{modelId}')).status).toBe(404);
    expect((await call('POST /custom/models', { body: {} })).status).toBe(400);
    expect((await call('DELETE /custom/models/{modelId}', { modelId: invalid })).status).toBe(204);
    expect((await call('DELETE /custom/models/{modelId}')).status).toBe(404);
  });

  test('documents are read with both kinds of model, and for their layout', async () => {
    const document = await readStatement('Invoice_6.pdf');
    const broken = Buffer.from('%PDF-1.4 of no use');
    const analyze = 'POST /custom/models/{modelId}/analyze';
    const result = 'GET /custom/models/{modelId}/analyzeResults/{resultId}';
    const works = [
      { modelId: labelled, document, query: '' },
      { modelId: labelled, document, query: '?includeTextDetails=true' },
      { modelId: unlabelled, document, query: '?includeTextDetails=true' },
      { modelId: unlabelled, document, query: '' },
      { modelId: labelled, document: broken, query: '' },
    ];
    for (const { query, ...given } of works) {
      const { id } = await call(analyze, { ...given, query });
      const { body } = await ended(result, { modelId: given.modelId, resultId: id });
      expect(body.status).toBe(given.document === broken ? 'failed' : 'succeeded');
    }
    for (const given of [{ document }, { document: broken }]) {
      const { id } = await call('POST /layout/analyze', given);
      await ended('GET /layout/analyzeResults/{resultId}', { resultId: id });
    }
    expect((await call(analyze, { document })).status).toBe(400);
    expect((await call(result)).status).toBe(404);
    expect((await call('POST /layout/analyze', { body: {} })).status).toBe(400);
    expect((await call('GET /layout/analyzeResults/{resultId}')).status).toBe(404);
  });

  test('models are copied, or not', async () => {
    const { body } = await call('POST /custom/models/copyAuthorization', { at: target });
    await call('GET /custom/models/{modelId}', { at: target, modelId: body.modelId });
    const copy = {
      targetResourceId: target.resourceId,
      targetResourceRegion: target.name,
      copyAuthorization: { ...body, accessToken: NOBODY },
    };
    for (const [copyAuthorization, status] of [
      [copy.copyAuthorization, 'failed'],
      [body, 'succeeded'],
    ] as const) {
      const { id } = await call('POST /custom/models/{modelId}/copy', {
        modelId: labelled,
        body: { ...copy, copyAuthorization },
      });
      const path = 'GET /custom/models/{modelId}/copyResults/{resultId}';
      expect((await ended(path, { modelId: labelled, resultId: id })).body.status).toBe(status);
    }
    await call('GET /custom/models/{modelId}', { at: target, modelId: body.modelId });
    await call('POST /custom/models/{modelId}/copy', { modelId: labelled, body: {} });
    await call('GET /custom/models/{modelId}/copyResults/{resultId}');
  });

  test('models are composed, where the version can', async () => {
    if (!v2.V2_FEATURES[version].canCompose) {
      const { status } = await source.request(`${base}/custom/models/compose`, { method: 'POST' });
      expect(status).toBe(404);
      return;
    }
    const second = await train({ useLabelFile: true });
    const { id } = await call('POST /custom/models/compose', {
      body: { modelIds: [labelled, second], modelName: 'both' },
    });
    await call('GET /custom/models/{modelId}', { modelId: id });
    await call('GET /custom/models?op=full');
    expect((await call('POST /custom/models/compose', { body: { modelIds: [] } })).status).toBe(400);
  });

  test('prebuilt models are refused by name', async () => {
    const prebuilt = operationsOf(version).filter((operation) => operation.includes('/prebuilt/'));
    for (const operation of prebuilt) expect((await call(operation)).status).toBe(501);
  });

  test('no operation of the description is left out', () => {
    expect(operationsOf(version).filter((operation) => !seen.has(operation))).toEqual([]);
  });
});

test('no difference is listed that is none any more', () => {
  expect(KNOWN_DIFFERENCES.filter((difference) => !met.has(difference)).map(({ reason }) => reason)).toEqual([]);
});

interface Answer {
  readonly status: number;
  /** What the location it was answered with ends with. */
  readonly id: string;
  readonly body: Body;
}

interface Body {
  readonly status?: string;
  readonly modelInfo?: { readonly status: string };
  readonly modelId?: string;
}

function parsed(text: string): Body {
  return text === '' ? {} : (JSON.parse(text) as Body);
}
