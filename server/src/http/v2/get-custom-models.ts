import { parseModelId, ServiceError, v2 } from '@formhaven/contract';
import { baseUrl, resourceOf } from '../parts.ts';
import { type Handler, sendJson, type V2Context } from './context.ts';
import { presentDate } from './dates.ts';
import { presentModelInfo } from './present-model.ts';

/** GET /custom/models, `op=full` or none: models ordered by id, a page at a time; `op=summary`: how many there are. */
export function getCustomModels(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    const query = request.query as Readonly<Record<string, string | undefined>>;
    const resource = resourceOf(request).name;
    if (query.op === 'summary') {
      const { count, lastUpdatedOn } = await parts.store.summarizeModels(resource);
      return sendJson(reply, {
        summary: {
          count,
          limit: parts.maxModels,
          lastUpdatedDateTime: presentDate(lastUpdatedOn ?? parts.clock.now()),
        },
      } satisfies v2.ModelsSummary);
    }
    if (query.op !== undefined && query.op !== 'full') {
      throw new ServiceError('BadArgument', { message: 'op takes full or summary.' });
    }
    const after = query.nextLink === undefined || query.nextLink === '' ? undefined : parseModelId(query.nextLink);
    if (query.nextLink !== undefined && query.nextLink !== '' && after === undefined) {
      throw new ServiceError('BadArgument', { message: 'nextLink is not one this service gave out.' });
    }
    const { models, next } = await parts.store.listModels(resource, { after, limit: parts.listPage });
    return sendJson(reply, {
      modelList: models.map((model) => presentModelInfo(model, context)),
      nextLink: next === undefined ? '' : v2.nextLinkUrl(baseUrl(request, parts), version, next),
    } satisfies v2.ModelsList);
  };
}
