import { parseModelId, type Region, ServiceError, v2 } from '@formhaven/contract';
import { unavailable } from './exchange.ts';
import type { GatewayParts } from './parts.ts';
import { readFirst } from './read-first.ts';

const MOST_PAGES = 5000;

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
