import { RecognizerError } from '../errors.ts';

/** Ends the work on a document when its time is over or the caller has no more use for it. */
export interface Deadline {
  /** Throws `timeLimit` when the time is over, or the signal's reason when it was aborted. */
  check(): void;
  /** True where {@link check} would throw. */
  isOver(): boolean;
}

export function startDeadline(milliseconds: number, signal?: AbortSignal): Deadline {
  const end = performance.now() + milliseconds;
  const isOver = () => signal?.aborted === true || performance.now() > end;
  return {
    isOver,
    check() {
      if (signal?.aborted) throw new RecognizerError('timeLimit', 'The reading was stopped.', { cause: signal.reason });
      if (isOver()) throw new RecognizerError('timeLimit', `The document took longer than ${milliseconds} ms to read.`);
    },
  };
}
