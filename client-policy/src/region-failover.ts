import {
  errorBody,
  type ModelId,
  type ModelMap,
  type OperationId,
  parseModelId,
  ServiceError,
  v2,
} from '@formhaven/contract';
import {
  type AnalysisTarget,
  analysisPath,
  IdMap,
  type RoutedRequest,
  rewriteIds,
  routeRequest,
} from '@formhaven/gateway/wire';
import { RegionChoice } from './region-choice.ts';

export interface FailoverRegion {
  /** As in the model map. */
  readonly name: string;
  readonly endpoint: string;
  readonly key: string;
}

export interface FailoverOptions {
  /** In order of preference. The first one takes the writes unless `writesTo` names another. */
  readonly regions: readonly FailoverRegion[];
  /** Asked before each request, so that it can be a file that is read anew. Without it ids are the same everywhere. */
  readonly modelMap?: (() => ModelMap | Promise<ModelMap>) | undefined;
  /** Who trains, composes, deletes and authorizes copies. A person changes it; it never moves by itself. */
  readonly writesTo?: string | undefined;
  /** For one region to answer one request. */
  readonly timeoutMilliseconds?: number | undefined;
  /** Documents kept for a rerun, all together. The oldest go first, and are then not run again. */
  readonly keptBytes?: number | undefined;
  readonly fetch?: typeof fetch | undefined;
}

/** A request as the clients make it, whatever library it came from. */
export interface PlainRequest {
  readonly method: string;
  /** Of the URL, with query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PlainAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Partial<Record<string, string>>>;
  readonly body: Buffer;
}

interface Operation {
  readonly target: AnalysisTarget | { readonly kind: 'copy'; readonly modelId: ModelId };
  region: FailoverRegion;
  regionOperationId: OperationId;
  regionModelId: ModelId | undefined;
  readonly createdOn: string;
  /** To run it again. Undefined once the result is there, or where there was no room. */
  request: PlainRequest | undefined;
  silentPolls: number;
}

const TIMEOUT_MILLISECONDS = 10_000;
const KEPT_BYTES = 256 * 1024 * 1024;
const SILENT_POLLS = 3;
const MOST_OPERATIONS = 10_000;

/**
 * The gateway's promises as far as one client process can keep them: reads and analyses go to a region that answers, ids are
 * mapped, a poll goes to the region that has the operation, and an analysis whose region stays silent is run again elsewhere under
 * the id the client has. What it cannot do: outlive its process, and know what other processes have seen.
 */
export class RegionFailover {
  readonly #options: FailoverOptions;
  readonly #choice: RegionChoice<FailoverRegion>;
  readonly #operations = new Map<OperationId, Operation>();
  /** Page links hold in the region that gave them. */
  readonly #links = new Map<string, FailoverRegion>();
  #keptBytes = 0;

  /** @throws TypeError where there is no region, or `writesTo` is none of them */
  constructor(options: FailoverOptions) {
    if (options.regions.length === 0) throw new TypeError('regions must not be empty');
    if (options.writesTo !== undefined && !options.regions.some(({ name }) => name === options.writesTo)) {
      throw new TypeError('writesTo must name one of the regions');
    }
    this.#options = options;
    this.#choice = new RegionChoice(options.regions);
  }

  /** Rejects with the reason of the request's signal, and where no region answers with the last one's error. */
  async send(request: PlainRequest): Promise<PlainAnswer> {
    const routed = routeRequest(request.method, request.path);
    const ids = new IdMap((await this.#options.modelMap?.()) ?? { version: 1, writtenOn: '', models: [] });
    if (routed === undefined) return await this.#ask(this.#writer, request);
    switch (routed.kind) {
      case 'analyze':
        return this.#mapped(ids, await this.#analyze(ids, request, routed));
      case 'poll':
        return this.#mapped(ids, await this.#poll(ids, request, routed));
      case 'listModels':
        return this.#mapped(ids, await this.#list(request, routed));
      case 'getModel':
      case 'summary':
      case 'copy':
        return this.#mapped(ids, await this.#read(ids, request, routed));
      default:
        return this.#mapped(ids, await this.#write(ids, request, routed));
    }
  }

  get #writer(): FailoverRegion {
    const { regions, writesTo } = this.#options;
    const region = regions.find(({ name }) => name === writesTo) ?? regions[0];
    if (region === undefined) throw new TypeError('there are regions');
    return region;
  }

  async #analyze(
    ids: IdMap,
    request: PlainRequest,
    routed: Extract<RoutedRequest, { kind: 'analyze' }>,
  ): Promise<PlainAnswer> {
    const { answer, region } = await this.#submit(ids, request, routed, this.#choice.order());
    const location = v2.parseLocation(answer.headers['operation-location'] ?? '');
    if (answer.status !== 202 || location === undefined || location.kind === 'model') return answer;
    this.#keep(location.resultId, {
      target: routed.target,
      region,
      regionOperationId: location.resultId,
      regionModelId: 'modelId' in location ? location.modelId : undefined,
      createdOn: wholeSeconds(),
      request,
      silentPolls: 0,
    });
    return answer;
  }

  /** The first region that takes it; throttled, failing and silent ones are passed over. */
  async #submit(
    ids: IdMap,
    request: PlainRequest,
    routed: Extract<RoutedRequest, { kind: 'analyze' }>,
    regions: readonly FailoverRegion[],
  ): Promise<{ readonly answer: PlainAnswer; readonly region: FailoverRegion }> {
    let last: { answer: PlainAnswer; region: FailoverRegion } | undefined;
    let failure: unknown;
    for (const region of regions) {
      const target = targetIn(ids, routed.target, region);
      if (target === undefined) continue;
      try {
        const path = analysisPath(routed.version, target) + routed.query;
        const answer = await this.#ask(region, { ...request, path });
        last = { answer, region };
        if (answer.status !== 429 && answer.status < 500) return last;
      } catch (error) {
        request.signal?.throwIfAborted();
        failure = error;
      }
    }
    if (last !== undefined) return last;
    throw failure ?? new Error('no region has this model');
  }

  async #poll(
    ids: IdMap,
    request: PlainRequest,
    routed: Extract<RoutedRequest, { kind: 'poll' }>,
  ): Promise<PlainAnswer> {
    const { location } = routed;
    const operation = location.kind === 'model' ? undefined : this.#operations.get(location.resultId);
    if (operation === undefined || location.kind === 'model') return await this.#read(ids, request, routed);
    const { target, regionModelId, regionOperationId: resultId } = operation;
    const there: v2.V2Location =
      'modelId' in location
        ? { ...location, resultId, modelId: regionModelId ?? location.modelId }
        : { ...location, resultId };
    let answer: PlainAnswer | undefined;
    let failure: unknown;
    try {
      answer = await this.#ask(operation.region, { ...request, path: v2.locationPath(there) + routed.query });
    } catch (error) {
      request.signal?.throwIfAborted();
      failure = error;
    }
    if (answer !== undefined && answer.status < 500 && answer.status !== 404) {
      operation.silentPolls = 0;
      const status = /"status"\s*:\s*"(\w+)"/.exec(answer.body.toString('latin1', 0, 2048))?.[1];
      if (status === 'succeeded' || status === 'failed') this.#release(operation);
      return answer;
    }
    operation.silentPolls++;
    if (operation.request === undefined || target.kind === 'copy') {
      if (answer !== undefined) return answer;
      throw failure;
    }
    if (operation.silentPolls >= SILENT_POLLS || answer?.status === 404)
      await this.#rerun(ids, operation, target, routed);
    return running(operation);
  }

  /** Where it works the operation has moved; where it does not, the next poll tries again. */
  async #rerun(
    ids: IdMap,
    operation: Operation,
    target: AnalysisTarget,
    routed: Extract<RoutedRequest, { kind: 'poll' }>,
  ): Promise<void> {
    const { request } = operation;
    if (request === undefined) return;
    const others = this.#choice.order().filter((region) => region !== operation.region);
    const { signal: _, ...again } = request;
    const query = new URL(request.path, 'http://region.invalid').search;
    try {
      const { answer, region } = await this.#submit(
        ids,
        again,
        { kind: 'analyze', version: routed.version, query, target },
        [...others, operation.region],
      );
      const location = v2.parseLocation(answer.headers['operation-location'] ?? '');
      if (answer.status !== 202 || location === undefined || location.kind === 'model') return;
      operation.region = region;
      operation.regionOperationId = location.resultId;
      operation.regionModelId = 'modelId' in location ? location.modelId : undefined;
      operation.silentPolls = 0;
    } catch {
      // Nobody can run it now. It is still owed.
    }
  }

  /** From the first region that has it and answers. A copy is begun once only: nothing that may have been heard is sent again. */
  async #read(ids: IdMap, request: PlainRequest, routed: RoutedRequest): Promise<PlainAnswer> {
    let last: PlainAnswer | undefined;
    let failure: unknown;
    for (const region of this.#choice.order()) {
      const path = pathIn(ids, request.path, routed, region);
      if (path === undefined) continue;
      try {
        const answer = await this.#ask(region, { ...request, path });
        last = answer;
        if (answer.status >= 500 || answer.status === 429 || (answer.status === 404 && routed.kind !== 'copy'))
          continue;
        if (routed.kind === 'copy') this.#keepCopy(answer, routed, region);
        return answer;
      } catch (error) {
        request.signal?.throwIfAborted();
        if (routed.kind === 'copy') throw error;
        failure = error;
      }
    }
    // "Not found" is the truth only where everybody was asked.
    if (last !== undefined && !(last.status === 404 && failure !== undefined)) return last;
    throw failure ?? new Error('no region has this model');
  }

  #keepCopy(answer: PlainAnswer, routed: Extract<RoutedRequest, { kind: 'copy' }>, region: FailoverRegion): void {
    const location = v2.parseLocation(answer.headers['operation-location'] ?? '');
    const modelId = parseModelId(routed.modelId);
    if (location?.kind !== 'copyResult' || modelId === undefined) return;
    this.#keep(location.resultId, {
      target: { kind: 'copy', modelId },
      region,
      regionOperationId: location.resultId,
      regionModelId: location.modelId,
      createdOn: wholeSeconds(),
      request: undefined,
      silentPolls: 0,
    });
  }

  async #list(request: PlainRequest, routed: Extract<RoutedRequest, { kind: 'listModels' }>): Promise<PlainAnswer> {
    const bound = routed.nextLink === undefined ? undefined : this.#links.get(routed.nextLink);
    for (const region of bound === undefined ? this.#choice.order() : [bound]) {
      try {
        const answer = await this.#ask(region, request);
        if (answer.status >= 500 && bound === undefined) continue;
        const link = /"nextLink"\s*:\s*"([^"]+)"/.exec(answer.body.toString('utf8'))?.[1];
        const token = link === undefined ? undefined : URL.parse(link)?.searchParams.get('nextLink');
        if (token) this.#links.set(token, region);
        return answer;
      } catch (error) {
        request.signal?.throwIfAborted();
        if (bound !== undefined) throw error;
      }
    }
    return refusal('No region answers.');
  }

  async #write(ids: IdMap, request: PlainRequest, routed: RoutedRequest): Promise<PlainAnswer> {
    const region = this.#writer;
    const path = pathIn(ids, request.path, routed, region) ?? request.path;
    if (routed.kind !== 'compose' || request.body === undefined) return await this.#ask(region, { ...request, path });
    return await this.#ask(region, { ...request, path, body: componentsIn(ids, request.body, region) });
  }

  async #ask(region: FailoverRegion, request: PlainRequest): Promise<PlainAnswer> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS);
    const headers = { ...request.headers, 'ocp-apim-subscription-key': region.key };
    try {
      const response = await (this.#options.fetch ?? fetch)(region.endpoint.replace(/\/+$/, '') + request.path, {
        method: request.method,
        headers,
        redirect: 'manual',
        signal: request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]),
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      const body = Buffer.from(await response.arrayBuffer());
      if (response.status >= 500 && response.status !== 501) this.#choice.failed(region);
      else this.#choice.worked(region);
      return { status: response.status, headers: Object.fromEntries(response.headers), body };
    } catch (error) {
      request.signal?.throwIfAborted();
      this.#choice.failed(region);
      throw error;
    }
  }

  #mapped(ids: IdMap, answer: PlainAnswer): PlainAnswer {
    const headers: Partial<Record<string, string>> = { ...answer.headers };
    for (const name of ['location', 'operation-location']) {
      const location = v2.parseLocation(headers[name] ?? '');
      if (location === undefined) continue;
      const mapped = 'modelId' in location ? { ...location, modelId: ids.clientIdOf(location.modelId) } : location;
      headers[name] = v2.locationUrl(this.#options.regions[0]?.endpoint ?? '', mapped);
    }
    return { ...answer, headers, body: rewriteIds(answer.body, (id) => ids.clientIdOf(id)) };
  }

  #keep(id: OperationId, operation: Operation): void {
    this.#operations.set(id, operation);
    this.#keptBytes += operation.request?.body?.byteLength ?? 0;
    // Insertion order is age.
    for (const old of this.#operations.values()) {
      if (this.#keptBytes <= (this.#options.keptBytes ?? KEPT_BYTES)) break;
      this.#release(old);
    }
    for (const oldest of this.#operations.keys()) {
      if (this.#operations.size <= MOST_OPERATIONS) break;
      const forgotten = this.#operations.get(oldest);
      if (forgotten !== undefined) this.#release(forgotten);
      this.#operations.delete(oldest);
    }
  }

  #release(operation: Operation): void {
    this.#keptBytes -= operation.request?.body?.byteLength ?? 0;
    operation.request = undefined;
  }
}

function targetIn(ids: IdMap, target: AnalysisTarget, region: FailoverRegion): AnalysisTarget | undefined {
  if (target.kind !== 'custom') return target;
  const modelId = idIn(ids, target.modelId, region);
  return modelId === undefined ? undefined : { kind: 'custom', modelId };
}

/** Undefined where the map says that the region has no such model. */
function idIn(ids: IdMap, clientId: string, region: FailoverRegion): string | undefined {
  const id = parseModelId(clientId);
  const places = id === undefined ? undefined : ids.placesOf(id);
  if (places === undefined) return clientId;
  return places.find((place) => place.region === region.name)?.modelId;
}

function pathIn(ids: IdMap, path: string, routed: RoutedRequest, region: FailoverRegion): string | undefined {
  const clientId =
    routed.kind === 'poll' && 'modelId' in routed.location
      ? routed.location.modelId
      : 'modelId' in routed
        ? routed.modelId
        : undefined;
  if (clientId === undefined) return path;
  const id = idIn(ids, clientId, region);
  if (id === undefined || id === clientId) return id === undefined ? undefined : path;
  // The first occurrence is the path's: a query comes after it.
  const at = path.toLowerCase().indexOf(clientId.toLowerCase());
  return path.slice(0, at) + id + path.slice(at + clientId.length);
}

function componentsIn(ids: IdMap, body: Uint8Array<ArrayBuffer>, region: FailoverRegion): Uint8Array<ArrayBuffer> {
  const value = JSON.parse(Buffer.from(body).toString('utf8')) as { modelIds?: readonly string[] };
  const modelIds = value.modelIds?.map((id) => idIn(ids, id, region) ?? id);
  return new TextEncoder().encode(JSON.stringify({ ...value, modelIds }));
}

function running(operation: Operation): PlainAnswer {
  const body = { status: 'running', createdDateTime: operation.createdOn, lastUpdatedDateTime: wholeSeconds() };
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) };
}

function refusal(message: string): PlainAnswer {
  const error = new ServiceError('ServiceUnavailable', { message });
  return {
    status: error.status,
    headers: { 'content-type': 'application/json', 'retry-after': '1' },
    body: Buffer.from(JSON.stringify(errorBody(error))),
  };
}

function wholeSeconds(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
