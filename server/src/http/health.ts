import type { FastifyInstance } from 'fastify';
import type { HttpParts } from './parts.ts';

/** `live`: the process answers. `ready`: it can take work, that is, the store answers and a worker is up. No key is needed. */
export function healthRoutes(app: FastifyInstance, parts: HttpParts): void {
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/health/ready', async (request, reply) => {
    const reasons: string[] = [];
    if (!parts.isWorkerUp()) reasons.push('no worker is up');
    try {
      await parts.accept.queue.depth();
    } catch (error) {
      request.log.error({ event: 'store-unreachable', err: error });
      reasons.push('the store does not answer');
    }
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ status: reasons.length === 0 ? 'ready' : 'notReady', reasons });
  });
}
