// Time on one's own terms: waits that can be called off, and waits for work that may not care.

/** The longest a timer of Node can take; longer ones would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Like AbortSignal.timeout, which refuses fractions and times beyond what a timer can take. */
export function timeoutSignal(milliseconds: number): AbortSignal {
  return AbortSignal.timeout(Math.max(0, Math.min(LONGEST_TIMER, Math.ceil(milliseconds))));
}

/** Resolves after the time, or rejects with the signal's reason as soon as that is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      },
      Math.min(LONGEST_TIMER, milliseconds),
    );
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** The promise's outcome, or the signal's reason as soon as that is aborted, even where the work itself goes on. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    const detach = () => signal.removeEventListener('abort', abort);
    promise.then(
      (value) => {
        detach();
        resolve(value);
      },
      (error: unknown) => {
        detach();
        reject(error);
      },
    );
  });
}
