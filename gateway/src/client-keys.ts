import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Sha256 } from '@formhaven/contract';

// Keys are 128 random bits, which need no slow hash. Every hash is compared, each in constant time.

export function isKnownKey(key: string | undefined, hashes: readonly Sha256[]): boolean {
  if (key === undefined || key === '') return false;
  const hash = createHash('sha256').update(key).digest();
  let isKnown = false;
  for (const known of hashes) {
    if (timingSafeEqual(hash, bytesOf(known))) isKnown = true;
  }
  return isKnown;
}

const bytes = new Map<Sha256, Buffer>();

/** Of the configured hashes, which are few. */
function bytesOf(hash: Sha256): Buffer {
  let known = bytes.get(hash);
  if (known === undefined) {
    known = Buffer.from(hash, 'hex');
    bytes.set(hash, known);
  }
  return known;
}

/** As the clients of the service send it. */
export function clientKeyOf(request: IncomingMessage): string | undefined {
  const header = request.headers['ocp-apim-subscription-key'];
  return Array.isArray(header) ? header[0] : header;
}

/** The same, or as a bearer token, which is what Prometheus can send. */
export function adminKeyOf(request: IncomingMessage): string | undefined {
  return clientKeyOf(request) ?? /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
