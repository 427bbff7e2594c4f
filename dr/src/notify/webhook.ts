import { setTimeout as delay } from 'node:timers/promises';
import type { ReplicationEvent } from '../replicate/parts.ts';

const TRIES = 4;
const TIMEOUT_MILLISECONDS = 10_000;

/**
 * Tells an objective's miss and its end to a URL, in the order they happened. A receiver that is down costs the message after a few
 * tries, never the replication: the event is in the log and in the audit log too.
 */
export class Webhook {
  readonly #url: string;
  readonly #failed: (reason: string) => void;
  #last: Promise<void> = Promise.resolve();

  constructor(url: string, failed: (reason: string) => void) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
      throw new TypeError('the webhook must be an http or https URL');
    this.#url = url;
    this.#failed = failed;
  }

  tell(event: ReplicationEvent, on: Date): void {
    if (event.event !== 'objective-missed' && event.event !== 'objective-met') return;
    const { lagMilliseconds, ...rest } = event;
    const body = JSON.stringify({ ...rest, lagSeconds: Math.round(lagMilliseconds / 1000), on: on.toISOString() });
    this.#last = this.#last.then(() => this.#send(body));
  }

  /** Resolves when everything told so far is sent or given up. */
  drained(): Promise<void> {
    return this.#last;
  }

  async #send(body: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      const problem = await this.#post(body);
      if (problem === undefined) return;
      if (tries === TRIES) {
        this.#failed(problem);
        return;
      }
      await delay(500 * 2 ** tries);
    }
  }

  /** What went wrong, without the URL: it may hold a secret. */
  async #post(body: string): Promise<string | undefined> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      });
      await response.body?.cancel();
      return response.ok ? undefined : `the webhook answered ${response.status}`;
    } catch {
      return 'the webhook cannot be reached';
    }
  }
}
