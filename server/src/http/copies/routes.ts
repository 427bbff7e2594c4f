import { Readable } from 'node:stream';
import { parseModelId, parseRegion, parseResourceId, parseSha256, type Sha256 } from '@formhaven/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { PIECE_BYTES } from '../../copy/pieces.ts';
import {
  type Arrival,
  MAX_MANIFEST_BYTES,
  proveReceived,
  ReceiveError,
  type ReceiveErrorCode,
  type ReceiveParts,
  receiveOffer,
  receivePiece,
  receivePublication,
} from '../../copy/receive.ts';
import { bodyStream, readJson, refuseAnnounced } from '../body.ts';

// What regions say to each other during a copy, below the public API. The copy token in `formhaven-copy-token` is the only key
// and opens one model. `{model}` is the reserved target model, `{digest}` that of the manifest.
//
//   POST /formhaven/copies/{model}/offer                                   200 {missing: [{sha256, pieces}]}
//   PUT  /formhaven/copies/{model}/{digest}/parts/{sha256}/pieces/{n}      204
//   POST /formhaven/copies/{model}/{digest}/publish                        204, or 409 incomplete: offer again
//   POST /formhaven/copies/{model}/{digest}/proof    {nonce}               200 {proof}

const offerCheck = Compile(
  Type.Object({
    targetResourceId: Type.String(),
    targetRegion: Type.String(),
    manifest: Type.String({ maxLength: MAX_MANIFEST_BYTES }),
  }),
);
const proofCheck = Compile(Type.Object({ nonce: Type.String({ minLength: 16, maxLength: 256 }) }));

const STATUS: Readonly<Record<ReceiveErrorCode, number>> = {
  authorizationNotFound: 404,
  authorizationInvalid: 403,
  malformed: 400,
  incomplete: 409,
};

interface Params {
  readonly model: string;
  readonly digest?: string;
  readonly part?: string;
  readonly piece?: string;
}

export function copiesRoutes(app: FastifyInstance, parts: ReceiveParts): void {
  app.register(
    async (routes) => {
      routes.setErrorHandler((error, request, reply) => {
        if (!(error instanceof ReceiveError)) throw error;
        request.log.info({ event: 'copy-refused', code: error.code, reason: error.message });
        return reply.code(STATUS[error.code]).send({ error: { code: error.code, message: error.message } });
      });

      routes.post('/offer', async (request, reply) => {
        const arrival = arrivalOf(request);
        const body = await readJson(request, reply, { code: 'BadArgument', maxBytes: 2 * MAX_MANIFEST_BYTES });
        if (!offerCheck.Check(body))
          throw new ReceiveError('malformed', 'the offer takes targetResourceId, targetRegion and manifest');
        const targetResourceId = parseResourceId(body.targetResourceId);
        const targetRegion = parseRegion(body.targetRegion);
        if (targetResourceId === undefined || targetRegion === undefined) {
          throw new ReceiveError('malformed', 'targetResourceId or targetRegion is none');
        }
        return await receiveOffer({ ...arrival, targetResourceId, targetRegion, manifest: body.manifest }, parts);
      });

      routes.put('/:digest/parts/:part/pieces/:piece', async (request, reply) => {
        const params = request.params as Params;
        refuseAnnounced(request, reply, PIECE_BYTES);
        await receivePiece(
          {
            ...arrivalOf(request),
            digest: hash(params.digest),
            part: hash(params.part),
            piece: Number(params.piece),
            pieceHash: hash(header(request, 'formhaven-piece-sha256')),
          },
          bodyStream(request) ?? Readable.from([]),
          parts,
        );
        return noContent(reply);
      });

      routes.post('/:digest/publish', async (request, reply) => {
        await receivePublication({ ...arrivalOf(request), digest: hash((request.params as Params).digest) }, parts);
        request.log.info({ event: 'copy-published', model: (request.params as Params).model });
        return noContent(reply);
      });

      routes.post('/:digest/proof', async (request, reply) => {
        const body = await readJson(request, reply, { code: 'BadArgument' });
        if (!proofCheck.Check(body))
          throw new ReceiveError('malformed', 'the proof takes a nonce of 16 to 256 characters');
        const digest = hash((request.params as Params).digest);
        return { proof: await proveReceived({ ...arrivalOf(request), digest, nonce: body.nonce }, parts) };
      });
    },
    { prefix: '/formhaven/copies/:model' },
  );
}

function arrivalOf(request: FastifyRequest): Arrival {
  const modelId = parseModelId((request.params as Params).model);
  const accessToken = header(request, 'formhaven-copy-token');
  const copyId = header(request, 'formhaven-copy-id');
  if (modelId === undefined) throw new ReceiveError('authorizationNotFound', 'the model id is none');
  if (accessToken === undefined) throw new ReceiveError('authorizationInvalid', 'the copy token is missing');
  if (copyId === undefined || copyId.length > 64) throw new ReceiveError('malformed', 'formhaven-copy-id is missing');
  return { modelId, accessToken, copyId };
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function hash(text: string | undefined): Sha256 {
  const parsed = text === undefined ? undefined : parseSha256(text);
  if (parsed === undefined) throw new ReceiveError('malformed', 'a SHA-256 is missing or malformed');
  return parsed;
}

function noContent(reply: FastifyReply): FastifyReply {
  return reply.code(204).send();
}
