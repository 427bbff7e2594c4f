import { describe, expect, it } from 'vitest';
import { analyze } from './analyze.ts';
import { parseModel, serializeModel } from './modelFile.ts';
import { madePage } from './testing/madePages.ts';
import { sampleForms } from './testing/sampleForms.ts';
import type { Sample, UnlabeledModel } from './types.ts';
import { trainUnlabeled } from './unlabeled/train.ts';

function pageOf(model: UnlabeledModel, pages: Sample['pages']) {
  const analysis = analyze(model, pages);
  if (analysis.kind !== 'unlabeled' || !analysis.pages[0]) throw new Error('no page');
  return analysis.pages[0];
}

function pairs(model: UnlabeledModel, pages: Sample['pages']): string[] {
  return pageOf(model, pages).keyValuePairs.map((pair) => `${pair.key.text} ${pair.value.text}`);
}

describe('training without labels', () => {
  it('finds the keys and values of a purchase order that were never pointed out', () => {
    const { samples } = sampleForms('azure-purchase-orders/train');
    const [first, ...others] = samples;
    if (!first) throw new Error('no sample');
    expect(pairs(trainUnlabeled({ samples: others }), first.pages)).toEqual(
      expect.arrayContaining([
        'Company Phone: 555-348-6512',
        'Email: accounts@herolimited.com',
        'Dated As: 12/20/2020',
        'Purchase Order #: 948284',
        'Vendor Name: Balozi Khamisi',
        'SUBTOTAL $140.00',
        'TAX $4.00',
        'TOTAL $144.00',
      ]),
    );
  });

  it('lists keys and table headers of each form type, sorted', () => {
    const { samples } = sampleForms('azure-purchase-orders/train');
    const [keys] = trainUnlabeled({ samples }).clusters;
    expect(keys).toEqual(expect.arrayContaining(['Dated As:', 'Quantity', 'TOTAL', 'Unit Price', 'Vendor Name:']));
    expect(keys).toEqual([...new Set(keys)].sort((a, b) => (a < b ? -1 : 1)));
  });

  it('gives confidence, boxes and elements with every pair', () => {
    const { samples } = sampleForms('azure-statements/train');
    const [first, ...others] = samples;
    if (!first) throw new Error('no sample');
    const pair = pageOf(trainUnlabeled({ samples: others }), first.pages).keyValuePairs.find(
      (p) => p.value.text === '1197531',
    );
    expect(pair?.key.text).toBe('ID#:');
    expect(pair?.confidence).toBeGreaterThan(0.8);
    const [element] = pair?.value.elements ?? [];
    expect(element?.kind === 'word' && first.pages[0]?.lines[element.line]?.words[element.word]?.text).toBe('1197531');
  });

  it('tells form types apart, and knows a page that is of none', () => {
    const statements = sampleForms('azure-statements/train').samples;
    const orders = sampleForms('azure-purchase-orders/train').samples;
    const model = trainUnlabeled({ samples: [...statements.slice(1), ...orders.slice(1)] });
    expect(model.clusters).toHaveLength(2);
    const [statement, order] = [statements[0], orders[0]];
    if (!statement || !order) throw new Error('no sample');
    expect(pageOf(model, statement.pages).clusterId).toBe(0);
    expect(pageOf(model, order.pages).clusterId).toBe(1);
    const letter = madePage([
      [1, 1, 'Dear Madam, we regret to inform you'],
      [1, 2, 'that the goods are out of stock.'],
    ]);
    expect(pageOf(model, [letter])).toEqual({ page: 1, clusterId: null, keyValuePairs: [] });
  });

  it('makes the same bytes of the same samples, and reads them back', () => {
    const { samples } = sampleForms('azure-statements/train');
    const file = serializeModel(trainUnlabeled({ samples }));
    expect(serializeModel(trainUnlabeled({ samples }))).toBe(file);
    expect(serializeModel(parseModel(JSON.parse(file)))).toBe(file);
  });

  it('refuses samples without a word', () => {
    expect(() => trainUnlabeled({ samples: [] })).toThrow(/no training document has a word/);
    expect(() => trainUnlabeled({ samples: [{ name: 'a', pages: [madePage([])], labels: [] }] })).toThrow(
      /no training document/,
    );
  });
});
