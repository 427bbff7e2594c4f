import { acceptOperation, newOperationId, requireRoom } from '../../operations/accept.ts';
import { resourceOf } from '../parts.ts';
import { type Handler, sendLocation, type V2Context } from './context.ts';
import { takeDocument } from './documents.ts';
import { readLanguage, readPages, readReadingOrder } from './parameters.ts';

/** POST /layout/analyze: 202 once the document is stored. */
export function analyzeLayoutAsync(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    const query = request.query as Readonly<Record<string, string | undefined>>;
    const pages = readPages(query, context, 'layout');
    const language = readLanguage(query, context);
    const readingOrder = readReadingOrder(query, context);
    await requireRoom(parts.accept);
    const id = newOperationId();
    const document = await takeDocument(request, reply, context, { id, kind: 'layout' });
    await acceptOperation(
      {
        id,
        resource: resourceOf(request).name,
        modelId: undefined,
        request: {
          kind: 'layout',
          document,
          readingOrder,
          ...(pages === undefined ? {} : { pages }),
          ...(language === undefined ? {} : { language }),
        },
      },
      parts.accept,
    );
    const location = { kind: 'layoutResult', version, resultId: id } as const;
    return sendLocation(request, reply, context, { status: 202, location });
  };
}
