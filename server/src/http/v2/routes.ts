import { ServiceError, v2 } from '@formhaven/contract';
import type { FastifyInstance } from 'fastify';
import { type HttpParts, resourceOf } from '../parts.ts';
import type { RateLimits } from '../rates.ts';
import type { V2Context } from './context.ts';
import { operationsOf } from './operations.ts';

/** Every operation of one version. */
export function v2Routes(app: FastifyInstance, version: v2.V2Version, parts: HttpParts, rates: RateLimits): void {
  const context: V2Context = { version, features: v2.V2_FEATURES[version], parts };
  app.register(
    async (routes) => {
      for (const { method, path, title, group, handler } of operationsOf(context)) {
        routes.route({
          method,
          url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
          onRequest: async (request) => {
            rates.require({ resource: resourceOf(request).name, group, operation: title, version });
          },
          handler: handler(context),
        });
      }

      // Named and refused, never a silent success.
      for (const name of context.features.prebuilt) {
        routes.post(`/prebuilt/${name}/analyze`, refuse(`The prebuilt model ${name}`));
        routes.get(`/prebuilt/${name}/analyzeResults/:resultId`, refuse(`The prebuilt model ${name}`));
      }
    },
    { prefix: v2.basePath(version) },
  );
}

function refuse(feature: string): () => Promise<never> {
  return async () => {
    throw new ServiceError('NotSupported', { values: { feature } });
  };
}
