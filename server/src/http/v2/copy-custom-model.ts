import { ServiceError, v2 } from '@formhaven/contract';
import { acceptOperation, newOperationId, requireRoom } from '../../operations/accept.ts';
import { readJson } from '../body.ts';
import { resourceOf } from '../parts.ts';
import { existingModel, type Handler, isReady, requireParsed, sendLocation, type V2Context } from './context.ts';

/**
 * The number is the client's echo of what the target gave out, rounded on the way; the target decides by the token. Only what
 * has plainly run out is refused here.
 */
const EXPIRY_TOLERANCE_MILLISECONDS = 5 * 60_000;

/** POST /custom/models/{modelId}/copy: 202; everything about the target is found out later. */
export function copyCustomModel(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    const model = await existingModel(request, context);
    const body = await readJson(request, reply, { code: '1002' });
    const copy = requireParsed(v2.parseCopyRequest(body));
    const expiresOn = v2.readExpirationTicks(copy.copyAuthorization.expirationDateTimeTicks);
    if (expiresOn === undefined) {
      throw new ServiceError('1002', { message: 'copyAuthorization.expirationDateTimeTicks is no date.' });
    }
    if (expiresOn.getTime() + EXPIRY_TOLERANCE_MILLISECONDS < parts.clock.now().getTime()) {
      throw new ServiceError('1002', { message: 'The copy authorization has expired. Ask the target for a new one.' });
    }
    if (!isReady(model)) throw new ServiceError('1001', { values: { modelId: model.id } });
    await requireRoom(parts.accept);
    const id = newOperationId();
    await acceptOperation(
      {
        id,
        resource: resourceOf(request).name,
        modelId: model.id,
        request: {
          kind: 'copy',
          targetResourceId: copy.targetResourceId,
          targetRegion: copy.targetResourceRegion,
          targetModelId: copy.copyAuthorization.modelId,
          sealedAccessToken: parts.seal.seal(copy.copyAuthorization.accessToken),
        },
      },
      parts.accept,
    );
    const location = { kind: 'copyResult', version, modelId: model.id, resultId: id } as const;
    return sendLocation(request, reply, context, { status: 202, location });
  };
}
