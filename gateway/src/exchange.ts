import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorBody, errorHeaders, ServiceError, v2 } from '@formhaven/contract';

// One request of a client and the answer to it, in the words of the service.

const GATEWAY_HEADERS = {
  'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
  'x-content-type-options': 'nosniff',
} as const;
const ONE_WRITE_BYTES = 64 * 1024;
const DISCARD_MILLISECONDS = 5000;
const JSON_TYPE = 'application/json; charset=utf-8';

export type AnswerHeaders = Readonly<Record<string, string>>;

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Sent as `apim-request-id` where no region has given one. */
  readonly id: string = randomUUID();
  /** Scheme and host that clients reach the gateway by. */
  readonly baseUrl: string;

  constructor(request: IncomingMessage, response: ServerResponse, publicUrl: string | undefined) {
    this.request = request;
    this.response = response;
    this.baseUrl = publicUrl ?? `http://${request.headers.host ?? 'localhost'}`;
  }

  get isAnswered(): boolean {
    return this.response.headersSent || this.response.destroyed;
  }

  send(status: number, headers: AnswerHeaders, body: Buffer | undefined): void {
    const content = body ?? Buffer.alloc(0);
    this.response.writeHead(status, {
      ...GATEWAY_HEADERS,
      'apim-request-id': this.id,
      ...headers,
      // 204 has no body and says so by having no length.
      ...(status === 204 ? {} : { 'content-length': String(content.byteLength) }),
    });
    if (status === 204 || content.byteLength === 0) this.response.end();
    // A short text goes out in one write with its head; a buffer would be a second piece. Latin-1 leaves every byte what it is.
    else if (content.byteLength <= ONE_WRITE_BYTES) this.response.end(content.toString('latin1'), 'latin1');
    else this.response.end(content);
  }

  /** The head goes out only here: whoever calls has the whole body at hand. */
  async sendStream(status: number, headers: AnswerHeaders, body: Readable): Promise<void> {
    this.response.writeHead(status, { ...GATEWAY_HEADERS, 'apim-request-id': this.id, ...headers });
    await pipeline(body, this.response);
  }

  sendJson(status: number, value: unknown, headers: AnswerHeaders = {}): void {
    this.send(status, { 'content-type': JSON_TYPE, ...headers }, Buffer.from(JSON.stringify(value)));
  }

  sendError(error: ServiceError): void {
    const { request } = this;
    const headers: Record<string, string> = { ...errorHeaders(error, this.baseUrl) };
    // Errors of the service's own gateway are application/json; the others name the charset as well.
    const isGateway = error.code === '401' || error.code === '429' || error.code === '404';
    headers['content-type'] = isGateway ? 'application/json' : JSON_TYPE;
    if (!request.complete) this.#discardRest();
    const text = error.code === '401' ? v2.UNAUTHORIZED_BODY : JSON.stringify(errorBody(error));
    this.send(error.status, headers, Buffer.from(text));
  }

  /** A client that is cut off while it sends may never see why; so it may send on for a while, into nothing. */
  #discardRest(): void {
    const { request } = this;
    const cut = setTimeout(() => request.destroy(), DISCARD_MILLISECONDS).unref();
    request.once('close', () => clearTimeout(cut));
    request.resume();
  }
}

/** Nothing can take this now; clients of the service wait and try again. */
export function unavailable(message: string, retryAfterSeconds = 1): ServiceError {
  return new ServiceError('ServiceUnavailable', { message, retryAfterSeconds });
}
