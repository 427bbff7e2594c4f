import { expect, test } from 'vitest';
import type { Clock } from '../clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** A clock that moves only by sleeping. */
function sleepingClock(): Clock & { slept: number } {
  return {
    slept: 0,
    now() {
      return this.slept;
    },
    async sleep(milliseconds) {
      this.slept += milliseconds;
    },
  };
}

test('lets a burst through at once, and then as many a second as it may', async () => {
  const clock = sleepingClock();
  const bucket = new TokenBucket(5, clock);
  for (let index = 0; index < 5; index++) await bucket.take();
  expect(clock.slept).toBe(0);
  for (let index = 0; index < 10; index++) await bucket.take();
  expect(clock.slept).toBeCloseTo(2000);
});

test('holds everyone as long as a Retry-After says', async () => {
  const clock = sleepingClock();
  const bucket = new TokenBucket(100, clock);
  bucket.pause(30_000);
  await bucket.take();
  expect(clock.slept).toBe(30_000);
});

test('may be slower than one a second', async () => {
  const clock = sleepingClock();
  const bucket = new TokenBucket(0.5, clock);
  await bucket.take();
  await bucket.take();
  expect(clock.slept).toBeCloseTo(2000);
});
