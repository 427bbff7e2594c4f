import { expect, test } from 'vitest';
import { RecognizerError } from '../../errors.ts';
import { decodeBmp } from './bmp.ts';
import { type BmpKind, encodeBmp, samplePattern } from './bmp-sample.ts';

const kinds: readonly (readonly [string, BmpKind])[] = [
  ['1 bit', { bits: 1 }],
  ['4 bits', { bits: 4 }],
  ['8 bits', { bits: 8 }],
  ['16 bits', { bits: 16 }],
  ['24 bits', { bits: 24 }],
  ['32 bits', { bits: 32 }],
  ['24 bits, top down', { bits: 24, isTopDown: true }],
  ['8 bits of OS/2', { bits: 8, isOs2: true }],
  ['1 bit of OS/2', { bits: 1, isOs2: true }],
  ['run lengths of 8 bits', { bits: 8, compression: 'rle8' }],
  ['run lengths of 4 bits', { bits: 4, compression: 'rle4' }],
  ['565 bit fields', { bits: 16, compression: 'bitfields' }],
  ['32 bit fields in another order', { bits: 32, compression: 'bitfields' }],
];

test.for(kinds)('reads a bitmap of %s', ([, kind]) => {
  const pattern = samplePattern(kind.bits);
  const { width, height, data } = decodeBmp(encodeBmp(kind));
  expect({ width, height }).toEqual({ width: pattern.width, height: pattern.height });
  // Five bits cannot hold every grey.
  const rounding = kind.bits === 16 ? 5 : 0;
  const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (pattern.data[i] ?? 0))), 0);
  expect(worst).toBeLessThanOrEqual(rounding);
});

test('leaves what is missing of a cut bitmap white', () => {
  const whole = encodeBmp({ bits: 8, isTopDown: true });
  const { width, data } = decodeBmp(whole.subarray(0, whole.length - 20 * 64));
  expect(data.at(-1)).toBe(255);
  expect(data.subarray(0, width)).toEqual(decodeBmp(whole).data.subarray(0, width));
});

test('refuses a bitmap of seven bits a pixel', () => {
  const bytes = encodeBmp({ bits: 8 });
  bytes[28] = 7;
  expect(() => decodeBmp(bytes)).toThrow(RecognizerError);
});
