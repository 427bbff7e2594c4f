import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ReceiveParts } from '../copy/receive.ts';
import type { AcceptParts } from '../operations/accept.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Canaries } from '../ports/canaries.ts';
import type { Clock } from '../ports/clock.ts';
import type { Resource, Store } from '../ports/store.ts';
import type { Tokens } from '../ports/tokens.ts';
import type { Seal } from '../seal.ts';
import type { Rates } from './rates.ts';

/** What the handlers work with. */
export interface HttpParts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly seal: Seal;
  readonly accept: AcceptParts;
  readonly receive: ReceiveParts;
  readonly canaries: Canaries;
  readonly log: Logger;
  readonly publicUrl: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly requestMilliseconds: number;
  readonly maxDocumentBytes: number;
  readonly maxModels: number;
  readonly listPage: number;
  readonly rates: Rates;
  /** The resource that tokens open. */
  readonly resource: Resource;
  readonly tokens: Tokens | undefined;
  /** PEM; undefined: plain http. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Whether the worker process is up; part of readiness. */
  isWorkerUp(): boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key came with the request; set for everything below /formrecognizer. */
    resource: Resource | undefined;
  }
}

/** The resource whose key was checked before the handler ran. */
export function resourceOf(request: FastifyRequest): Resource {
  if (request.resource === undefined) throw new TypeError('the key is checked before every handler');
  return request.resource;
}

/** What the URLs of an answer start with: configured, or as the client called us. */
export function baseUrl(request: FastifyRequest, parts: Pick<HttpParts, 'publicUrl'>): string {
  return parts.publicUrl ?? `${request.protocol}://${request.host}`;
}
