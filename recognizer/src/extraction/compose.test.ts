import { describe, expect, it } from 'vitest';
import { analyzeComposed } from './compose.ts';
import { sampleForms } from './testing/sampleForms.ts';
import { train } from './trainLabeled.ts';

describe('composed models', () => {
  const sets = ['azure-statements/train', 'azure-purchase-orders/train', 'azure-1099/train'].map(sampleForms);

  it('let the component answer whose form the document is', () => {
    const models = sets.map(({ fields, samples }) => train({ fields, samples: samples.slice(1) }));
    for (const [component, { samples }] of sets.entries()) {
      const [first] = samples;
      if (!first) throw new Error('no sample');
      const found = analyzeComposed(models, first.pages);
      expect(found.component).toBe(component);
      expect(Object.values(found.form.fields).some((value) => value !== null)).toBe(true);
    }
  });

  it('need a component and a page', () => {
    expect(() => analyzeComposed([], sets[0]?.samples[0]?.pages ?? [])).toThrow(RangeError);
  });
});
