import { describe, expect, it } from 'vitest';
import { RecognizerError } from '../errors.ts';
import { parseFieldsFile } from './fieldsFile.ts';
import { parseLabelsFile } from './labelsFile.ts';
import { parseModel, serializeModel } from './modelFile.ts';
import { parseOcrFile } from './ocrFile.ts';
import { readSampleJson, sampleForms } from './testing/sampleForms.ts';
import { train } from './trainLabeled.ts';

describe('fields.json', () => {
  it('gives names, types and formats in their order', () => {
    const fields = parseFieldsFile(readSampleJson('azure-statements/train/fields.json'));
    expect(fields[0]).toEqual({ name: 'Receipt No', type: 'string', format: 'not-specified' });
    expect(fields.filter((field) => field.type === 'selectionMark').map((field) => field.name)).toEqual([
      'Live Delivery?',
      'Online Delivery?',
      'Video Delivery?',
    ]);
  });

  it('fills the definitions into tables of both kinds', () => {
    const cells = [{ fieldKey: 'Price', fieldType: 'number', fieldFormat: 'currency' }];
    const definitions = { row: { fieldKey: 'row', fieldType: 'object', fields: cells } };
    const fields = [
      { fieldKey: 'lines', fieldType: 'array', fieldFormat: 'not-specified', itemType: 'row', fields: null },
      { fieldKey: 'fruit', fieldType: 'object', fields: [{ fieldKey: 'Apple', fieldType: 'row' }] },
    ];
    const price = { name: 'Price', type: 'number', format: 'currency' };
    expect(parseFieldsFile({ fields, definitions })).toEqual([
      { name: 'lines', type: 'array', format: 'not-specified', fields: [price] },
      {
        name: 'fruit',
        type: 'object',
        format: 'not-specified',
        fields: [{ name: 'Apple', type: 'object', format: 'not-specified', fields: [price] }],
      },
    ]);
  });

  it.each([
    ['fields.json must be an object', []],
    ['fields.json: fields must be an array', { fields: 'x' }],
    ['fields.json: fields[0].fieldKey must be a string', { fields: [{ fieldType: 'string' }] }],
    ["fields.json: fields[0].fieldType is 'poem'", { fields: [{ fieldKey: 'a', fieldType: 'poem' }] }],
    ["defines the field 'a' a second time", { fields: [{ fieldKey: 'a' }, { fieldKey: 'a' }] }],
    [
      "names 'row', which definitions does not have",
      { fields: [{ fieldKey: 'a', fieldType: 'array', itemType: 'row' }] },
    ],
  ])('says what is wrong where: %s', (message, json) => {
    expect(() => parseFieldsFile(json)).toThrow(message);
    expect(() => parseFieldsFile(json)).toThrow(RecognizerError);
  });
});

describe('labels.json', () => {
  it('gives the labelled words with their boxes in fractions of the page', () => {
    const { document, labels } = parseLabelsFile(readSampleJson('azure-statements/train/Invoice_1.pdf.labels.json'));
    expect(document).toBe('Invoice_1.pdf');
    expect(labels).toHaveLength(6);
    expect(labels[1]).toMatchObject({ label: 'Sold To', isRegion: false });
    expect(labels[1]?.values.map((value) => value.text)).toEqual(['Fabrikam', 'Residences']);
    expect(Math.max(...(labels[0]?.values[0]?.boxes[0] ?? [2]))).toBeLessThanOrEqual(1);
  });

  it('knows drawn regions and cleared labels', () => {
    const box = [0, 0, 1, 0, 1, 1, 0, 1];
    const region = { label: 'a', labelType: 'region', value: [{ page: 1, text: '', boundingBoxes: [box] }] };
    const { labels } = parseLabelsFile({ document: 'x', labels: [region, { label: 'b', value: null }] });
    expect(labels).toEqual([
      { label: 'a', isRegion: true, values: [{ page: 1, text: '', boxes: [box] }] },
      { label: 'b', isRegion: false, values: [] },
    ]);
  });

  it.each([
    ['labels.json: labels[0].label must be a string', { labels: [{}] }],
    [
      'labels.json: labels[0].value[0].page must be a page number from 1',
      { labels: [{ label: 'a', value: [{ page: 0 }] }] },
    ],
    [
      'labels.json: labels[0].value[0].boundingBoxes[0] must have eight numbers',
      { labels: [{ label: 'a', value: [{ page: 1, boundingBoxes: [[1, 2, 3]] }] }] },
    ],
  ])('says what is wrong where: %s', (message, json) => {
    expect(() => parseLabelsFile(json)).toThrow(message);
  });
});

describe('ocr.json', () => {
  it('reads the answers of v2.0 and v2.1, with words, marks and tables', () => {
    const [order] = parseOcrFile(readSampleJson('azure-purchase-orders/train/Form_1.jpg.ocr.json'));
    expect(order).toMatchObject({ number: 1, unit: 'pixel', width: 1700, selectionMarks: [] });
    expect(order?.tables[0]).toMatchObject({ rowCount: 4, columnCount: 3 });
    const [statement] = parseOcrFile(readSampleJson('azure-statements/train/Invoice_1.pdf.ocr.json'));
    expect(statement?.lines[0]?.words.map((word) => word.text)).toEqual(['Contoso,', 'Ltd.']);
    expect(statement?.selectionMarks[0]).toMatchObject({ state: 'selected' });
    expect(statement?.tables[0]?.cells[0]?.elements[0]).toEqual({ kind: 'word', page: 1, line: 12, word: 0 });
  });

  it('reads the answers of v3, where words stand beside the lines', () => {
    const polygon = [1, 1, 2, 1, 2, 2, 1, 2];
    const points = [
      { x: 3, y: 1 },
      { x: 4, y: 1 },
      { x: 4, y: 2 },
      { x: 3, y: 2 },
    ];
    const page = {
      pageNumber: 1,
      angle: 0,
      width: 8.5,
      height: 11,
      unit: 'inch',
      words: [
        { content: 'Total', polygon, confidence: 0.9, span: { offset: 0, length: 5 } },
        { content: '12', polygon: points, confidence: 0.8, span: { offset: 6, length: 2 } },
      ],
      lines: [{ content: 'Total 12', polygon, spans: [{ offset: 0, length: 8 }] }],
      selectionMarks: [{ state: 'unselected', polygon, confidence: 0.7 }],
    };
    const [read] = parseOcrFile({
      status: 'succeeded',
      analyzeResult: { apiVersion: '2022-08-31', content: 'Total 12', pages: [page] },
    });
    expect(read?.lines).toEqual([
      {
        text: 'Total 12',
        polygon,
        words: [
          { text: 'Total', polygon, confidence: 0.9 },
          { text: '12', polygon: [3, 1, 4, 1, 4, 2, 3, 2], confidence: 0.8 },
        ],
      },
    ]);
    expect(read?.selectionMarks).toHaveLength(1);
  });

  it.each([
    ['ocr.json has neither readResults (v2) nor pages (v3)', { analyzeResult: {} }],
    ['ocr.json: readResults[0] has no size', { readResults: [{ page: 1, width: 0, height: 1 }] }],
    [
      'ocr.json: readResults[0].lines[0].words[0].boundingBox must be an array',
      { readResults: [{ page: 1, width: 1, height: 1, lines: [{ words: [{ text: 'a' }] }] }] },
    ],
  ])('says what is wrong where: %s', (message, json) => {
    expect(() => parseOcrFile(json)).toThrow(message);
  });
});

describe('the model file', () => {
  it('is compact: under 60 bytes a word', () => {
    const { fields, samples } = sampleForms('azure-1099/train');
    const words = samples.flatMap((s) => s.pages.flatMap((p) => p.lines.flatMap((line) => line.words))).length;
    expect(serializeModel(train({ fields, samples })).length / words).toBeLessThan(60);
  });

  it.each([
    ['this is not a model file', { a: 1 }],
    ['this is not a model file', null],
    ['the model file has version 2; this release reads version 1', { kind: 'labeled', version: 2 }],
    [
      'the model file is damaged',
      { kind: 'labeled', version: 1, fields: [], accuracy: [], learned: { samples: [{}] } },
    ],
    ['the model file is damaged', { kind: 'unlabeled', version: 1, clusters: [], learned: {} }],
  ])('is refused when unknown or damaged: %s', (message, json) => {
    expect(() => parseModel(json)).toThrow(message);
    try {
      parseModel(json);
    } catch (error) {
      expect(error).toMatchObject({ code: 'unsupportedModel' });
    }
  });
});
