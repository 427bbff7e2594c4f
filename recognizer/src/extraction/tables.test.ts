import { describe, expect, it } from 'vitest';
import { analyze } from './analyze.ts';
import { labelText, madePage, madeSample, type PlacedText } from './testing/madePages.ts';
import { train } from './trainLabeled.ts';
import type { FieldDefinition, FieldValue, LabeledModel, Sample } from './types.ts';

const column = (name: string): FieldDefinition => ({ name, type: 'string', format: 'not-specified' });
const columns = [column('Item'), { ...column('Price'), type: 'number' as const }];
const dynamic: FieldDefinition = { name: 'lines', type: 'array', format: 'not-specified', fields: columns };

type Line = readonly [item: string, price: string];

function bill(lines: readonly Line[]) {
  const texts: PlacedText[] = [
    [1, 1, 'Bill for groceries and sundries'],
    [1, 2, 'Item'],
    [5, 2, 'Price'],
    ...lines.flatMap(([item, price], i): PlacedText[] => [
      ...item.split('\n').map((part, k): PlacedText => [1, 2.3 + i * 0.4 + k * 0.15, part]),
      [5.8 - price.length * 0.08, 2.3 + i * 0.4, price],
    ]),
    [1, 2.6 + lines.length * 0.4, 'Thank you for your custom'],
  ];
  return madePage(texts);
}

function sampleOf(name: string, lines: readonly Line[]): Sample {
  const page = bill(lines);
  const labels = lines.flatMap(([item, price], i) => {
    const parts = item.split('\n').map((part) => labelText(page, `lines/${i}/Item`, part));
    const whole = { label: `lines/${i}/Item`, isRegion: false, values: parts.flatMap((part) => part.values) };
    return [whole, labelText(page, `lines/${i}/Price`, price)];
  });
  return madeSample(name, [page], labels);
}

function rowsOf(model: LabeledModel, page: Sample['pages'][number]): unknown {
  const analysis = analyze(model, [page]);
  const value = analysis.kind === 'labeled' ? analysis.forms[0]?.fields.lines : null;
  return plain(value ?? null);
}

function plain(value: FieldValue | null): unknown {
  if (value === null) return null;
  if (value.type === 'array') return value.value.map(plain);
  if (value.type === 'object')
    return Object.fromEntries(Object.entries(value.value).map(([name, cell]) => [name, plain(cell)]));
  return value.text;
}

describe('tables', () => {
  const samples = [
    sampleOf('a', [
      ['Apples', '5.00'],
      ['Pears and\nplums', '12.50'],
    ]),
    sampleOf('b', [
      ['Flour', '1.20'],
      ['Sugar', '2.00'],
      ['Brown rice', '113.00'],
    ]),
  ];

  it('finds as many rows as there are, with cells that wrap and values aligned to the right', () => {
    const model = train({ fields: [dynamic], samples });
    const page = bill([
      ['Oats', '7.10'],
      ['Chestnut\nmushrooms', '1,250.00'],
      ['Salt', '0.90'],
      ['Green tea', '14.00'],
      ['Milk', '3.00'],
    ]);
    expect(rowsOf(model, page)).toEqual([
      { Item: 'Oats', Price: '7.10' },
      { Item: 'Chestnut mushrooms', Price: '1,250.00' },
      { Item: 'Salt', Price: '0.90' },
      { Item: 'Green tea', Price: '14.00' },
      { Item: 'Milk', Price: '3.00' },
    ]);
    expect(model.accuracy).toEqual([{ name: 'lines', accuracy: 1, disagreeing: [] }]);
  });

  it('learns the rows from a single sample', () => {
    const model = train({ fields: [dynamic], samples: samples.slice(1) });
    const page = bill([
      ['Oats', '7.10'],
      ['Salt', '0.90'],
    ]);
    expect(rowsOf(model, page)).toEqual([
      { Item: 'Oats', Price: '7.10' },
      { Item: 'Salt', Price: '0.90' },
    ]);
  });

  it('gives cells their value and no confidence, as the service does', () => {
    const analysis = analyze(train({ fields: [dynamic], samples }), [bill([['Oats', '7.10']])]);
    const value = analysis.kind === 'labeled' ? analysis.forms[0]?.fields.lines : null;
    const first = value?.type === 'array' ? value.value[0] : null;
    const price = first?.type === 'object' ? first.value.Price : null;
    expect(price).toMatchObject({ type: 'number', value: 7.1, text: '7.10', page: 1 });
    expect(price).not.toHaveProperty('confidence');
  });

  it('goes on over the pages that repeat the header', () => {
    const first = bill([
      ['Oats', '7.10'],
      ['Salt', '0.90'],
    ]);
    const second = { ...bill([['Green tea', '14.00']]), number: 2 };
    const analysis = analyze(train({ fields: [dynamic], samples }), [first, second]);
    const value = analysis.kind === 'labeled' ? analysis.forms[0]?.fields.lines : null;
    expect(plain(value ?? null)).toEqual([
      { Item: 'Oats', Price: '7.10' },
      { Item: 'Salt', Price: '0.90' },
      { Item: 'Green tea', Price: '14.00' },
    ]);
    const last = value?.type === 'array' ? value.value[2] : null;
    expect(last?.type === 'object' ? last.value.Item : null).toMatchObject({ page: 2 });
  });

  it('has no rows where there are none', () => {
    expect(rowsOf(train({ fields: [dynamic], samples }), bill([]))).toBeNull();
  });

  it('finds the cells of a table with fixed rows one by one', () => {
    const row = (name: string): FieldDefinition => ({
      name,
      type: 'object',
      format: 'not-specified',
      fields: columns.slice(1),
    });
    const fixed: FieldDefinition = {
      name: 'lines',
      type: 'object',
      format: 'not-specified',
      fields: [row('Apple/red'), row('Pear')],
    };
    const page = (apple: string, pear: string) =>
      madePage([
        [1, 1, 'Price list of the season'],
        [5, 2, 'Price'],
        [1, 2.3, 'Red apples'],
        [5, 2.3, apple],
        [1, 2.7, 'Pears'],
        [5, 2.7, pear],
        [1, 3.5, 'Valid until further notice'],
      ]);
    const labelled = (name: string, apple: string, pear: string) => {
      const own = page(apple, pear);
      return madeSample(
        name,
        [own],
        [labelText(own, 'lines/Apple~1red/Price', apple), labelText(own, 'lines/Pear/Price', pear)],
      );
    };
    const model = train({ fields: [fixed], samples: [labelled('a', '1.00', '2.00'), labelled('b', '1.50', '2.25')] });
    expect(rowsOf(model, page('3.10', '4.20'))).toEqual({ 'Apple/red': { Price: '3.10' }, Pear: { Price: '4.20' } });
    expect(rowsOf(model, page('3.10', ''))).toEqual({ 'Apple/red': { Price: '3.10' }, Pear: { Price: null } });
  });
});
