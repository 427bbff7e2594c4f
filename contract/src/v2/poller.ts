import { orAborted, sleep, timeoutSignal } from '../deadline.ts';

/** The operation was not done in time. `lastValue` is what the last poll saw, undefined where none came back. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  readonly lastValue: unknown;

  constructor(milliseconds: number, lastValue: unknown) {
    super(`not done within ${milliseconds} ms`);
    this.lastValue = lastValue;
  }
}

export interface Polling<Value> {
  /** One look. The signal is aborted at the deadline and when the caller's is. What it throws ends the polling. */
  readonly poll: (signal: AbortSignal) => Promise<Value>;
  readonly isDone: (value: Value) => boolean;
  /** Between the end of a poll and the start of the next. The guide suggests a second. */
  readonly intervalMilliseconds?: number | undefined;
  /** From the start, all polls and waits together. */
  readonly deadlineMilliseconds: number;
  /** 0 to 1: each wait is longer or shorter by up to this share, so that many pollers do not march in step. */
  readonly jitter?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Polls at once and then at intervals until the value is done.
 * @throws DeadlineExceeded after the deadline; the reason of the caller's signal when that is aborted; what `poll` throws
 */
export async function pollUntil<Value>(polling: Polling<Value>): Promise<Value> {
  const { poll, isDone, intervalMilliseconds = 1000, deadlineMilliseconds, jitter = 0, signal: callers } = polling;
  callers?.throwIfAborted();
  const deadline = timeoutSignal(deadlineMilliseconds);
  const signal = callers === undefined ? deadline : AbortSignal.any([callers, deadline]);
  let last: Value | undefined;
  try {
    for (;;) {
      last = await orAborted(poll(signal), signal);
      if (isDone(last)) return last;
      await sleep(intervalMilliseconds * (1 + jitter * (2 * Math.random() - 1)), signal);
    }
  } catch (error) {
    callers?.throwIfAborted();
    if (deadline.aborted) throw new DeadlineExceeded(deadlineMilliseconds, last);
    throw error;
  }
}
