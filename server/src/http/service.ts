import { randomUUID } from 'node:crypto';
import http, { type RequestListener, type Server, type ServerOptions } from 'node:http';
import https from 'node:https';
import { errorBody, errorHeaders, ServiceError, v2 } from '@formhaven/contract';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { QueueFull } from '../operations/accept.ts';
import { BlobTooLarge } from '../ports/blobs.ts';
import type { Resource } from '../ports/store.ts';
import { tooLarge } from './body.ts';
import { copiesRoutes } from './copies/routes.ts';
import { allowOrigins } from './cors.ts';
import { healthRoutes } from './health.ts';
import { KeyRing } from './keys.ts';
import { baseUrl, type HttpParts } from './parts.ts';
import { RateLimits } from './rates.ts';
import { referenceRoutes } from './reference.ts';
import { replicationRoutes } from './replication/routes.ts';
import { refuseUnreadable } from './unreadable.ts';
import { v2Routes } from './v2/routes.ts';

/** How often Node looks for requests whose time is up. */
const TIMEOUT_CHECK_MILLISECONDS = 1000;
const HEADERS_MILLISECONDS = 60_000;
const CONNECTION_IDLE_MILLISECONDS = 65_000;
/** Of the request line and all headers: no id in a path is longer, so none needs a limit of its own. */
const MAX_HEADER_BYTES = 16 * 1024;

/** The HTTP service of a region, not yet listening. */
export function createHttpService(parts: HttpParts): FastifyInstance {
  const keys = new KeyRing(parts.store);

  async function identify(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.headers({
      'apim-request-id': request.id,
      'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
      'x-content-type-options': 'nosniff',
    });
  }

  async function admit(request: FastifyRequest): Promise<void> {
    // By the route that was found, since a path can be spelled in more than one way; by the path where there is none.
    if (!/^\/formrecognizer(\/|\?|$)/i.test(request.routeOptions.url ?? request.url)) return;
    // 401 comes before any other check, an unknown path included.
    const header = request.headers['ocp-apim-subscription-key'];
    request.resource =
      (await keys.resourceOf(Array.isArray(header) ? header[0] : header)) ?? (await resourceOfToken(request, parts));
    if (request.resource === undefined) throw new ServiceError('401');
  }

  const app = Fastify({
    loggerInstance: parts.log as FastifyBaseLogger,
    // Requests are logged once, when they are answered, without query, headers or body.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // The service hands out …/copyresults/ and clients ask for …/copyResults/.
    routerOptions: {
      caseSensitive: false,
      maxParamLength: MAX_HEADER_BYTES,
      // The last one counts where a parameter is given twice: handlers see texts only.
      querystringParser: (query) => Object.fromEntries(new URLSearchParams(query)),
    },
    serverFactory: (handler) => createServer(handler, parts),
    trustProxy: parts.trustedProxies.length === 0 ? false : [...parts.trustedProxies],
    // A path that cannot be decoded has no route, and none of the hooks run for it.
    frameworkErrors: (error, request, reply) => {
      const checked = identify(request, reply).then(() => admit(request));
      checked.then(
        () => sendError(asServiceError(error, request, reply, parts), request, reply, parts),
        (refusal: unknown) => sendError(asServiceError(refusal, request, reply, parts), request, reply, parts),
      );
    },
    clientErrorHandler: refuseUnreadable,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  });

  // Bodies are streams: nothing is parsed, and nothing is held, before a handler asks for it.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.decorateRequest('resource', undefined);

  app.addHook('onRequest', identify);
  allowOrigins(app, parts);
  // After what the line above registers: a preflight is answered without a key.
  app.after(() => {
    app.addHook('onRequest', admit);
  });

  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.url?.startsWith('/health') === true) return;
    const isPolling = request.method === 'GET' && reply.statusCode < 400;
    request.log[isPolling ? 'debug' : 'info']({
      event: 'request',
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    });
  });

  app.setErrorHandler((error, request, reply) =>
    sendError(asServiceError(error, request, reply, parts), request, reply, parts),
  );
  app.setNotFoundHandler((request, reply) => sendError(new ServiceError('404'), request, reply, parts));

  healthRoutes(app, parts);
  referenceRoutes(app);
  copiesRoutes(app, parts.receive);
  replicationRoutes(app, parts);
  retiredRoutes(app);
  const rates = new RateLimits(parts.rates);
  for (const version of v2.V2_VERSIONS) v2Routes(app, version, parts, rates);
  return app;
}

/** `Authorization: Bearer …`, where tokens are configured. @throws ServiceError 503 where they cannot be checked now */
async function resourceOfToken(request: FastifyRequest, parts: HttpParts): Promise<Resource | undefined> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || parts.tokens === undefined) return undefined;
  try {
    return (await parts.tokens.isAccepted(token)) ? parts.resource : undefined;
  } catch (cause) {
    request.log.error({ event: 'tokens-unchecked', err: cause });
    throw new ServiceError('ServiceUnavailable', { cause, retryAfterSeconds: 5 });
  }
}

function createServer(handler: RequestListener, parts: HttpParts): Server {
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    // A slow client holds a connection, not the server.
    requestTimeout: parts.requestMilliseconds,
    // Node swaps the two where the headers have longer than the whole.
    headersTimeout: Math.min(HEADERS_MILLISECONDS, parts.requestMilliseconds),
    connectionsCheckingInterval: TIMEOUT_CHECK_MILLISECONDS,
    keepAliveTimeout: CONNECTION_IDLE_MILLISECONDS,
  };
  return parts.tls === undefined
    ? http.createServer(options, handler)
    : https.createServer({ ...options, ...parts.tls }, handler);
}

/** The first preview of the service, of 2019: no model, client or path of it works with a later version. */
function retiredRoutes(app: FastifyInstance): void {
  for (const path of ['/formrecognizer/v1.0-preview', '/formrecognizer/v1.0-preview/*']) {
    app.all(path, async () => {
      throw new ServiceError('Gone');
    });
  }
}

function sendError(error: ServiceError, request: FastifyRequest, reply: FastifyReply, parts: HttpParts): FastifyReply {
  reply.code(error.status).headers(errorHeaders(error, baseUrl(request, parts)));
  // Errors of the gateway are application/json, those of the service name the charset as well.
  const isGateway = error.code === '401' || error.code === '429' || error.code === '404';
  reply.header('content-type', isGateway ? 'application/json' : 'application/json; charset=utf-8');
  // As bytes: of a text Fastify would name the charset.
  return reply.send(Buffer.from(error.code === '401' ? v2.UNAUTHORIZED_BODY : JSON.stringify(errorBody(error))));
}

function asServiceError(error: unknown, request: FastifyRequest, reply: FastifyReply, parts: HttpParts): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof BlobTooLarge) return tooLarge(reply, parts.maxDocumentBytes);
  if (error instanceof QueueFull) {
    request.log.warn({ event: 'queue-full', reason: error.message });
    const version = v2.parseV2Version(request.url.split('/')[2] ?? '') ?? 'v2.1';
    return v2.tooManyRequests({
      operation: 'Custom Form Model Management',
      version,
      retryAfterSeconds: error.retryAfterSeconds,
    });
  }
  if (hasClientStatus(error)) {
    // Fastify's own refusals of a request it cannot parse.
    return new ServiceError(error.statusCode === 415 ? 'UnsupportedMediaType' : 'BadArgument', {
      status: error.statusCode,
      message: 'The request cannot be understood.',
      cause: error,
    });
  }
  // A request that was read to its end is destroyed as well; only one that is not complete broke off.
  if (request.raw.destroyed && !request.raw.complete) {
    request.log.info({ event: 'request-aborted' });
    return new ServiceError('BadArgument', { message: 'The request ended before its body did.', cause: error });
  }
  request.log.error({ event: 'request-error', err: error });
  return new ServiceError('InternalServerError', {
    message: `An unexpected error occurred. The server's log has it under request ${request.id}.`,
    cause: error,
  });
}

function hasClientStatus(error: unknown): error is { readonly statusCode: number } {
  return (
    typeof error === 'object' &&
    error !== null &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode >= 400 &&
    error.statusCode < 500
  );
}
