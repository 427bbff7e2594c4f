import { v2 } from '@formhaven/contract';
import { authorizeCopy } from '../../copy/authorize.ts';
import { baseUrl, resourceOf } from '../parts.ts';
import { type Handler, requireModelRoom, sendJson, setLocation, type V2Context } from './context.ts';

/** POST /custom/models/copyAuthorization: 201, the reserved model in Location, the permission in the body. */
export function generateModelCopyAuthorization(context: V2Context): Handler {
  const { parts, version } = context;
  return async (request, reply) => {
    await requireModelRoom(request, parts);
    const { modelId, accessToken, expiresOn } = await authorizeCopy(resourceOf(request), parts.store, parts.clock);
    setLocation(reply, 'Location', v2.locationUrl(baseUrl(request, parts), { kind: 'model', version, modelId }));
    const body: v2.CopyAuthorizationResult = {
      modelId,
      accessToken,
      expirationDateTimeTicks: v2.writeExpirationTicks(expiresOn),
    };
    return sendJson(reply, body, 201);
  };
}
