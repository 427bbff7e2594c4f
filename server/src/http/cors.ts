import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { HttpParts } from './parts.ts';

/** What a page may read of an answer beside its body. */
const EXPOSED = ['Location', 'Operation-Location', 'apim-request-id', 'Retry-After'];
/** The labelling tool asks before every call; browsers remember the answer for two hours at most. */
const PREFLIGHT_SECONDS = 7200;

/**
 * Browser pages of configured origins may call. A preflight carries no key, so it is answered before keys are asked for. Any
 * request header may be sent: the labelling tool sends `access-control-allow-origin` and `withcredentials`, the official
 * clients some of their own, and the only one that opens anything is the key.
 */
export function allowOrigins(app: FastifyInstance, parts: Pick<HttpParts, 'corsOrigins'>): void {
  if (parts.corsOrigins.length === 0) return;
  app.register(cors, {
    origin: parts.corsOrigins.includes('*') ? '*' : [...parts.corsOrigins],
    methods: ['GET', 'POST', 'DELETE'],
    exposedHeaders: EXPOSED,
    maxAge: PREFLIGHT_SECONDS,
    strictPreflight: false,
  });
}
