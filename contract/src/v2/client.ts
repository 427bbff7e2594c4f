import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { sleep, timeoutSignal } from '../deadline.ts';
import { type ModelId, type OperationId, parseModelId, parseOperationId } from '../ids.ts';
import type { Wire } from '../wire.ts';
import { parseErrorCode, ServiceError } from './errors.ts';
import type { ComposeRequest, CopyRequest, TrainRequest } from './requests.ts';
import {
  type AnalyzeOperationResult,
  AnalyzeOperationResultSchema,
  type CopyAuthorizationResult,
  CopyAuthorizationResultSchema,
  type CopyOperationResult,
  CopyOperationResultSchema,
  type Model,
  type ModelInfo,
  ModelSchema,
  type ModelsList,
  ModelsListSchema,
  type ModelsSummary,
  ModelsSummarySchema,
} from './responses.ts';
import { basePath, type DocumentContentType, type V2Version } from './versions.ts';

// A client for one resource: the calls of disaster recovery, the gateway and the tests, against Formhaven or Azure.

export interface V2ClientOptions {
  /** Scheme and host of the resource, with or without a path before `/formrecognizer`. */
  readonly endpoint: string;
  readonly key: string;
  readonly version: V2Version;
  /** For each request, its answer's body included. */
  readonly timeoutMilliseconds?: number | undefined;
  /** How often a 429 or 503 with `Retry-After` is waited out and tried again. 0: never. */
  readonly retries?: number | undefined;
  /** A longer `Retry-After` than this is not waited for. */
  readonly longestWaitMilliseconds?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMilliseconds?: number | undefined;
}

/** The document itself, or the URL of one the service can reach. */
export type DocumentInput =
  | { readonly contentType: DocumentContentType; readonly body: Uint8Array | Blob }
  | { readonly source: string };

export interface AnalyzeOptions extends CallOptions {
  readonly includeTextDetails?: boolean | undefined;
  /** v2.1: `1`, `3-5`. */
  readonly pages?: readonly string[] | undefined;
}

export interface LayoutOptions extends CallOptions {
  /** v2.1, as all of these. */
  readonly pages?: readonly string[] | undefined;
  readonly language?: string | undefined;
  readonly readingOrder?: 'basic' | 'natural' | undefined;
}

/** A request that got no answer, or none that this client understands. Nothing is known of what the other side did. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure';
  readonly reason: 'timeout' | 'unreachable' | 'invalidAnswer';

  constructor(reason: RequestFailure['reason'], message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

export interface AcceptedModel {
  readonly modelId: ModelId;
  readonly location: string;
}

export interface AcceptedOperation {
  readonly resultId: OperationId;
  readonly location: string;
}

export interface GrantedCopy {
  readonly authorization: CopyAuthorizationResult;
  /** Of the model to be, on the target. */
  readonly location: string;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base path of the version. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: { readonly contentType: string; readonly content: string | Uint8Array | Blob };
  readonly options: CallOptions;
}

const checkModel = Compile(ModelSchema);
const checkModelsList = Compile(ModelsListSchema);
const checkModelsSummary = Compile(ModelsSummarySchema);
const checkCopyAuthorization = Compile(CopyAuthorizationResultSchema);
const checkCopyOperation = Compile(CopyOperationResultSchema);
const checkAnalyzeOperation = Compile(AnalyzeOperationResultSchema);

/**
 * Every method throws {@link ServiceError} where the answer is not 2xx, {@link RequestFailure} where there is none or it is
 * not understood, and the reason of the caller's signal when that is aborted. No error shows the key.
 */
export class V2Client {
  readonly endpoint: string;
  readonly version: V2Version;
  readonly #key: string;
  readonly #timeoutMilliseconds: number;
  readonly #retries: number;
  readonly #longestWaitMilliseconds: number;
  readonly #fetch: typeof fetch;

  /** @throws TypeError where the endpoint is no http or https URL or the key cannot stand in a header */
  constructor(options: V2ClientOptions) {
    if (!/^https?:$/.test(URL.parse(options.endpoint)?.protocol ?? '')) {
      throw new TypeError('endpoint must be an http or https URL');
    }
    // Checked here, since fetch would repeat the key in its own error.
    if (!/^[\x21-\x7e]+$/.test(options.key)) throw new TypeError('key must be printable ASCII without spaces');
    this.endpoint = options.endpoint.replace(/\/+$/, '');
    this.version = options.version;
    this.#key = options.key;
    this.#timeoutMilliseconds = options.timeoutMilliseconds ?? 60_000;
    this.#retries = options.retries ?? 3;
    this.#longestWaitMilliseconds = options.longestWaitMilliseconds ?? 60_000;
    this.#fetch = options.fetch ?? fetch;
  }

  async train(request: TrainRequest, options: CallOptions = {}): Promise<AcceptedModel> {
    const { response } = await this.#call({ method: 'POST', path: '/custom/models', body: json(request), options });
    return acceptedModel(response);
  }

  async compose(request: ComposeRequest, options: CallOptions = {}): Promise<AcceptedModel> {
    const path = '/custom/models/compose';
    const { response } = await this.#call({ method: 'POST', path, body: json(request), options });
    return acceptedModel(response);
  }

  async getModel(
    modelId: string,
    options: CallOptions & { readonly includeKeys?: boolean | undefined } = {},
  ): Promise<Model> {
    const query = { includeKeys: options.includeKeys === undefined ? undefined : String(options.includeKeys) };
    const { text } = await this.#call({ method: 'GET', path: modelPath(modelId), query, options });
    return answer(text, checkModel);
  }

  /** One page. `nextLink` of the page before leads to the next; the page without one, or with `""`, is the last. */
  async listModelsPage(nextLink?: string, options: CallOptions = {}): Promise<ModelsList> {
    // Of the link only the token is used: the key goes to the endpoint that was configured and nowhere else.
    const token = nextLink ? URL.parse(nextLink, this.endpoint)?.searchParams.get('nextLink') : undefined;
    if (nextLink && !token) throw new RequestFailure('invalidAnswer', 'the nextLink holds no token');
    const query = { op: 'full', nextLink: token ?? undefined };
    const { text } = await this.#call({ method: 'GET', path: '/custom/models', query, options });
    return answer(text, checkModelsList);
  }

  /** All models, page after page. */
  async *listModels(options: CallOptions = {}): AsyncGenerator<ModelInfo, void, undefined> {
    const seen = new Set<string>();
    let nextLink: string | undefined;
    do {
      const page = await this.listModelsPage(nextLink, options);
      yield* page.modelList;
      nextLink = page.nextLink || undefined;
      if (nextLink !== undefined && seen.has(nextLink)) {
        throw new RequestFailure('invalidAnswer', 'the list of models leads back to a page it has shown');
      }
      if (nextLink !== undefined) seen.add(nextLink);
    } while (nextLink !== undefined);
  }

  async summary(options: CallOptions = {}): Promise<ModelsSummary['summary']> {
    const query = { op: 'summary' };
    const { text } = await this.#call({ method: 'GET', path: '/custom/models', query, options });
    return answer(text, checkModelsSummary).summary;
  }

  async deleteModel(modelId: string, options: CallOptions = {}): Promise<void> {
    await this.#call({ method: 'DELETE', path: modelPath(modelId), options });
  }

  async analyze(modelId: string, document: DocumentInput, options: AnalyzeOptions = {}): Promise<AcceptedOperation> {
    const { includeTextDetails, pages } = options;
    const query = {
      includeTextDetails: includeTextDetails === undefined ? undefined : String(includeTextDetails),
      pages: pages?.join(','),
    };
    const path = `${modelPath(modelId)}/analyze`;
    const { response } = await this.#call({ method: 'POST', path, query, body: documentBody(document), options });
    return acceptedOperation(response);
  }

  async getAnalyzeResult(
    modelId: string,
    resultId: string,
    options: CallOptions = {},
  ): Promise<AnalyzeOperationResult> {
    const path = `${modelPath(modelId)}/analyzeResults/${encodeURIComponent(resultId)}`;
    const { text } = await this.#call({ method: 'GET', path, options });
    return answer(text, checkAnalyzeOperation);
  }

  async analyzeLayout(document: DocumentInput, options: LayoutOptions = {}): Promise<AcceptedOperation> {
    const { pages, language, readingOrder } = options;
    const query = { pages: pages?.join(','), language, readingOrder };
    const path = '/layout/analyze';
    const { response } = await this.#call({ method: 'POST', path, query, body: documentBody(document), options });
    return acceptedOperation(response);
  }

  async getLayoutResult(resultId: string, options: CallOptions = {}): Promise<AnalyzeOperationResult> {
    const path = `/layout/analyzeResults/${encodeURIComponent(resultId)}`;
    const { text } = await this.#call({ method: 'GET', path, options });
    return answer(text, checkAnalyzeOperation);
  }

  /** Called on the target. */
  async authorizeCopy(options: CallOptions = {}): Promise<GrantedCopy> {
    const { response, text } = await this.#call({
      method: 'POST',
      path: '/custom/models/copyAuthorization',
      options,
    });
    return { authorization: answer(text, checkCopyAuthorization), location: location(response, 'Location') };
  }

  /** Called on the source. */
  async copy(modelId: string, request: CopyRequest, options: CallOptions = {}): Promise<AcceptedOperation> {
    const path = `${modelPath(modelId)}/copy`;
    const { response } = await this.#call({ method: 'POST', path, body: json(request), options });
    return acceptedOperation(response);
  }

  /** Called on the source, with the source's model id. */
  async getCopyResult(modelId: string, resultId: string, options: CallOptions = {}): Promise<CopyOperationResult> {
    const path = `${modelPath(modelId)}/copyResults/${encodeURIComponent(resultId)}`;
    const { text } = await this.#call({ method: 'GET', path, options });
    return answer(text, checkCopyOperation);
  }

  /** Sends, waits out 429 and 503 that say for how long, and gives the answer that is 2xx. */
  async #call(call: Call): Promise<{ response: Response; text: string }> {
    for (let retriesLeft = this.#retries; ; retriesLeft--) {
      const { response, text } = await this.#send(call);
      if (response.ok) return { response, text };
      const error = this.#errorOf(response, text);
      const wait = (error.retryAfterSeconds ?? Number.POSITIVE_INFINITY) * 1000;
      if (retriesLeft <= 0 || !isWorthWaiting(error) || wait > this.#longestWaitMilliseconds) throw error;
      await sleep(wait, call.options.signal);
    }
  }

  async #send({ method, path, query, body, options }: Call): Promise<{ response: Response; text: string }> {
    options.signal?.throwIfAborted();
    const url = new URL(this.endpoint + basePath(this.version) + path);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const milliseconds = options.timeoutMilliseconds ?? this.#timeoutMilliseconds;
    const timeout = timeoutSignal(milliseconds);
    const request: RequestInit = {
      method,
      headers: {
        'Ocp-Apim-Subscription-Key': this.#key,
        ...(body === undefined ? {} : { 'Content-Type': body.contentType }),
      },
      // fetch would carry the key header along to another host.
      redirect: 'manual',
      signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    };
    if (body !== undefined) request.body = body.content;
    const what = `${method} ${url.origin}${url.pathname}`;
    try {
      const response = await this.#fetch(url, request);
      return { response, text: await response.text() };
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (timeout.aborted) {
        throw new RequestFailure('timeout', `${what} had no answer within ${milliseconds} ms`, { cause });
      }
      throw new RequestFailure('unreachable', `${what} could not be sent: ${reasonOf(cause)}`, { cause });
    }
  }

  #errorOf(response: Response, text: string): ServiceError {
    const { status, headers } = response;
    const known = parseErrorAnswer(text);
    return new ServiceError(parseErrorCode(known?.code ?? String(status)), {
      message: (known?.message ?? `HTTP ${status}`).replaceAll(this.#key, '***'),
      status,
      retryAfterSeconds: parseRetryAfter(headers.get('Retry-After')),
      requestId: headers.get('apim-request-id') ?? undefined,
    });
  }
}

/** Seconds from a `Retry-After` header in either of its two forms. Undefined where there is none or it cannot be read. */
export function parseRetryAfter(header: string | null, now: Date = new Date()): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds : undefined;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now.getTime()) / 1000));
}

function isWorthWaiting(error: ServiceError): boolean {
  // 1014 is a 429 that time does not heal: the resource is full of models.
  return (error.status === 429 && error.code !== '1014') || error.status === 503;
}

function json(value: unknown): { contentType: string; content: string } {
  return { contentType: 'application/json', content: JSON.stringify(value) };
}

function documentBody(document: DocumentInput): NonNullable<Call['body']> {
  if ('source' in document) return json({ source: document.source });
  return { contentType: document.contentType, content: document.body };
}

function modelPath(modelId: string): string {
  return `/custom/models/${encodeURIComponent(modelId)}`;
}

function location(response: Response, header: 'Location' | 'Operation-Location'): string {
  const value = response.headers.get(header);
  if (value === null) throw new RequestFailure('invalidAnswer', `the answer has no ${header} header`);
  return value;
}

/** As the official clients do: what follows the last slash. */
function lastSegment(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

function acceptedModel(response: Response): AcceptedModel {
  const url = location(response, 'Location');
  const modelId = parseModelId(lastSegment(url));
  if (modelId === undefined)
    throw new RequestFailure('invalidAnswer', 'the Location header does not end in a model id');
  return { modelId, location: url };
}

function acceptedOperation(response: Response): AcceptedOperation {
  const url = location(response, 'Operation-Location');
  const resultId = parseOperationId(lastSegment(url));
  if (resultId === undefined) {
    throw new RequestFailure('invalidAnswer', 'the Operation-Location header does not end in a result id');
  }
  return { resultId, location: url };
}

function answer<Schema extends TSchema>(text: string, check: Validator<Record<never, never>, Schema>): Wire<Schema> {
  const value = parseJson(text);
  if (check.Check(value)) return value as Wire<Schema>;
  const error = check.Errors(value)[0];
  throw new RequestFailure('invalidAnswer', `the answer is not as described: ${error?.instancePath} ${error?.message}`);
}

function parseErrorAnswer(text: string): { code: string; message: string } | undefined {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('error' in value)) return undefined;
  const { error } = value;
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string')
    return undefined;
  return {
    code: error.code,
    message: 'message' in error && typeof error.message === 'string' ? error.message : error.code,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch failed` says nothing; the code of its cause does, such as ECONNREFUSED. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error instanceof Error ? error.message : 'unknown reason';
}
