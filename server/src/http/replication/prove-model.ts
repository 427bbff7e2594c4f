import { ServiceError } from '@formhaven/contract';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { proveContent } from '../../models/manifest.ts';
import { DamagedPart, readPart } from '../../models/parts.ts';
import { readJson } from '../body.ts';
import { type Handler, sendJson } from '../v2/context.ts';
import { requiredReadyModel } from './model-id.ts';
import type { ReplicationParts } from './routes.ts';

const check = Compile(Type.Object({ nonce: Type.String({ minLength: 16, maxLength: 256 }) }));

/** HMAC under the caller's nonce over the bytes on the disk: only who has them can make it. */
export function proveModel(parts: ReplicationParts): Handler {
  return async (request, reply) => {
    const body = await readJson(request, reply, { code: 'BadArgument' });
    if (!check.Check(body)) throw new ServiceError('BadArgument', { message: 'nonce takes 16 to 256 characters.' });
    const model = await requiredReadyModel(request, parts.store);
    try {
      const proof = await proveContent(model.state.manifest, body.nonce, (hash) => readPart(parts.blobs, hash));
      return sendJson(reply, { digest: model.state.digest, proof });
    } catch (error) {
      if (!(error instanceof DamagedPart)) throw error;
      request.log.error({ event: 'model-damaged', model: model.id, reason: error.message });
      return sendJson(reply, { error: { code: 'damaged', message: error.message } }, 409);
    }
  };
}
