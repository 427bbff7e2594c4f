// `expirationDateTimeTicks` of a copy authorization. The name says ticks, the swagger text says seconds since 1970.
// Recorded: the service of May 2020 sent .NET ticks (100 ns since 0001-01-01), from June 2020 on it sent Unix seconds.
// Every official client multiplies by 1000 and makes a Date of it, so seconds are the only form that works for them.

/** .NET ticks of 1970-01-01T00:00:00Z. */
const TICKS_AT_UNIX_EPOCH = 621_355_968_000_000_000n;
const TICKS_PER_MILLISECOND = 10_000n;
/** 9999-12-31T23:59:59Z in Unix seconds: the last date .NET can tell. Anything larger is meant as ticks. */
const LAST_UNIX_SECOND = 253_402_300_799;
/** .NET ticks of that date's end. */
const LAST_TICK = 3_155_378_975_999_999_999n;
/** What a JSON number above 2^53 may lose: a double of this size steps by 128 ticks or less, far below a millisecond. */
const DEFAULT_TOLERANCE_MILLISECONDS = 1000;

/** Unix seconds, rounded down: an authorization never claims to live longer than it does. */
export function writeExpirationTicks(expiresOn: Date): number {
  const milliseconds = expiresOn.getTime();
  if (Number.isNaN(milliseconds)) throw new RangeError('the expiry is no valid date');
  return Math.floor(milliseconds / 1000);
}

/**
 * The instant, from Unix seconds or .NET ticks. Undefined where the number is neither: negative, not finite, between the
 * two ranges, or after the year 9999. Ticks beyond 2^53 have lost digits in JSON.parse and come out to the millisecond.
 */
export function readExpirationTicks(ticks: number | bigint): Date | undefined {
  if (typeof ticks === 'number' && !Number.isFinite(ticks)) return undefined;
  if (ticks < 0) return undefined;
  if (ticks <= LAST_UNIX_SECOND) return new Date(Number(ticks) * 1000);
  const whole = typeof ticks === 'bigint' ? ticks : BigInt(Math.round(ticks));
  if (whole < TICKS_AT_UNIX_EPOCH || whole > LAST_TICK + 512n) return undefined;
  const milliseconds = (whole - TICKS_AT_UNIX_EPOCH) / TICKS_PER_MILLISECOND;
  return new Date(Number(milliseconds));
}

/**
 * Whether the number a request sends back means the expiry that was given out, whichever of the two forms it has.
 * Loose on purpose: clients round, and the token decides, not this number.
 */
export function isSameExpiration(
  ticks: number | bigint,
  expiresOn: Date,
  toleranceMilliseconds = DEFAULT_TOLERANCE_MILLISECONDS,
): boolean {
  const instant = readExpirationTicks(ticks);
  return instant !== undefined && Math.abs(instant.getTime() - expiresOn.getTime()) <= toleranceMilliseconds;
}
