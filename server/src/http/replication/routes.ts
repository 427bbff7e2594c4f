import { ServiceError } from '@formhaven/contract';
import type { FastifyInstance } from 'fastify';
import { KeyRing } from '../keys.ts';
import type { HttpParts } from '../parts.ts';
import { getChanges } from './get-changes.ts';
import { getIdentity } from './get-identity.ts';
import { getModelRecord } from './get-model-record.ts';
import { getModelRecords } from './get-model-records.ts';
import { proveModel } from './prove-model.ts';
import { runCanary } from './run-canary.ts';

// What Formhaven regions offer an orchestrator beyond the public API, with the resource's key. Reading only: models move by the
// public copy calls. Every answer is of the resource whose key was sent.
//
//   GET  /formhaven/replication                          200 {format, instance, region, resourceId, last}
//   GET  /formhaven/replication/changes?after&wait       200 {instance, last, isReset, changes: [{sequence, modelId, change}]}
//   GET  /formhaven/replication/models?after             200 {models: [{modelId, digest, kind, …}], next}
//   GET  /formhaven/replication/models/{id}              200 a record, or {status: 'deleted', sequence}; 404 never known
//   POST /formhaven/replication/models/{id}/proof        {nonce}    200 {digest, proof}; 409 where bytes are damaged
//   POST /formhaven/replication/models/{id}/canary       {samples}  200 {digest, found, expected}

export type ReplicationParts = Pick<HttpParts, 'store' | 'blobs' | 'clock' | 'canaries' | 'receive'>;

export function replicationRoutes(app: FastifyInstance, parts: ReplicationParts): void {
  const keys = new KeyRing(parts.store);
  app.register(
    async (routes) => {
      routes.addHook('onRequest', async (request) => {
        const header = request.headers['ocp-apim-subscription-key'];
        request.resource = await keys.resourceOf(Array.isArray(header) ? header[0] : header);
        if (request.resource === undefined) throw new ServiceError('401');
      });
      // Whoever waits for a change is answered when the region drains, and asks again.
      const closing = new AbortController();
      routes.addHook('preClose', async () => closing.abort());
      routes.get('/', getIdentity(parts));
      routes.get('/changes', getChanges(parts, closing.signal));
      routes.get('/models', getModelRecords(parts));
      routes.get('/models/:modelId', getModelRecord(parts));
      routes.post('/models/:modelId/proof', proveModel(parts));
      routes.post('/models/:modelId/canary', runCanary(parts));
    },
    { prefix: '/formhaven/replication' },
  );
}
