import { describe, expect, it } from 'vitest';
import { DeadlineExceeded, pollUntil } from './poller.ts';

describe('pollUntil', () => {
  it('polls at once and until the value is done', async () => {
    let polls = 0;
    const value = await pollUntil({
      poll: async () => ++polls,
      isDone: (count) => count === 3,
      intervalMilliseconds: 1,
      deadlineMilliseconds: 5000,
      jitter: 0.5,
    });
    expect(value).toBe(3);
    expect(polls).toBe(3);
  });

  it('gives up at the deadline and tells what it saw last', async () => {
    const polling = pollUntil({
      poll: async () => 'running',
      isDone: () => false,
      intervalMilliseconds: 1,
      deadlineMilliseconds: 30,
    });
    await expect(polling).rejects.toBeInstanceOf(DeadlineExceeded);
    await expect(polling).rejects.toMatchObject({ lastValue: 'running' });
  });

  it('gives up at the deadline even where a poll never ends and ignores its signal', async () => {
    const polling = pollUntil({
      poll: () => new Promise<string>(() => undefined),
      isDone: () => true,
      deadlineMilliseconds: 20,
    });
    await expect(polling).rejects.toMatchObject({ name: 'DeadlineExceeded', lastValue: undefined });
  });

  it('stops with the reason of the signal, in a poll and between polls', async () => {
    for (const poll of [async () => 'running', () => new Promise<string>(() => undefined)]) {
      const stop = new AbortController();
      const polling = pollUntil({ poll, isDone: () => false, deadlineMilliseconds: 60_000, signal: stop.signal });
      stop.abort(new Error('enough'));
      await expect(polling).rejects.toThrow('enough');
    }
  });

  it('does not begin when the signal is aborted already', async () => {
    let polls = 0;
    const polling = pollUntil({
      poll: async () => ++polls,
      isDone: () => true,
      deadlineMilliseconds: 1000,
      signal: AbortSignal.abort(new Error('enough')),
    });
    await expect(polling).rejects.toThrow('enough');
    expect(polls).toBe(0);
  });

  it('ends with what a poll throws', async () => {
    const polling = pollUntil({
      poll: () => Promise.reject(new Error('gone')),
      isDone: () => true,
      deadlineMilliseconds: 1000,
    });
    await expect(polling).rejects.toThrow('gone');
  });
});
