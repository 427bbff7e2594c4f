import { Readable } from 'node:stream';
import { type FailoverOptions, RegionFailover } from './region-failover.ts';

// The official clients of v2 (3.x, 1.0.0-preview) are built on @azure/core-http and take an `httpClient`. Only its shape is needed,
// which has not changed between their versions; so this package depends on none of them.

interface HeadersLike {
  headersArray(): { name: string; value: string }[];
  set(name: string, value: string): void;
  remove(name: string): boolean;
  clone(): HeadersLike;
}

interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

interface RequestLike {
  readonly url: string;
  readonly method: string;
  readonly headers: HeadersLike;
  readonly body?: unknown;
  readonly abortSignal?: AbortSignalLike | undefined;
}

interface ResponseOf<Request extends RequestLike> {
  readonly request: Request;
  readonly status: number;
  readonly headers: Request['headers'];
  readonly bodyAsText: string;
}

/** Set by fetch or by the sender, or about a connection of its own. */
const OWN_HEADERS = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'accept-encoding',
  'ocp-apim-subscription-key',
]);

/**
 * For the option `httpClient` of `FormRecognizerClient` and `FormTrainingClient`:
 *
 *     new FormRecognizerClient(regions[0].endpoint, new AzureKeyCredential('any'), {
 *       httpClient: failoverHttpClient({ regions, modelMap }),
 *     });
 *
 * Each region gets its own key; the credential's goes nowhere.
 */
export function failoverHttpClient(options: FailoverOptions): {
  sendRequest<Request extends RequestLike>(request: Request): Promise<ResponseOf<Request>>;
} {
  const failover = new RegionFailover(options);
  return {
    async sendRequest(request) {
      const { pathname, search } = new URL(request.url);
      const answer = await failover.send({
        method: request.method,
        path: belowEndpoints(pathname, options) + search,
        headers: Object.fromEntries(
          request.headers
            .headersArray()
            .map(({ name, value }) => [name.toLowerCase(), value] as const)
            .filter(([name]) => !OWN_HEADERS.has(name)),
        ),
        body: await bytesOf(request.body),
        signal: signalOf(request.abortSignal),
      });
      const headers = request.headers.clone();
      for (const { name } of headers.headersArray()) headers.remove(name);
      for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) headers.set(name, value);
      return { request, status: answer.status, headers, bodyAsText: answer.body.toString('utf8') };
    },
  };
}

/** An endpoint may have a path of its own before /formrecognizer; each region's is put back by the sender. */
function belowEndpoints(pathname: string, options: FailoverOptions): string {
  const own = new URL(options.regions[0]?.endpoint ?? 'http://region.invalid').pathname.replace(/\/+$/, '');
  return own !== '' && pathname.startsWith(own) ? pathname.slice(own.length) : pathname;
}

/** A stream is read to its end: it could not be sent a second time. */
async function bytesOf(body: unknown): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const content: unknown = typeof body === 'function' ? body() : body;
  if (content === undefined || content === null) return undefined;
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  if (ArrayBuffer.isView(content)) {
    return new Uint8Array(new Uint8Array(content.buffer, content.byteOffset, content.byteLength));
  }
  if (content instanceof Blob) return new Uint8Array(await content.arrayBuffer());
  if (content instanceof Readable) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk as Uint8Array);
    return new Uint8Array(Buffer.concat(chunks));
  }
  throw new TypeError('a body of this kind cannot be sent');
}

function signalOf(signal: AbortSignalLike | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const controller = new AbortController();
  if (signal.aborted) controller.abort();
  else signal.addEventListener('abort', () => controller.abort());
  return controller.signal;
}
