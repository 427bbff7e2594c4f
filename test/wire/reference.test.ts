import { v2 } from '@formhaven/contract';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { type OperationName, operationsOf } from './descriptions.ts';

interface Reference {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: object;
}

interface Described {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, { readonly schema: object }> }>>;
}

const opened = new AsyncDisposableStack();
let region: TestRegion;
let reference: Reference;

beforeAll(async () => {
  region = opened.use(await startRegions(['westus2'])).region('westus2');
  reference = (await (await fetch(`${region.endpoint}/openapi.json`)).json()) as Reference;
});

afterAll(() => opened.disposeAsync());

test('openapi.json names every operation of every version, but those that are refused', () => {
  const named = Object.entries(reference.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = v2.V2_VERSIONS.flatMap((version) =>
    operationsOf(version)
      .filter((operation) => !operation.includes('/prebuilt/'))
      .map((operation: OperationName) => operation.replace(' ', ` ${v2.basePath(version)}`).replace(/\?op=.*/, '')),
  );
  expect(new Set(named)).toEqual(new Set(served));
  const ids = Object.values(reference.paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  expect(new Set(ids).size).toBe(ids.length);
});

test('its schemas take what the server answers', async () => {
  const ajv = new Ajv2020({ strict: false });
  const answer = await (await region.request('/formrecognizer/v2.1/custom/models')).json();
  const refusal = await (await region.request('/formrecognizer/v2.1/custom/models/xx')).json();
  const methods = new Map(Object.entries(reference.paths)).get('/formrecognizer/v2.1/custom/models');
  const described = new Map(Object.entries(methods ?? {})).get('get');
  const schemaOf = (status: string) => described?.responses[status]?.content?.['application/json']?.schema;
  for (const [status, body] of [
    ['200', answer],
    ['default', refusal],
  ] as const) {
    const validate = ajv.compile({ ...schemaOf(status), components: reference.components });
    expect([validate(body), validate.errors]).toEqual([true, null]);
    expect(validate({})).toBe(false);
  }
  // Every schema compiles, so that every reference leads somewhere.
  for (const all of Object.values(reference.paths)) {
    for (const { responses } of Object.values(all)) {
      const schema = responses['200']?.content?.['application/json']?.schema;
      if (schema !== undefined) ajv.compile({ ...schema, components: reference.components });
    }
  }
});

test('the page for people is one file that fetches nothing', async () => {
  const response = await fetch(`${region.endpoint}/docs`);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  const page = await response.text();
  for (const version of v2.V2_VERSIONS) expect(page).toContain(`/formrecognizer/${version}/custom/models`);
  expect(page).not.toMatch(/<script|src=|https?:\/\//);
});
