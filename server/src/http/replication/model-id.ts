import { type ModelId, parseModelId, ServiceError } from '@formhaven/contract';
import type { FastifyRequest } from 'fastify';
import type { Store } from '../../ports/store.ts';
import { resourceOf } from '../parts.ts';
import { isReady, type ReadyModel } from '../v2/context.ts';

/** @throws ServiceError 404 */
export function requiredModelId(request: FastifyRequest): ModelId {
  const text = (request.params as { readonly modelId?: string }).modelId ?? '';
  const id = parseModelId(text);
  if (id === undefined) throw notFound(text);
  return id;
}

/** @throws ServiceError 404 */
export async function requiredReadyModel(request: FastifyRequest, store: Store): Promise<ReadyModel> {
  const id = requiredModelId(request);
  const model = await store.getModel(resourceOf(request).name, id);
  if (model === undefined || !isReady(model)) throw notFound(id);
  return model;
}

export function notFound(modelId: string): ServiceError {
  return new ServiceError('1022', { values: { modelId: modelId.slice(0, 64) } });
}
