import { type ModelId, parseModelId, type Region, ServiceError, v2 } from '@formhaven/contract';
import { type Exchange, unavailable } from '../exchange.ts';
import type { GatewayParts } from '../parts.ts';
import type { RoutedRequest } from '../routed-request.ts';
import { readFirst } from './read.ts';

// The list is ordered by model id, and the ids of another region order differently. So the gateway fetches the whole list, maps it,
// orders it by the clients' ids and gives it out in pages of its own; a page link then names the last id seen, which holds in
// every region. A client that walks the pages costs the region the same calls as without the gateway: the rest of its walk comes
// from what the first page fetched.

const PAGE = v2.V2_LIMITS.listPage;
const WALK_MILLISECONDS = 30_000;
const MOST_PAGES = 5000;

interface Walk {
  readonly at: number;
  readonly models: readonly v2.ModelInfo[];
}

export class ModelLists {
  readonly #walks = new Map<v2.V2Version, Walk>();

  /** GET /custom/models. */
  async list(
    parts: GatewayParts,
    exchange: Exchange,
    request: Extract<RoutedRequest, { kind: 'listModels' }>,
  ): Promise<void> {
    const op = new URLSearchParams(request.query).get('op');
    if (op !== null && op !== 'full') throw new ServiceError('BadArgument', { message: 'op takes full or summary.' });
    const after = request.nextLink === undefined ? undefined : parseModelId(request.nextLink);
    if (request.nextLink !== undefined && after === undefined) {
      throw new ServiceError('BadArgument', { message: 'nextLink is not one this service gave out.' });
    }
    const models = await this.#models(parts, request.version, after);
    const rest = after === undefined ? models : models.filter(({ modelId }) => modelId > after);
    const page = rest.slice(0, PAGE);
    const last = page.at(-1);
    const hasMore = rest.length > page.length && last !== undefined;
    exchange.sendJson(200, {
      modelList: page,
      nextLink: hasMore ? v2.nextLinkUrl(exchange.baseUrl, request.version, last.modelId) : '',
    } satisfies v2.ModelsList);
  }

  async #models(
    parts: GatewayParts,
    version: v2.V2Version,
    after: ModelId | undefined,
  ): Promise<readonly v2.ModelInfo[]> {
    const known = this.#walks.get(version);
    // Only a walk under way is served from memory: a first page shows what is there now.
    if (after !== undefined && known !== undefined && performance.now() - known.at < WALK_MILLISECONDS) {
      return known.models;
    }
    const models = await fetchAllModels(parts, version);
    this.#walks.set(version, { at: performance.now(), models });
    return models;
  }
}

/** Every model of the first region that answers, or of the one that is named, under the clients' ids and ordered by them. */
export async function fetchAllModels(
  parts: GatewayParts,
  version: v2.V2Version,
  only?: Region,
): Promise<readonly v2.ModelInfo[]> {
  const failures: unknown[] = [];
  const candidates = parts.router
    .forReading(undefined, undefined)
    .filter(({ region }) => only === undefined || region.link.name === only);
  for (const candidate of candidates) {
    try {
      const found: v2.ModelInfo[] = [];
      let token: string | undefined;
      let pages = 0;
      do {
        const query = token === undefined ? '?op=full' : `?op=full&nextLink=${encodeURIComponent(token)}`;
        const answer = await readFirst(parts, [candidate], () => `${v2.basePath(version)}/custom/models${query}`);
        const page = pageOf(answer.status, answer.head, answer.rest !== undefined);
        found.push(...page.modelList);
        const link = page.nextLink || undefined;
        token = link === undefined ? undefined : (URL.parse(link)?.searchParams.get('nextLink') ?? undefined);
        pages++;
      } while (token !== undefined && pages < MOST_PAGES);
      return mapped(parts, found);
    } catch (error) {
      if (error instanceof ServiceError && error.status !== 503) throw error;
      failures.push(error);
    }
  }
  const reasons = failures.map((error) => (error instanceof Error ? error.message : 'unknown'));
  throw unavailable(reasons.join(' ') || 'No region is in use.');
}

function pageOf(status: number, head: Buffer, isTooLong: boolean): v2.ModelsList {
  if (status !== 200 || isTooLong) throw unavailable(`A region answered its list of models with ${status}.`);
  const value = JSON.parse(head.toString('utf8')) as v2.ModelsList;
  if (!Array.isArray(value.modelList)) throw unavailable('A region answered something else than a list of models.');
  return value;
}

function mapped(parts: GatewayParts, models: readonly v2.ModelInfo[]): readonly v2.ModelInfo[] {
  const ids = parts.ids.current;
  return models
    .map((model) => {
      const regionId = parseModelId(model.modelId);
      return regionId === undefined ? model : { ...model, modelId: ids.clientIdOf(regionId) };
    })
    .toSorted((a, b) => (a.modelId < b.modelId ? -1 : a.modelId > b.modelId ? 1 : 0));
}
