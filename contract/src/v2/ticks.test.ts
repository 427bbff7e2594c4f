import { describe, expect, it } from 'vitest';
import { isSameExpiration, readExpirationTicks, writeExpirationTicks } from './ticks.ts';

describe('expirationDateTimeTicks', () => {
  it('is written in whole Unix seconds, rounded down', () => {
    expect(writeExpirationTicks(new Date('2020-06-09T12:33:44.999Z'))).toBe(1591706024);
  });

  it('refuses to write a date that is none', () => {
    expect(() => writeExpirationTicks(new Date(Number.NaN))).toThrow(RangeError);
  });

  it('gives the official JS clients the date they compute with ticks * 1000', () => {
    const expiresOn = new Date('2026-01-02T03:04:05Z');
    expect(new Date(writeExpirationTicks(expiresOn) * 1000)).toEqual(expiresOn);
  });

  it.each([
    ['Unix seconds', 1591706024, '2020-06-09T12:33:44.000Z'],
    ['the epoch', 0, '1970-01-01T00:00:00.000Z'],
    ['seconds with a fraction', 1591706024.5, '2020-06-09T12:33:44.500Z'],
    ['the example of the 2.1 swagger', 86400, '1970-01-02T00:00:00.000Z'],
    ['the last Unix second of .NET', 253_402_300_799, '9999-12-31T23:59:59.000Z'],
    ['ticks of the epoch', 621_355_968_000_000_000n, '1970-01-01T00:00:00.000Z'],
    ['ticks of the guide', 637_190_189_980_000_000n, '2020-03-05T15:29:58.000Z'],
    ['ticks recorded in May 2020', 637_255_865_516_657_423n, '2020-05-20T15:49:11.665Z'],
    ['the last tick of .NET', 3_155_378_975_999_999_999n, '9999-12-31T23:59:59.999Z'],
  ])('reads %s', (_, ticks, instant) => {
    expect(readExpirationTicks(ticks)?.toISOString()).toBe(instant);
  });

  it('reads ticks that JSON.parse has rounded, to the millisecond', () => {
    const { ticks } = JSON.parse('{"ticks":637255865516657423}') as { ticks: number };
    expect(BigInt(ticks)).not.toBe(637_255_865_516_657_423n);
    expect(readExpirationTicks(ticks)?.toISOString()).toBe('2020-05-20T15:49:11.665Z');
  });

  it('reads the last tick as JSON.parse rounds it, upwards', () => {
    expect(readExpirationTicks(JSON.parse('3155378975999999999') as number)).toBeInstanceOf(Date);
  });

  it.each([
    -1,
    -1n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    253_402_300_800,
    // Milliseconds since 1970 are neither form: read as seconds they lie far in the future.
    1_591_706_024_000,
    621_355_967_999_999_999n,
    2n ** 63n,
  ])('reads nothing from %s', (ticks) => {
    expect(readExpirationTicks(ticks)).toBeUndefined();
  });

  it('means the same instant in either form, within a second', () => {
    const expiresOn = new Date('2020-05-20T15:49:11.665Z');
    expect(isSameExpiration(writeExpirationTicks(expiresOn), expiresOn)).toBe(true);
    expect(isSameExpiration(637_255_865_516_657_423n, expiresOn)).toBe(true);
    expect(isSameExpiration(writeExpirationTicks(expiresOn) + 2, expiresOn)).toBe(false);
    expect(isSameExpiration(-1, expiresOn)).toBe(false);
  });
});
