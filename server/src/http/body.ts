import type { Readable } from 'node:stream';
import { ServiceError } from '@formhaven/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';

// Bodies arrive as streams: the server's parser hands the payload through, and whoever takes it counts the bytes.

/** No JSON request of the v2 generation comes near. */
const MAX_JSON_BYTES = 1024 * 1024;

/** Empty where the request has none. */
export function bodyStream(request: FastifyRequest): Readable | undefined {
  return request.body === undefined || request.body === null ? undefined : (request.body as Readable);
}

/**
 * The body as JSON. A request that does not name its type is taken at its word: the published disaster recovery guide prints
 * its copy request so.
 * @throws ServiceError with this code (the operation's own for a body it cannot read), 413 or 415
 */
export async function readJson(
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly code: '1002' | 'BadArgument'; readonly maxBytes?: number },
): Promise<unknown> {
  const type = contentType(request);
  if (type !== 'application/json' && type !== '') {
    throw new ServiceError('UnsupportedMediaType', { message: 'Send the body as application/json.' });
  }
  const text = (await readBytes(request, reply, options.maxBytes ?? MAX_JSON_BYTES)).toString('utf8');
  if (text.trim() === '')
    throw new ServiceError(options.code, { message: 'The request body is empty; it takes JSON.' });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ServiceError(options.code, { message: 'The request body is not valid JSON.', cause });
  }
}

/** @throws ServiceError 413 as soon as there is more */
export async function readBytes(request: FastifyRequest, reply: FastifyReply, maxBytes: number): Promise<Buffer> {
  const stream = bodyStream(request);
  if (stream === undefined) return Buffer.alloc(0);
  refuseAnnounced(request, reply, maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early must not destroy the request, which would take the answer with it.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    size += bytes.byteLength;
    if (size > maxBytes) throw tooLarge(reply, maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** A length that is over the limit is refused before a byte is read. */
export function refuseAnnounced(request: FastifyRequest, reply: FastifyReply, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(reply, maxBytes);
}

/**
 * A client that is still sending loses the answer when we close at once (RFC 9112, 9.6), so the rest of the body is taken and
 * thrown away, but not for ever.
 */
const HEAR_OUT_MILLISECONDS = 10_000;

export function tooLarge(reply: FastifyReply, maxBytes: number): ServiceError {
  const { raw } = reply.request;
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), HEAR_OUT_MILLISECONDS).unref();
  raw.once('close', () => clearTimeout(timer));
  return new ServiceError('RequestBodyTooLarge', { values: { bytes: maxBytes } });
}

/** Lower case, without parameters; empty where there is none. */
export function contentType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}
