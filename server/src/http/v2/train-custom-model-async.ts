import { v2 } from '@formhaven/contract';
import { acceptOperation, newModelId, newOperationId, requireRoom } from '../../operations/accept.ts';
import { readJson } from '../body.ts';
import { resourceOf } from '../parts.ts';
import { type Handler, requireModelRoom, requireParsed, sendLocation, type V2Context } from './context.ts';

/** POST /custom/models: 201, the model trains from now on; problems with the source end it `invalid`. */
export function trainCustomModelAsync(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    const body = await readJson(request, reply, { code: '1002' });
    const train = requireParsed(v2.parseTrainRequest(body, version));
    await requireModelRoom(request, parts);
    await requireRoom(parts.accept);
    const modelId = newModelId();
    await acceptOperation(
      {
        id: newOperationId(),
        resource: resourceOf(request).name,
        modelId,
        model: { id: modelId, name: train.modelName },
        request: {
          kind: 'train',
          sealedSource: parts.seal.seal(train.source),
          prefix: train.sourceFilter.prefix,
          includeSubFolders: train.sourceFilter.includeSubFolders,
          useLabelFile: train.useLabelFile,
          ...(train.modelName === undefined ? {} : { modelName: train.modelName }),
        },
      },
      parts.accept,
    );
    return sendLocation(request, reply, context, { status: 201, location: { kind: 'model', version, modelId } });
  };
}
