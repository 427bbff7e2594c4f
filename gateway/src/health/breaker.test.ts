import { describe, expect, test } from 'vitest';
import {
  type BreakerEvent,
  type BreakerState,
  closedBreaker,
  DEFAULT_BREAKER_LIMITS as LIMITS,
  nextBreakerState,
  takesWork,
} from './breaker.ts';

const refused: BreakerEvent = { kind: 'noAnswer', isTimeout: false };
const silent: BreakerEvent = { kind: 'noAnswer', isTimeout: true };
const alive: BreakerEvent = { kind: 'alive' };
const good: BreakerEvent = { kind: 'worked', isError: false };
const bad: BreakerEvent = { kind: 'worked', isError: true };
const inTime: BreakerEvent = { kind: 'canary', outcome: 'inTime' };
const late: BreakerEvent = { kind: 'canary', outcome: 'late' };
const tick: BreakerEvent = { kind: 'tick' };

/** The state after these events, a second apart unless said otherwise, from closed at 0 or from another state. */
function stateAfter(
  events: readonly BreakerEvent[],
  from: { state?: BreakerState; at?: number; step?: number } = {},
): BreakerState {
  let state = from.state ?? closedBreaker(0);
  let now = from.at ?? 0;
  for (const event of events) {
    now += from.step ?? 1000;
    state = nextBreakerState(state, event, { now, limits: LIMITS, random: () => 0.5 });
  }
  return state;
}

describe('a closed breaker', () => {
  test('opens at the second refused call in a row and at the third silent one', () => {
    expect(stateAfter([refused]).status).toBe('closed');
    expect(stateAfter([refused, refused])).toMatchObject({ status: 'open', reason: 'dead' });
    expect(stateAfter([silent, silent]).status).toBe('closed');
    expect(stateAfter([silent, silent, silent])).toMatchObject({ status: 'open', reason: 'dead' });
  });

  test('forgets silence at any answer, an error included', () => {
    expect(stateAfter([refused, alive, refused, bad, refused, good, silent, silent]).status).toBe('closed');
  });

  test('opens when a fifth of enough answers are errors, and not because of few', () => {
    expect(stateAfter([bad, bad, bad]).status).toBe('closed');
    const mixed = Array.from({ length: 12 }, (_, n) => (n % 4 === 3 ? bad : good));
    expect(stateAfter(mixed)).toMatchObject({ status: 'open', reason: 'erroring' });
    const rare = Array.from({ length: 200 }, (_, n) => (n % 10 === 9 ? bad : good));
    expect(stateAfter(rare, { step: 100 }).status).toBe('closed');
  });

  test('does not count errors that lie back longer than the window', () => {
    const old = stateAfter([bad, bad, bad, bad, bad, bad, bad, bad, bad], { step: 1 });
    const later = stateAfter(
      Array.from({ length: 12 }, () => good),
      { state: old, at: LIMITS.windowMilliseconds + 10, step: 10 },
    );
    expect(stateAfter([bad], { state: later, at: LIMITS.windowMilliseconds + 200 }).status).toBe('closed');
  });

  test('is slow after a late canary and takes work all the same', () => {
    const slow = stateAfter([late, late, late, late, late, late, late, late, late, late, late, late]);
    expect(slow).toMatchObject({ status: 'closed', pace: 'slow' });
    expect(takesWork(slow)).toBe(true);
    expect(stateAfter([inTime], { state: slow, at: 20_000 })).toMatchObject({ pace: 'normal' });
  });

  test('opens when nothing that was accepted finishes', () => {
    expect(stateAfter([{ kind: 'nothingFinishes' }])).toMatchObject({ status: 'open', reason: 'grey' });
  });
});

describe('an open breaker', () => {
  const open = stateAfter([refused, refused]);

  test('lets nothing but time change it, and then a canary only', () => {
    expect(stateAfter([alive, good, inTime], { state: open, at: 2000, step: 1 })).toBe(open);
    const halfOpen = stateAfter([tick], { state: open, at: 2000 + LIMITS.firstWaitMilliseconds });
    expect(halfOpen.status).toBe('halfOpen');
    expect(takesWork(halfOpen)).toBe(false);
    expect(stateAfter([alive, good], { state: halfOpen, at: 9000 })).toBe(halfOpen);
  });

  test('closes after two canaries in time', () => {
    const halfOpen = stateAfter([tick], { state: open, at: 10_000 });
    const once = stateAfter([inTime], { state: halfOpen, at: 11_000 });
    expect(once.status).toBe('halfOpen');
    expect(stateAfter([inTime], { state: once, at: 12_000 }).status).toBe('closed');
    expect(stateAfter([late], { state: once, at: 12_000 })).toMatchObject({ status: 'open', reason: 'dead' });
  });

  test('waits longer each time, also where it was closed for a moment, and begins anew after a long peace', () => {
    const waits: number[] = [];
    let state: BreakerState = closedBreaker(0);
    let now = 0;
    for (let round = 0; round < 8; round++) {
      state = stateAfter([refused, refused], { state, at: now });
      if (state.status !== 'open') throw new Error('it should be open');
      now += 2000;
      waits.push(state.probeAt - now);
      now = state.probeAt;
      state = stateAfter([tick, inTime, inTime], { state, at: now });
      now += 3000;
      expect(state.status).toBe('closed');
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    const calm = stateAfter([refused, refused], { state, at: now + LIMITS.forgiveMilliseconds });
    expect(calm).toMatchObject({ openings: 1 });
  });
});

test('an isolated region stays so until it is released, and then has to show itself well', () => {
  const isolated = stateAfter([{ kind: 'isolate', reason: 'maintenance' }]);
  expect(stateAfter([tick, alive, inTime, refused, refused], { state: isolated })).toEqual({
    status: 'isolated',
    reason: 'maintenance',
  });
  const released = stateAfter([{ kind: 'release' }], { state: isolated, at: 5000 });
  expect(released).toMatchObject({ status: 'halfOpen', reason: 'released' });
  expect(stateAfter([inTime, inTime], { state: released, at: 6000 }).status).toBe('closed');
});
