import { SourceError } from '../../ports/sources.ts';

/** All bytes of a stream. `what` names it in the error. @throws SourceError tooLarge as soon as there are more */
export async function readLimited(stream: AsyncIterable<unknown>, maxBytes: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
    size += bytes.byteLength;
    if (size > maxBytes) throw tooLarge(what, maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}

export function tooLarge(what: string, maxBytes: number): SourceError {
  return new SourceError('tooLarge', `${what} has more than ${maxBytes} bytes.`);
}
