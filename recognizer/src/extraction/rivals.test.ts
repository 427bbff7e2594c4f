import { describe, expect, it } from 'vitest';
import { analyze } from './analyze.ts';
import { field, labelText, madePage, madeSample, type PlacedText } from './testing/madePages.ts';
import { train } from './trainLabeled.ts';
import type { Sample } from './types.ts';

function receipt(total: string, rounded?: string) {
  const lines: PlacedText[] = [
    [1, 1, 'Corner shop receipt'],
    [1, 1.5, 'Thank you for shopping with us'],
    [1, 3, 'Total sales'],
    [4, 3, total],
    ...(rounded === undefined
      ? []
      : ([
          [1, 3.4, 'After rounding'],
          [4, 3.4, rounded],
        ] satisfies PlacedText[])),
    [1, 5, 'Goods sold are not returnable'],
  ];
  return madePage(lines);
}

function sampleOf(name: string, page: Sample['pages'][number], total: string): Sample {
  return madeSample(name, [page], [labelText(page, 'Total', total)]);
}

function totalOf(samples: readonly Sample[], page: Sample['pages'][number]) {
  const analysis = analyze(train({ fields: [field('Total')], samples }), [page]);
  const value = analysis.kind === 'labeled' ? analysis.forms[0]?.fields.Total : null;
  return value?.type === 'string' ? { text: value.text, confidence: value.confidence ?? 0 } : undefined;
}

describe('two places that deserve a value equally', () => {
  const plain = ['12.00', '31.50', '7.90', '104.25'].map((total) => sampleOf(total, receipt(total), total));

  it('are told apart by the one sample that shows both', () => {
    const both = sampleOf('both', receipt('18.02', '18.00'), '18.00');
    expect(totalOf([...plain, both], receipt('45.34', '45.35'))?.text).toBe('45.35');
    expect(totalOf([...plain, both], receipt('45.34'))?.text).toBe('45.34');
  });

  it('leave a doubt where all samples have the same value at both', () => {
    const samples = ['12.00', '31.50', '7.90'].map((total) => sampleOf(total, receipt(total, total), total));
    const sure = totalOf(samples, receipt('45.30', '45.30'));
    const doubtful = totalOf(samples, receipt('45.34', '45.35'));
    expect(sure?.text).toBe('45.30');
    expect(doubtful?.text).toBe('45.34');
    expect(doubtful?.confidence).toBeLessThan(0.8);
  });
});
