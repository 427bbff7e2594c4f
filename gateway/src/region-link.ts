import type { Readable } from 'node:stream';
import { v2 } from '@formhaven/contract';
import { type Dispatcher, errors, Pool } from 'undici';
import type { RegionConfig } from './config.ts';
import { DamagedDocument } from './spool/frames.ts';

// The gateway's line to one region: connections, the region's keys, and what became of a call in the terms that health and routing
// decide by.

export interface RegionCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt: a call is repeated with the other key. */
  readonly body?: { readonly bytes: number; open(): Readable | Buffer };
  /** From the sending of the request to the head of the answer, and between two pieces of its body. */
  readonly timeoutMilliseconds: number;
  readonly signal?: AbortSignal | undefined;
}

export type CallOutcome =
  /** 1xx to 4xx but the ones below. The body must be read or dumped. */
  | { readonly kind: 'answered'; readonly answer: RegionAnswer }
  | { readonly kind: 'throttled'; readonly answer: RegionAnswer; readonly retryAfterSeconds: number }
  /** 5xx but 501, which says what the server does not offer. */
  | { readonly kind: 'serverError'; readonly status: number; readonly retryAfterSeconds: number | undefined }
  /** None of the region's keys is accepted. */
  | { readonly kind: 'unauthorized' }
  /** Nothing was sent: nobody listens, or no connection came about in time. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Sent, but no answer: what the region did is not known. */
  | { readonly kind: 'noAnswer'; readonly reason: string; readonly isTimeout: boolean };

export interface RegionAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
}

export interface RegionLinkOptions {
  readonly connectMilliseconds: number;
  /** Reads the configuration anew; {@link RegionLink.update} has been called when it resolves, where there is anything new. */
  refreshKeys(): Promise<void>;
}

const DEFAULT_RETRY_AFTER_SECONDS = 1;

export class RegionLink implements AsyncDisposable {
  readonly name: RegionConfig['name'];
  readonly #options: RegionLinkOptions;
  #config: RegionConfig;
  #pool: Pool;
  #basePath: string;
  #keyIndex = 0;

  constructor(config: RegionConfig, options: RegionLinkOptions) {
    this.name = config.name;
    this.#config = config;
    this.#options = options;
    [this.#pool, this.#basePath] = this.#connect(config.endpoint);
  }

  get config(): RegionConfig {
    return this.#config;
  }

  /** Takes new keys at once. A new endpoint gets new connections; calls under way end on the old ones. */
  update(config: RegionConfig): void {
    const before = this.#config;
    this.#config = config;
    this.#keyIndex = 0;
    if (config.endpoint === before.endpoint) return;
    const old = this.#pool;
    [this.#pool, this.#basePath] = this.#connect(config.endpoint);
    void old.close().catch(() => undefined);
  }

  /** Never rejects but with the reason of the caller's signal, or what the caller's own body fails with. */
  async call(call: RegionCall): Promise<CallOutcome> {
    const { keys } = this.#config;
    const outcome = await this.#callWith(keys, call);
    if (outcome.kind !== 'unauthorized') return outcome;
    // They may have been changed a moment ago.
    await this.#options.refreshKeys();
    return this.#config.keys === keys ? outcome : await this.#callWith(this.#config.keys, call);
  }

  async #callWith(keys: readonly string[], call: RegionCall): Promise<CallOutcome> {
    for (let attempt = 0; attempt < keys.length; attempt++) {
      const index = (this.#keyIndex + attempt) % keys.length;
      const outcome = await this.#send(call, keys[index] ?? '');
      const isRefused = outcome.kind === 'answered' && outcome.answer.status === 401;
      if (!isRefused) {
        if (outcome.kind !== 'unreachable' && this.#config.keys === keys) this.#keyIndex = index;
        return outcome;
      }
      await outcome.answer.body.dump();
    }
    return { kind: 'unauthorized' };
  }

  async #send(call: RegionCall, key: string): Promise<CallOutcome> {
    const { method, body, timeoutMilliseconds } = call;
    const content = body?.open();
    let bodyError: unknown;
    if (content !== undefined && !Buffer.isBuffer(content)) content.once('error', (error) => (bodyError = error));
    const isEmptyPost = method === 'POST' && body === undefined;
    try {
      const response = await this.#pool.request({
        method,
        path: this.#basePath + call.path,
        headers: {
          ...call.headers,
          'ocp-apim-subscription-key': key,
          ...(body === undefined
            ? isEmptyPost
              ? { 'content-length': '0' }
              : {}
            : { 'content-length': String(body.bytes) }),
        },
        body: content ?? null,
        headersTimeout: timeoutMilliseconds,
        bodyTimeout: timeoutMilliseconds,
        signal: call.signal ?? null,
      });
      return await outcomeOf({ status: response.statusCode, headers: response.headers, body: response.body });
    } catch (error) {
      call.signal?.throwIfAborted();
      // Of a connection that breaks, undici destroys the body as well; only this error is the body's own.
      if (bodyError instanceof DamagedDocument) throw bodyError;
      return failureOf(error);
    } finally {
      // A region that answers before it has read everything leaves the rest unread.
      if (content !== undefined && !Buffer.isBuffer(content) && !content.readableEnded) {
        content.on('error', () => undefined);
      }
    }
  }

  #connect(endpoint: string): [Pool, string] {
    const { origin, pathname } = new URL(endpoint);
    const pool = new Pool(origin, {
      connections: 256,
      pipelining: 1,
      connect: { timeout: this.#options.connectMilliseconds },
      keepAliveTimeout: 4000,
    });
    return [pool, pathname === '/' ? '' : pathname.replace(/\/+$/, '')];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }
}

async function outcomeOf(answer: RegionAnswer): Promise<CallOutcome> {
  const retryAfterSeconds = v2.parseRetryAfter(headerOf(answer, 'retry-after') ?? null);
  if (answer.status >= 500 && answer.status !== 501) {
    await answer.body.dump().catch(() => undefined);
    return { kind: 'serverError', status: answer.status, retryAfterSeconds };
  }
  if (answer.status === 429) {
    return { kind: 'throttled', answer, retryAfterSeconds: retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS };
  }
  return { kind: 'answered', answer };
}

/** Connection errors before anything was sent; what breaks later has another code or none. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function failureOf(error: unknown): CallOutcome {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (NOT_SENT.has(code)) return { kind: 'unreachable', reason: code };
  const isTimeout = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return { kind: 'noAnswer', reason: code, isTimeout };
}

export function headerOf(answer: Pick<RegionAnswer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** A short reason for logs and errors; holds nothing of the request. */
export function describeOutcome(outcome: CallOutcome): string {
  switch (outcome.kind) {
    case 'answered':
    case 'throttled':
      return `answered ${outcome.answer.status}`;
    case 'serverError':
      return `answered ${outcome.status}`;
    case 'unauthorized':
      return "refuses the gateway's keys";
    case 'unreachable':
      return `cannot be reached (${outcome.reason})`;
    case 'noAnswer':
      return outcome.isTimeout ? 'did not answer in time' : `broke off (${outcome.reason})`;
    default:
      throw new TypeError(`no such outcome: ${JSON.stringify(outcome satisfies never)}`);
  }
}
