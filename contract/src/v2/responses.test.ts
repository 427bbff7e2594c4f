import { readdirSync, readFileSync } from 'node:fs';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parseLocation } from './paths.ts';
import { ComposeRequestSchema, CopyRequestSchema, TrainRequestSchema } from './requests.ts';
import {
  AnalyzeOperationResultSchema,
  CopyAuthorizationResultSchema,
  CopyOperationResultSchema,
  ErrorResponseSchema,
  type FieldValue,
  ModelSchema,
  ModelsListSchema,
  ModelsSummarySchema,
} from './responses.ts';

const GUID = 'f973e3c1-1148-43bb-bea8-49d0603ab3a8';
const DATA = new URL('../../test-data/', import.meta.url);

interface Example {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly responses: Readonly<
    Record<string, { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }>
  >;
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, DATA), 'utf8'));
}

/** File name without version, and the schemas of the bodies in it. */
const EXAMPLES: Readonly<Record<string, { request?: [parameter: string, TSchema]; response?: TSchema }>> = {
  AnalyzeBatch: {},
  BusinessCardBatch: {},
  IDDocumentBatch: {},
  InvoiceBatch: {},
  LayoutBatch: {},
  ReceiptsBatch: {},
  AnalyzeOperationResult: { response: AnalyzeOperationResultSchema },
  BusinessCardBatchResult: { response: AnalyzeOperationResultSchema },
  IDDocumentBatchResult: { response: AnalyzeOperationResultSchema },
  InvoiceBatchResult: { response: AnalyzeOperationResultSchema },
  LayoutBatchResult: { response: AnalyzeOperationResultSchema },
  ReceiptsBatchResult: { response: AnalyzeOperationResultSchema },
  ComposeModels: { request: ['composeRequest', ComposeRequestSchema] },
  CopyModel: { request: ['copyRequest', CopyRequestSchema] },
  CopyModelAuthorization: { response: CopyAuthorizationResultSchema },
  CopyOperationResult: { response: CopyOperationResultSchema },
  CopyOperationResultWithErrors: { response: CopyOperationResultSchema },
  DeleteModel: {},
  GetModel: { response: ModelSchema },
  GetModels: { response: ModelsListSchema },
  GetModelsSummary: { response: ModelsSummarySchema },
  TrainBatch: { request: ['trainRequest', TrainRequestSchema] },
  TrainBatchWithSubFolders: { request: ['trainRequest', TrainRequestSchema] },
};

describe.each(['2.0-preview', '2.1'])('the examples of the %s description', (version) => {
  const files = readdirSync(new URL(`${version}/`, DATA)).filter((name) => name.endsWith('.json'));

  it.each(files)('%s fits', (file) => {
    const example = read(`${version}/${file}`) as Example;
    const { request, response } = EXAMPLES[file.replace('.json', '')] ?? expect.fail('not in the table');
    if (request !== undefined) expect(Value.Errors(request[1], example.parameters[request[0]])).toEqual([]);
    const answer = Object.values(example.responses).at(0);
    if (response !== undefined) expect(Value.Errors(response, answer?.body)).toEqual([]);
    for (const location of Object.values(answer?.headers ?? {})) {
      const concrete = location.replaceAll('{modelId}', GUID).replaceAll('{resultId}', GUID);
      expect(parseLocation(concrete.replace('{endpoint}', 'https://a'))).toBeDefined();
    }
  });
});

describe('what the service really sends', () => {
  const dates = { createdDateTime: '2021-02-08T22:40:28Z', lastUpdatedDateTime: '2021-02-08T22:40:36Z' };
  const modelInfo = { modelId: GUID, status: 'ready', ...dates };
  const boundingBox = [0, 0, 1, 0, 1, 1, 0, 1];

  function analyzed(analyzeResult: unknown) {
    return { status: 'succeeded', ...dates, analyzeResult };
  }

  it('fits: a labelled model in v2.1', () => {
    expect(Value.Errors(AnalyzeOperationResultSchema, read('recorded/analyze-labelled-2.1.json'))).toEqual([]);
  });

  it.each([
    ['a model being made', { modelInfo: { ...modelInfo, status: 'creating' } }],
    [
      'a labelled model, whose documents have no errors',
      {
        modelInfo: { ...modelInfo, modelName: 'n', attributes: { isComposed: false } },
        trainResult: {
          averageModelAccuracy: 0.995,
          trainingDocuments: [{ documentName: 'a/1.pdf', pages: 1, status: 'succeeded' }],
          fields: [{ fieldName: 'ID #', accuracy: 0.995 }],
          errors: [],
        },
      },
    ],
    [
      'a model without labels',
      {
        modelInfo,
        keys: { clusters: { '0': ['Address:'] } },
        trainResult: {
          trainingDocuments: [{ documentName: '1.pdf', pages: 1, errors: [], status: 'succeeded' }],
          errors: [],
        },
      },
    ],
    [
      'an invalid model',
      {
        modelInfo: { ...modelInfo, status: 'invalid' },
        keys: { clusters: {} },
        trainResult: { trainingDocuments: [], errors: [{ code: '2014', message: 'No valid blobs found …' }] },
      },
    ],
  ])('fits: %s', (_, model) => {
    expect(Value.Errors(ModelSchema, model)).toEqual([]);
  });

  it.each([
    ['no result yet', { status: 'running', ...dates }],
    ['null for no result yet', { status: 'notStarted', ...dates, analyzeResult: null }],
    [
      'a failure without lists',
      analyzed({ version: '2.1.0', readResults: [], errors: [{ code: '2005', message: 'm' }] }),
    ],
    [
      'nulls of a model without labels',
      analyzed({
        version: null,
        readResults: [{ page: 1, angle: 0, width: 8.5, height: 11, unit: 'inch', lines: null, selectionMarks: null }],
        pageResults: [
          {
            page: 1,
            clusterId: null,
            keyValuePairs: [
              {
                key: { text: 'Address:', boundingBox, elements: null },
                value: { text: '', boundingBox: null, elements: null },
                confidence: 1,
              },
            ],
            tables: [],
          },
        ],
        documentResults: [],
        errors: [],
      }),
    ],
    [
      'fields not found, numbers without a value, and rows of a table',
      analyzed({
        version: '2.0.0',
        readResults: [],
        documentResults: [
          {
            docType: 'custom:form',
            pageRange: [1, 1],
            fields: {
              missing: null,
              Total: { type: 'number', text: '1,00', page: 1, boundingBox, confidence: 0.5 },
              rows: {
                type: 'array',
                valueArray: [{ type: 'object', valueObject: { a: { type: 'string' }, b: null } }],
              },
            },
          },
        ],
      }),
    ],
  ])('fits: %s', (_, answer) => {
    expect(Value.Errors(AnalyzeOperationResultSchema, answer)).toEqual([]);
  });

  it('fits: copies with seven decimals, and with nothing in the result', () => {
    const copy = { status: 'succeeded', ...dates, lastUpdatedDateTime: '2020-05-14T10:34:20.6402312Z', copyResult: {} };
    expect(Value.Errors(CopyOperationResultSchema, copy)).toEqual([]);
  });

  it('fits: an error with an innerError', () => {
    const body = { error: { code: '2024', message: 'm', innerError: { requestId: 'r' } } };
    expect(Value.Errors(ErrorResponseSchema, body)).toEqual([]);
  });

  it('does not fit: a wrong value deep inside a table field', () => {
    const fields = {
      rows: {
        type: 'array',
        valueArray: [{ type: 'object', valueObject: { a: { type: 'number', valueNumber: '1' } } }],
      },
    };
    const answer = analyzed({
      version: '2.1.0',
      readResults: [],
      documentResults: [{ docType: 'd', pageRange: [1, 1], fields }],
    });
    expect(Value.Check(AnalyzeOperationResultSchema, answer)).toBe(false);
  });

  it('does not fit: a status in another case, a box of six numbers', () => {
    expect(Value.Check(AnalyzeOperationResultSchema, { status: 'Succeeded', ...dates })).toBe(false);
    const mark = { boundingBox: [0, 0, 1, 0, 1, 1], confidence: 1, state: 'selected' };
    const page = { page: 1, angle: 0, width: 1, height: 1, unit: 'pixel', selectionMarks: [mark] };
    expect(Value.Check(AnalyzeOperationResultSchema, analyzed({ version: '2.1.0', readResults: [page] }))).toBe(false);
  });

  it('has field values whose type narrows them', () => {
    const field = { type: 'date', valueDate: '2020-01-31', text: '31/01/2020' } as FieldValue;
    expect(field.type === 'date' ? field.valueDate : undefined).toBe('2020-01-31');
  });
});
