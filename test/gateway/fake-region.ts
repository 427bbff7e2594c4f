import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// A region made of one node:http server that speaks as much of v2 as a gateway asks for, and misbehaves on demand. An analysis
// "recognizes" the SHA-256 of its document, so that a test can tell whose result it got.

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
}

export type Behaviour =
  | { readonly kind: 'normal' }
  /** The connection is cut without an answer. */
  | { readonly kind: 'cut' }
  /** Nothing is ever answered. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: 'late'; readonly milliseconds: number }
  /** The head and half of the body, then the connection is cut. */
  | { readonly kind: 'half' };

const NORMAL: Behaviour = { kind: 'normal' };

interface Analysis {
  readonly acceptedAt: number;
  readonly modelId: string | undefined;
  readonly sha256: string;
  readonly bytes: number;
  readonly contentType: string;
}

export interface FakeRegionOptions {
  readonly models?: readonly string[];
  readonly finishMilliseconds?: number;
  /** Adds so many bytes to every result. */
  readonly padding?: number;
}

export class FakeRegion implements AsyncDisposable {
  readonly name: string;
  keys: string[] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
  readonly models: Set<string>;
  readonly analyses = new Map<string, Analysis>();
  readonly requests: FakeRequest[] = [];
  readonly bodies: string[] = [];
  finishMilliseconds: number;
  /** Accepts and never finishes anything. */
  isStuck: boolean = false;
  readonly #padding: number;
  #behave: (request: FakeRequest) => Behaviour = () => NORMAL;
  #server: Server;
  #port = 0;

  private constructor(name: string, options: FakeRegionOptions) {
    this.name = name;
    this.models = new Set(options.models ?? []);
    this.finishMilliseconds = options.finishMilliseconds ?? 20;
    this.#padding = options.padding ?? 0;
    this.#server = this.#newServer();
  }

  static async start(name: string, options: FakeRegionOptions = {}): Promise<FakeRegion> {
    const region = new FakeRegion(name, options);
    await region.#listen();
    return region;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  behave(how: ((request: FakeRequest) => Behaviour) | Behaviour = NORMAL): void {
    this.#behave = typeof how === 'function' ? how : () => how;
  }

  /** As SIGKILL does: the port is closed and every connection reset. `forgets`: its disk is lost as well. */
  async kill(options: { readonly forgets?: boolean } = {}): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    if (options.forgets === true) this.analyses.clear();
  }

  async revive(): Promise<void> {
    this.#server = this.#newServer();
    await this.#listen();
  }

  /** Analyses clients sent; canaries are layouts. */
  get customAnalyses(): number {
    return [...this.analyses.values()].filter(({ modelId }) => modelId !== undefined).length;
  }

  count(method: string, path: RegExp): number {
    return this.requests.filter((request) => request.method === method && path.test(request.path)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await this.kill();
  }

  #newServer(): Server {
    return createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = request.headers['ocp-apim-subscription-key'];
    const seen: FakeRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      key: typeof key === 'string' ? key : undefined,
    };
    this.requests.push(seen);
    const behaviour = this.#behave(seen);
    if (behaviour.kind === 'cut') {
      request.socket.resetAndDestroy();
      return;
    }
    const body = await bytesOf(request);
    switch (behaviour.kind) {
      case 'silent':
        return;
      case 'status':
        response.writeHead(behaviour.status, behaviour.headers);
        response.end('{"error":{"code":"InternalServerError","message":"on demand"}}');
        return;
      case 'late':
        await new Promise((resolve) => setTimeout(resolve, behaviour.milliseconds));
        break;
      default:
    }
    if (seen.key === undefined || !this.keys.includes(seen.key)) {
      json(response, 401, { error: { code: '401', message: 'Access denied' } });
      return;
    }
    const answer = this.#answer(seen, body, request.headers['content-type'] ?? '');
    const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
    if (behaviour.kind === 'half') {
      response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': text.length });
      response.write(text.slice(0, text.length / 2), () => request.socket.resetAndDestroy());
      return;
    }
    response.writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'apim-request-id': randomUUID(),
      ...answer.headers,
    });
    response.end(text);
  }

  #answer(request: FakeRequest, body: Buffer, contentType: string): Answer {
    const url = new URL(request.path, this.endpoint);
    const match = /^\/formrecognizer\/(v2\.[01])(\/.*)$/.exec(url.pathname);
    const base = `${this.endpoint}/formrecognizer/${match?.[1]}`;
    const [, first, second, third, fourth, fifth] = (match?.[2] ?? '').split('/');
    if (first === 'layout' && request.method === 'POST') {
      return this.#accept(body, contentType, undefined, `${base}/layout/analyzeResults/`);
    }
    if (first === 'layout') return this.#result(third ?? '');
    if (first !== 'custom' || second !== 'models') return error(404, '404', 'Resource not found');
    if (third === undefined) return this.#collection(request, url, base, body);
    if (third === 'copyAuthorization') {
      const modelId = randomUUID();
      this.models.add(modelId);
      return {
        status: 201,
        headers: { location: `${base}/custom/models/${modelId}` },
        body: { modelId, accessToken: randomUUID(), expirationDateTimeTicks: Math.round(Date.now() / 1000) + 3600 },
      };
    }
    if (third === 'compose') {
      this.bodies.push(body.toString('utf8'));
      const modelId = randomUUID();
      this.models.add(modelId);
      return { status: 201, headers: { location: `${base}/custom/models/${modelId}` } };
    }
    if (fourth === 'analyzeresults' || fourth === 'analyzeResults') return this.#result(fifth ?? '');
    if (fourth === 'copyresults') {
      return { status: 200, body: { status: 'succeeded', ...DATES, copyResult: { modelId: fifth } } };
    }
    if (!this.models.has(third)) {
      return fourth === 'analyze'
        ? error(400, '1001', `Specified model not found or not ready, Model Id: ${third}`)
        : error(404, '1022', `Model with 'id=${third}' not found.`);
    }
    if (fourth === 'analyze') {
      return this.#accept(body, contentType, third, `${base}/custom/models/${third}/analyzeresults/`);
    }
    if (fourth === 'copy') {
      return {
        status: 202,
        headers: { 'operation-location': `${base}/custom/models/${third}/copyresults/${randomUUID()}` },
      };
    }
    if (request.method === 'DELETE') {
      this.models.delete(third);
      return { status: 204 };
    }
    return {
      status: 200,
      body: { modelInfo: info(third), composedTrainResults: [{ modelId: third, trainingDocuments: [] }] },
    };
  }

  #collection(request: FakeRequest, url: URL, base: string, body: Buffer): Answer {
    if (request.method === 'POST') {
      this.bodies.push(body.toString('utf8'));
      const modelId = randomUUID();
      this.models.add(modelId);
      return { status: 201, headers: { location: `${base}/custom/models/${modelId}` } };
    }
    if (url.searchParams.get('op') === 'summary') {
      return {
        status: 200,
        body: { summary: { count: this.models.size, limit: 5000, lastUpdatedDateTime: '2021-01-01T00:00:00Z' } },
      };
    }
    const after = url.searchParams.get('nextLink') ?? '';
    const rest = [...this.models].sort(byCodeUnit).filter((id) => id > after);
    const page = rest.slice(0, 3);
    const nextLink = rest.length > 3 ? `${base}/custom/models?nextLink=${page.at(-1)}` : '';
    return { status: 200, body: { modelList: page.map(info), nextLink } };
  }

  #accept(body: Buffer, contentType: string, modelId: string | undefined, location: string): Answer {
    const id = randomUUID();
    const sha256 = createHash('sha256').update(body).digest('hex');
    this.analyses.set(id, { acceptedAt: performance.now(), modelId, sha256, bytes: body.byteLength, contentType });
    return { status: 202, headers: { 'operation-location': location + id } };
  }

  #result(id: string): Answer {
    const analysis = this.analyses.get(id);
    if (analysis === undefined) return error(404, '404', 'Resource not found');
    if (this.isStuck || performance.now() - analysis.acceptedAt < this.finishMilliseconds) {
      return { status: 200, body: { status: 'running', ...DATES } };
    }
    const { modelId, sha256 } = analysis;
    return {
      status: 200,
      body: {
        status: 'succeeded',
        ...DATES,
        analyzeResult: {
          version: '2.1.0',
          readResults: [{ page: 1, angle: 0, width: 8.5, height: 11, unit: 'inch', lines: [] }],
          pageResults: [],
          documentResults: [
            {
              docType: `custom:${modelId}`,
              modelId,
              docTypeConfidence: 1,
              pageRange: [1, 1],
              fields: {
                Sha256: { type: 'string', valueString: sha256, text: sha256, page: 1, confidence: 1 },
                Region: { type: 'string', valueString: this.name, text: this.name, page: 1, confidence: 1 },
                Padding: { type: 'string', text: 'é'.repeat(this.#padding / 2), page: 1, confidence: 1 },
              },
            },
          ],
          errors: [],
        },
      },
    };
  }
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

const DATES = { createdDateTime: '2021-01-01T00:00:00Z', lastUpdatedDateTime: '2021-01-01T00:00:01Z' };

function info(modelId: string): unknown {
  return { modelId, status: 'ready', ...DATES };
}

function error(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
