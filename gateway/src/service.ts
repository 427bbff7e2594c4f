import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ServiceError } from '@formhaven/contract';
import { adminKeyOf, clientKeyOf, isKnownKey } from './client-keys.ts';
import { Exchange, unavailable } from './exchange.ts';
import { admin, isAdminPath } from './handlers/admin.ts';
import { analyze } from './handlers/analyze.ts';
import { ModelLists } from './handlers/list-models.ts';
import { poll } from './handlers/poll.ts';
import { getModel, summary } from './handlers/read.ts';
import { copy, write } from './handlers/write.ts';
import type { GatewayParts } from './parts.ts';
import { type RoutedRequest, routeRequest } from './routed-request.ts';

// node:http without a framework: there is one route, and a proxy feels every hook (docs/decisions/gateway-http.md).

const REQUEST_MILLISECONDS = 10 * 60_000;
const CONNECTION_IDLE_MILLISECONDS = 65_000;
const MAX_HEADER_BYTES = 16 * 1024;

export interface ServiceOptions {
  readonly publicUrl: string | undefined;
  /** More at once are answered 503, before their bodies are taken: a storm of retries must not become a queue. */
  readonly maxRequestsAtOnce: number;
}

export function createService(parts: GatewayParts, options: ServiceOptions): Server {
  const lists = new ModelLists();
  let underWay = 0;

  async function answer(exchange: Exchange): Promise<string> {
    const { request } = exchange;
    const url = request.url ?? '/';
    if (request.method === 'GET' && url === '/health/live') {
      exchange.sendJson(200, { status: 'live' });
      return 'health';
    }
    if (request.method === 'GET' && url === '/health/ready') {
      const isReady = parts.router.isAnyWell;
      exchange.sendJson(isReady ? 200 : 503, { status: isReady ? 'ready' : 'notReady' });
      return 'health';
    }
    if (isAdminPath(url)) {
      if (!isKnownKey(adminKeyOf(request), parts.config.current.adminKeys)) throw new ServiceError('401');
      await admin(parts, exchange);
      return 'admin';
    }
    if (!/^\/formrecognizer(\/|\?|$)/i.test(url)) throw new ServiceError('404');
    // 401 comes before any other check, an unknown path included.
    if (!isKnownKey(clientKeyOf(request), parts.config.current.clientKeys)) throw new ServiceError('401');
    if (underWay > options.maxRequestsAtOnce) throw unavailable('The gateway has too many requests under way.');
    const routed = routeRequest(request.method ?? '', url);
    if (routed === undefined) throw new ServiceError('404');
    await handle(exchange, routed);
    return routed.kind;
  }

  async function handle(exchange: Exchange, routed: RoutedRequest): Promise<void> {
    switch (routed.kind) {
      case 'analyze':
        return await analyze(parts, exchange, routed);
      case 'poll':
        return await poll(parts, exchange, routed);
      case 'getModel':
        return await getModel(parts, exchange, routed);
      case 'summary':
        return await summary(parts, exchange, routed);
      case 'listModels':
        return await lists.list(parts, exchange, routed);
      case 'copy':
        return await copy(parts, exchange, routed);
      case 'train':
      case 'compose':
      case 'delete':
      case 'authorizeCopy':
        return await write(parts, exchange, routed);
      default:
        throw new TypeError(`no such request: ${JSON.stringify(routed satisfies never)}`);
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response, options.publicUrl);
    const begunAt = performance.now();
    let kind = 'refused';
    underWay++;
    parts.retryBudget.add(RETRY_EARNED);
    try {
      kind = await answer(exchange);
    } catch (error) {
      fail(exchange, error);
    } finally {
      underWay--;
      const milliseconds = performance.now() - begunAt;
      parts.metrics.requests.inc({ kind, status: String(response.statusCode) });
      parts.metrics.seconds.observe({ kind }, milliseconds / 1000);
      if (response.statusCode >= 400 || (kind !== 'poll' && kind !== 'health')) {
        const level = response.statusCode >= 500 ? 'warn' : 'info';
        parts.log[level]({
          event: 'request',
          request: exchange.id,
          kind,
          status: response.statusCode,
          milliseconds: Math.round(milliseconds),
        });
      }
    }
  }

  function fail(exchange: Exchange, error: unknown): void {
    if (exchange.isAnswered || exchange.request.errored !== null) {
      // The client is gone, or its answer broke off half-way: there is nobody to tell.
      parts.log.info({ event: 'exchange-broken', request: exchange.id });
      exchange.response.destroy();
      return;
    }
    if (error instanceof ServiceError) {
      exchange.sendError(error);
      return;
    }
    parts.log.error({ event: 'request-error', request: exchange.id, err: error });
    exchange.sendError(
      new ServiceError('InternalServerError', {
        message: `An unexpected error occurred. The gateway's log has it under request ${exchange.id}.`,
      }),
    );
  }

  return createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_MILLISECONDS,
      keepAliveTimeout: CONNECTION_IDLE_MILLISECONDS,
      noDelay: true,
    },
    (request, response) => void serve(request, response),
  );
}

/** Every request earns a fifth of a retry: in a bad hour at most every fifth is tried twice. */
const RETRY_EARNED = 0.2;
