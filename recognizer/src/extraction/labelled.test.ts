import { describe, expect, it } from 'vitest';
import { analyze } from './analyze.ts';
import { parseModel, serializeModel } from './modelFile.ts';
import {
  field,
  labelMark,
  labelRegion,
  labelText,
  madePage,
  madeSample,
  type PlacedText,
} from './testing/madePages.ts';
import { labelledTexts, sampleForms } from './testing/sampleForms.ts';
import { train } from './trainLabeled.ts';
import type { AnalyzedForm, LabeledModel, Sample } from './types.ts';

function formOf(model: LabeledModel, pages: Sample['pages']): AnalyzedForm {
  const analysis = analyze(model, pages);
  if (analysis.kind !== 'labeled' || !analysis.forms[0]) throw new Error('no form');
  return analysis.forms[0];
}

function texts(form: AnalyzedForm): Record<string, string> {
  const found = Object.entries(form.fields).flatMap(([name, value]) =>
    value && value.type !== 'array' && value.type !== 'object' ? [[name, value.text]] : [],
  );
  return Object.fromEntries(found);
}

describe('training with labels', () => {
  it('finds all six fields of a statement, selection marks included, when trained on the four others', () => {
    const { fields, samples } = sampleForms('azure-statements/train');
    for (const sample of samples) {
      const model = train({ fields, samples: samples.filter((other) => other !== sample) });
      const form = formOf(model, sample.pages);
      expect(texts(form)).toEqual(labelledTexts(sample));
      expect(form.docTypeConfidence).toBeGreaterThan(0.9);
      expect(form.pageRange).toEqual([1, 1]);
    }
  });

  it('finds at least 14 of the 15 fields of a purchase order when trained on the four others', () => {
    const { fields, samples } = sampleForms('azure-purchase-orders/train');
    for (const sample of samples.slice(0, 3)) {
      const found = texts(
        formOf(train({ fields, samples: samples.filter((other) => other !== sample) }), sample.pages),
      );
      const wrong = Object.entries(labelledTexts(sample)).filter(([name, text]) => found[name] !== text);
      expect(wrong.length, JSON.stringify(wrong)).toBeLessThanOrEqual(1);
    }
  });

  it('recognizes the scan of a tax form it has learned from digital copies', () => {
    const { fields, samples } = sampleForms('azure-1099/train');
    const [scan] = sampleForms('azure-1099/test').samples;
    if (!scan) throw new Error('no scan');
    const form = formOf(train({ fields, samples }), scan.pages);
    expect(form.docTypeConfidence).toBeGreaterThan(0.9);
    const found = texts(form);
    expect(found.RecipientTIN).toBe(labelledTexts(scan).RecipientTIN);
    expect(found.AccountNumber).toBe(labelledTexts(scan).AccountNumber);
  });

  it('gives box, page, elements and confidence with every value', () => {
    const { fields, samples } = sampleForms('azure-statements/train');
    const [first, ...others] = samples;
    if (!first) throw new Error('no sample');
    const value = formOf(train({ fields, samples: others }), first.pages).fields['Receipt No'];
    expect(value).toMatchObject({ type: 'string', value: '2468', page: 1 });
    if (value?.type !== 'string') throw new Error('no string');
    const words = value.elements.map((e) =>
      e.kind === 'word' ? first.pages[0]?.lines[e.line]?.words[e.word]?.text : '',
    );
    expect(words).toEqual(['2468']);
    expect(value.confidence).toBeGreaterThan(0.8);
    expect(value.polygon[0]).toBeCloseTo(0.8951882352941177 * 8.5, 2);
    expect(value.polygon[1]).toBeCloseTo(0.11335454545454544 * 11, 2);
  });

  it('learns from a single sample, and then estimates nothing', () => {
    const { fields, samples } = sampleForms('azure-statements/train');
    const [first, second] = samples;
    if (!first || !second) throw new Error('no samples');
    const model = train({ fields, samples: [first] });
    expect(texts(formOf(model, second.pages))).toEqual(labelledTexts(second));
    expect(model.accuracy.every((field) => field.accuracy === undefined)).toBe(true);
  });

  it('estimates accuracy by leaving one out, and names the sample that disagrees', () => {
    const { fields, samples } = sampleForms('azure-statements/train');
    const spoilt = samples.map((sample, i) => {
      const other = sample.labels.find((label) => label.label === 'Sold To');
      if (i !== 2 || !other) return sample;
      return { ...sample, labels: sample.labels.map((l) => (l.label === 'ID #' ? { ...other, label: 'ID #' } : l)) };
    });
    const accuracy = new Map(train({ fields, samples: spoilt }).accuracy.map((field) => [field.name, field]));
    expect(accuracy.get('Receipt No')).toEqual({ name: 'Receipt No', accuracy: 1, disagreeing: [] });
    expect(accuracy.get('ID #')?.accuracy).toBeLessThan(1);
    expect(accuracy.get('ID #')?.disagreeing[0]).toBe('Invoice_3.pdf');
  });

  it('makes the same bytes of the same samples, and the same answers from the stored model', () => {
    const { fields, samples } = sampleForms('azure-purchase-orders/train');
    const model = train({ fields, samples });
    const file = serializeModel(model);
    expect(serializeModel(train({ fields, samples }))).toBe(file);
    const stored = parseModel(JSON.parse(file));
    expect(serializeModel(stored)).toBe(file);
    for (const sample of samples) expect(analyze(stored, sample.pages)).toEqual(analyze(model, sample.pages));
  });

  it('reports its progress up to the end', () => {
    const { fields, samples } = sampleForms('azure-statements/train');
    const seen: number[] = [];
    train({ fields, samples, onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it('refuses a training set in which nothing that is defined is labelled', () => {
    const page = madePage([[1, 1, 'Total: 12']]);
    const sample = madeSample('a', [page], [labelText(page, 'Other', '12')]);
    expect(() => train({ fields: [field('Total')], samples: [sample] })).toThrow(/no training document has a label/);
    expect(() => train({ fields: [field('Total')], samples: [] })).toThrow(/no training document has a label/);
  });

  it('leaves the fields of a foreign form empty', () => {
    const statements = sampleForms('azure-statements/train');
    const [order] = sampleForms('azure-purchase-orders/train').samples;
    if (!order) throw new Error('no order');
    const form = formOf(train(statements), order.pages);
    expect(form.docTypeConfidence).toBeLessThan(0.3);
    expect(texts(form)).toEqual({});
  });

  it('keeps a field empty where the form is not filled in', () => {
    const sampleOf = (i: number) => {
      const page = order({ number: `N-${100 + i}`, total: `${10 + i}.50` });
      return madeSample(
        `${i}`,
        [page],
        [labelText(page, 'Number', `N-${100 + i}`), labelText(page, 'Total', `${10 + i}.50`)],
      );
    };
    const model = train({ fields: [field('Number'), field('Total', 'number')], samples: [0, 1, 2].map(sampleOf) });
    const form = formOf(model, [order({ number: 'N-777', total: '' })]);
    expect(texts(form)).toEqual({ Number: 'N-777' });
    expect(form.fields.Total).toBeNull();
  });

  it('reads what stands in a region that was drawn by hand', () => {
    const sampleOf = (i: number) => {
      const page = order({
        number: `N-${100 + i}`,
        total: `${10 + i}.50`,
        signature: ['Ann Smith', 'Bob Jones', 'Cy Ng'][i],
      });
      return madeSample(`${i}`, [page], [labelRegion(page, 'Signature', [4.9, 8.9, 7.5, 9.3])]);
    };
    const model = train({ fields: [field('Signature')], samples: [0, 1, 2].map(sampleOf) });
    const found = formOf(model, [order({ number: 'N-9', total: '8.00', signature: 'Dee Kay' })]);
    expect(texts(found)).toEqual({ Signature: 'Dee Kay' });
    expect(texts(formOf(model, [order({ number: 'N-9', total: '8.00' })]))).toEqual({});
  });

  it('tells the marks of a row of check boxes apart', () => {
    const choices = ['Red', 'Green', 'Blue'];
    const page = (chosen: number) =>
      madePage(
        [[1, 1, 'Order form for paint and brushes'], ...choices.map((name, k): PlacedText => [1.3 + k * 2, 2, name])],
        { marks: choices.map((_, k) => [1 + k * 2, 2, k === chosen] as const) },
      );
    const samples = [0, 1].map((chosen) => {
      const own = page(chosen);
      return madeSample(
        `${chosen}`,
        [own],
        choices.map((name, k) => labelMark(own, name, k)),
      );
    });
    const form = formOf(train({ fields: choices.map((name) => field(name, 'selectionMark')), samples }), [page(2)]);
    expect(texts(form)).toEqual({ Red: 'unselected', Green: 'unselected', Blue: 'selected' });
  });

  it('finds a value on whichever page its form has come to lie', () => {
    const cover = (n: number) =>
      madePage(
        [
          [1, 1, 'Cover letter to our valued customers'],
          [1, 2, 'Dear customer, please find enclosed'],
        ],
        { number: n },
      );
    const sampleOf = (i: number) => {
      const page = { ...order({ number: `N-${100 + i}`, total: `${10 + i}.50` }), number: 2 };
      return madeSample(`${i}`, [cover(1), page], [labelText(page, 'Number', `N-${100 + i}`)]);
    };
    const model = train({ fields: [field('Number')], samples: [0, 1, 2].map(sampleOf) });
    const number = formOf(model, [cover(1), cover(2), { ...order({ number: 'N-55', total: '1.00' }), number: 3 }])
      .fields.Number;
    expect(number).toMatchObject({ text: 'N-55', page: 3 });
  });

  it('follows the samples of the right layout when a model has learned two', () => {
    const left = (i: number) => order({ number: `N-${100 + i}`, total: `${10 + i}.50` });
    const right = (i: number) =>
      madePage([
        [1, 1, 'Bill of lading'],
        [1, 3, `Amount payable ${20 + i}.75`],
        [1, 5, `Our reference R-${200 + i}`],
        [1, 7, 'Carrier must sign on delivery'],
      ]);
    const samples = [0, 1, 2].flatMap((i) => {
      const [a, b] = [left(i), right(i)];
      return [
        madeSample(`a${i}`, [a], [labelText(a, 'Number', `N-${100 + i}`), labelText(a, 'Total', `${10 + i}.50`)]),
        madeSample(`b${i}`, [b], [labelText(b, 'Number', `R-${200 + i}`), labelText(b, 'Total', `${20 + i}.75`)]),
      ];
    });
    const model = train({ fields: [field('Number'), field('Total')], samples });
    expect(texts(formOf(model, [left(7)]))).toEqual({ Number: 'N-107', Total: '17.50' });
    expect(texts(formOf(model, [right(8)]))).toEqual({ Number: 'R-208', Total: '28.75' });
  });

  it('parts a value from the key it is glued to, and a span of dates', () => {
    const page = (date: string, flight: string) =>
      madePage([
        [1, 1, 'Broadcast order confirmation'],
        [1, 2, `Date:${date}`],
        [1, 3, `Flight dates ${flight}`],
        [1, 5, 'Please confirm within two days'],
      ]);
    const part = (
      own: ReturnType<typeof page>,
      label: string,
      [line, word]: readonly [number, number],
      [from, to]: readonly [number, number],
    ) => {
      const whole = own.lines[line]?.words[word];
      if (!whole) throw new Error('no word');
      const [x0, y0, x1, , , y1] = whole.polygon;
      const [left, right] = [from, to].map((k) => x0 + ((x1 - x0) * k) / whole.text.length) as [number, number];
      const box = [left, y0, right, y0, right, y1, left, y1].map((v, i) => v / (i % 2 === 0 ? 8.5 : 11));
      const text = whole.text.slice(from, to);
      return {
        label,
        isRegion: false,
        values: [{ page: 1, text, boxes: [box as unknown as (typeof whole)['polygon']] }],
      };
    };
    const samples = [
      ['21/03/2018', '05/24/20-05/26/20'],
      ['02/11/2019', '06/01/20-06/30/20'],
    ].map(([date = '', flight = ''], i) => {
      const own = page(date, flight);
      return madeSample(
        `${i}`,
        [own],
        [part(own, 'Date', [1, 0], [5, 15]), part(own, 'From', [2, 2], [0, 8]), part(own, 'To', [2, 2], [9, 17])],
      );
    });
    const model = train({ fields: [field('Date'), field('From'), field('To')], samples });
    const form = formOf(model, [page('30/12/2020', '07/04/21-07/05/21')]);
    expect(texts(form)).toEqual({ Date: '30/12/2020', From: '07/04/21', To: '07/05/21' });
  });

  it('follows labels whose boxes are off, by what they say', () => {
    const sampleOf = (i: number) => {
      const page = order({ number: `N-${100 + i}`, total: `${10 + i}.50` });
      const label = labelText(page, 'Total', `${10 + i}.50`);
      const values = label.values.map((value) => ({
        ...value,
        boxes: value.boxes.map((box) => box.map((v, k) => (k % 2 === 0 ? v : v - 0.013)) as unknown as typeof box),
      }));
      return madeSample(`${i}`, [page], [{ ...label, values }]);
    };
    const model = train({ fields: [field('Total')], samples: [0, 1].map(sampleOf) });
    expect(texts(formOf(model, [order({ number: 'N-3', total: '4.00' })]))).toEqual({ Total: '4.00' });
  });

  it('is not misled by a sample in which a label was forgotten', () => {
    const sampleOf = (i: number) => {
      const page = order({ number: `N-${100 + i}`, total: `${10 + i}.50` });
      const company = labelText(page, 'Company', 'ACME Trading');
      const labels = [labelText(page, 'Number', `N-${100 + i}`), ...(i === 0 ? [company] : [])];
      return madeSample(`${i}`, [page], labels);
    };
    const model = train({ fields: [field('Number'), field('Company')], samples: [0, 1, 2].map(sampleOf) });
    expect(texts(formOf(model, [order({ number: 'N-3', total: '4.00' })]))).toEqual({
      Number: 'N-3',
      Company: 'ACME Trading',
    });
  });
});

function order({ number, total, signature = '' }: { number: string; total: string; signature?: string | undefined }) {
  const lines: PlacedText[] = [
    [1, 1, 'ACME Trading'],
    [1, 1.5, 'Purchase order for goods and services'],
    [1, 2.5, `Order number: ${number}`],
    [1, 3.5, 'Delivery within thirty days of receipt'],
    [4, 5, `Total amount due: ${total}`],
    [1, 9, 'Authorised signature of the buyer'],
    [1, 10, 'Terms and conditions overleaf apply'],
  ];
  return madePage(signature === '' ? lines : [...lines, [5, 9, signature]]);
}
