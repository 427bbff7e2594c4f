import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type OperationId, ServiceError, v2 } from '@formhaven/contract';
import { sniff } from '@formhaven/recognizer/sniff';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { documentKey } from '../../models/parts.ts';
import type { DocumentRef } from '../../requests.ts';
import { bodyStream, contentType, readJson, refuseAnnounced } from '../body.ts';
import { requireParsed, type V2Context } from './context.ts';

/** Bytes that tell a format: those of a BMP or TIFF stand at the front, `%PDF-` within the first KiB. */
const HEAD_BYTES = 1024;

/**
 * Takes the document of an analysis: the body, stored under the operation's id, or the URL it names, sealed.
 * @throws ServiceError
 */
export async function takeDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  context: V2Context,
  options: { readonly id: OperationId; readonly kind: 'custom' | 'layout' },
): Promise<DocumentRef> {
  const type = contentType(request);
  if (type === 'application/json') {
    const body = await readJson(request, reply, { code: 'BadArgument' });
    const { source } = requireParsed(v2.parseSourcePath(body));
    if (!URL.canParse(source) || !/^https?:$/.test(new URL(source).protocol)) {
      throw new ServiceError('InvalidImageURL', { message: 'The source must be an http or https URL.' });
    }
    return { from: 'url', sealedUrl: context.parts.seal.seal(source) };
  }
  const taken: readonly string[] = context.features.documentContentTypes[options.kind];
  if (!taken.includes(type)) {
    throw new ServiceError('UnsupportedMediaType', {
      message: `Send ${taken.join(', ')}, or application/json with a source; not ${JSON.stringify(type.slice(0, 64))}.`,
    });
  }
  await storeBody(request, reply, context, options);
  return { from: 'body' };
}

async function storeBody(
  request: FastifyRequest,
  reply: FastifyReply,
  context: V2Context,
  options: { readonly id: OperationId; readonly kind: 'custom' | 'layout' },
): Promise<void> {
  const { blobs, maxDocumentBytes } = context.parts;
  refuseAnnounced(request, reply, maxDocumentBytes);
  const head: Buffer[] = [];
  let headBytes = 0;
  const watched = new PassThrough();
  watched.on('data', (chunk: Buffer) => {
    if (headBytes >= HEAD_BYTES) return;
    head.push(chunk.subarray(0, HEAD_BYTES - headBytes));
    headBytes += chunk.byteLength;
  });
  watched.pause();
  const key = documentKey(options.id);
  const [, written] = await Promise.all([
    pipeline(bodyStream(request) ?? Readable.from([]), watched),
    blobs.put(key, watched, { maxBytes: maxDocumentBytes }).catch((error: unknown) => {
      // Nobody takes the rest any more; a client still sending must be able to read the answer.
      watched.resume();
      throw error;
    }),
  ]);
  const isKnown = sniff(Buffer.concat(head)) !== undefined;
  if (written.size > 0 && (isKnown || mayFailLater(context, options.kind))) return;
  await blobs.delete(key);
  throw new ServiceError(options.kind === 'layout' ? 'InvalidImage' : '1000');
}

/** v2.0 takes a file it cannot read to a custom model, and says so in the result (2005). */
function mayFailLater(context: Pick<V2Context, 'features'>, kind: 'custom' | 'layout'): boolean {
  return kind === 'custom' && !context.features.refusesUnknownFormats;
}
