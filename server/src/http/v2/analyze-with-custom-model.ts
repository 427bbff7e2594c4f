import { acceptOperation, newOperationId, requireRoom } from '../../operations/accept.ts';
import { resourceOf } from '../parts.ts';
import { type Handler, readyModel, sendLocation, type V2Context } from './context.ts';
import { takeDocument } from './documents.ts';
import { readPages } from './parameters.ts';

/** POST /custom/models/{modelId}/analyze: 202 once the document is stored. */
export function analyzeWithCustomModel(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    const model = await readyModel(request, context);
    const query = request.query as Readonly<Record<string, string | undefined>>;
    const pages = readPages(query, context, 'custom');
    await requireRoom(parts.accept);
    const id = newOperationId();
    const document = await takeDocument(request, reply, context, { id, kind: 'custom' });
    await acceptOperation(
      {
        id,
        resource: resourceOf(request).name,
        modelId: model.id,
        request: {
          kind: 'analyze',
          document,
          modelId: model.id,
          includeTextDetails: query.includeTextDetails?.toLowerCase() === 'true',
          ...(pages === undefined ? {} : { pages }),
        },
      },
      parts.accept,
    );
    const location = { kind: 'analyzeResult', version, modelId: model.id, resultId: id } as const;
    return sendLocation(request, reply, context, { status: 202, location });
  };
}
