import { describe, expect, it } from 'vitest';
import type { FieldFormat, FieldText, FieldType } from '../types.ts';
import { parseCountryRegion } from './countryRegion.ts';
import { learnDateOrder, parseDate } from './date.ts';
import { fieldValue } from './fieldValue.ts';
import { parseNumber } from './number.ts';
import { parsePhoneNumber } from './phoneNumber.ts';
import { parseTime } from './time.ts';

describe('values', () => {
  it('takes text where a mark should be for a cross, or for the empty box', () => {
    const place = { page: 1, polygon: [0, 0, 1, 0, 1, 1, 0, 1], elements: [] } as const;
    const definition = { name: 'a', type: 'selectionMark', format: 'not-specified' } as const;
    expect(fieldValue(definition, { text: 'X', ...place })).toMatchObject({ text: 'selected', value: 'selected' });
    expect(fieldValue(definition, { text: '[ ]', ...place })).toMatchObject({
      text: 'unselected',
      value: 'unselected',
    });
  });

  it.each([
    ['$ 1,200.00', 1200],
    ['1.234,50', 1234.5],
    ['1,5', 1.5],
    ['12,500', 12500],
    ['1.234.567', 1234567],
    ['RM9.00', 9],
    ['.05', 0.05],
    ['(12)', -12],
    ['-3.5', -3.5],
    ['12-', -12],
    ['25%', 25],
    ["1'000.00 CHF", 1000],
    ['₩1,250,000', 1250000],
    ['45,000원', 45000],
    ['12a34', undefined],
    ['twelve', undefined],
    ['', undefined],
    ['1/2', undefined],
  ])('reads the number in %j', (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it('takes the comma for the decimal sign where the format says so', () => {
    expect(parseNumber('1.200', 'decimal-comma-seperated')).toBe(1200);
    expect(parseNumber('1,200', 'decimal-comma-seperated')).toBe(1.2);
  });

  it.each([
    ['2021-03-04', 'mdy', '2021-03-04'],
    ['03/04/2021', 'mdy', '2021-03-04'],
    ['03/04/2021', 'dmy', '2021-04-03'],
    ['25/12/18', 'mdy', '2018-12-25'],
    ['12/25/98', 'dmy', '1998-12-25'],
    ['18-03-04', 'ymd', '2018-03-04'],
    ['18 MAR 2018', 'mdy', '2018-03-18'],
    ['March 4th, 2021', 'mdy', '2021-03-04'],
    ['Jun/05/20', 'mdy', '2020-06-05'],
    ['2021년 01월 05일', 'mdy', '2021-01-05'],
    ['20210304', 'mdy', '2021-03-04'],
    ['02/30/2021', 'mdy', undefined],
    ['29.02.2023', 'dmy', undefined],
    ['tomorrow', 'mdy', undefined],
  ] as const)('reads the date %j (%s)', (text, order, value) => {
    expect(parseDate(text, order)).toBe(value);
  });

  it('learns the order of day and month from dates that leave no choice', () => {
    expect(learnDateOrder(['03/04/2021', '25/12/2018'])).toBe('dmy');
    expect(learnDateOrder(['03/04/2021', '12/25/2018'])).toBe('mdy');
    expect(learnDateOrder(['03/04/2021'])).toBeUndefined();
  });

  it.each([
    ['9:05 pm', '21:05:00'],
    ['12:30 AM', '00:30:00'],
    ['03:16PM', '15:16:00'],
    ['21.05', '21:05:00'],
    ['23:59:58', '23:59:58'],
    ['9 a.m.', '09:00:00'],
    ['오후 9:05', '21:05:00'],
    ['9시 05분', '09:05:00'],
    ['25:00', undefined],
    ['noon', undefined],
  ])('reads the time %j', (text, value) => {
    expect(parseTime(text)).toBe(value);
  });

  it.each([
    ['(987) 654-3210', '+19876543210'],
    ['1-800-555-0199', '+18005550199'],
    ['+44 20 7946 0958', '+442079460958'],
    ['555-348-6512 ext. 12', '+15553486512'],
    ['5348', undefined],
  ])('reads the phone number %j', (text, value) => {
    expect(parsePhoneNumber(text)).toBe(value);
  });

  it.each([
    ['United States', 'USA'],
    ['US', 'USA'],
    ['kor', 'KOR'],
    ['대한민국', 'KOR'],
    ['Atlantis', undefined],
  ])('reads the country %j', (text, value) => {
    expect(parseCountryRegion(text)).toBe(value);
  });

  it.each([
    ['number', 'not-specified', 'about ten', undefined],
    ['integer', 'not-specified', '12.5', undefined],
    ['integer', 'not-specified', '1,200', 1200],
    ['date', 'dmy', '03/04/2021', '2021-04-03'],
    ['string', 'no-whitespaces', 'AB 12  C', 'AB12C'],
    ['string', 'alphanumeric', 'AB-12 (C)', 'AB12C'],
    ['string', 'not-specified', 'AB-12 (C)', 'AB-12 (C)'],
    ['selectionMark', 'not-specified', 'selected', 'selected'],
    ['selectionMark', 'not-specified', 'unselected', 'unselected'],
  ] as const)('keeps the text of a %s (%s) %j and gives the value %j', (type, format, text, value) => {
    const found: FieldText = { text, page: 1, polygon: [0, 0, 1, 0, 1, 1, 0, 1], elements: [], confidence: 0.9 };
    const definition: { name: string; type: FieldType; format: FieldFormat } = { name: 'a', type, format };
    expect(fieldValue(definition, found)).toEqual({ type, ...found, ...(value === undefined ? {} : { value }) });
  });
});
