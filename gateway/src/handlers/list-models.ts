import { type ModelId, parseModelId, ServiceError, v2 } from '@formhaven/contract';
import { fetchAllModels } from '../all-models.ts';
import type { Exchange } from '../exchange.ts';
import type { GatewayParts } from '../parts.ts';
import type { RoutedRequest } from '../routed-request.ts';

// The list is ordered by model id, and the ids of another region order differently. So the gateway fetches the whole list, maps it,
// orders it by the clients' ids and gives it out in pages of its own; a page link then names the last id seen, which holds in
// every region. A client that walks the pages costs the region the same calls as without the gateway: the rest of its walk comes
// from what the first page fetched.

const PAGE = v2.V2_LIMITS.listPage;
const WALK_MILLISECONDS = 30_000;

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
