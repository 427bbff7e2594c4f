import { type ModelId, type OperationId, parseModelId, parseOperationId, ServiceError, v2 } from '@formhaven/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Model, ModelState, Operation, OperationKind } from '../../ports/store.ts';
import { baseUrl, type HttpParts, resourceOf } from '../parts.ts';

/** One version of the generation, as its handlers see it. */
export interface V2Context {
  readonly version: v2.V2Version;
  readonly features: v2.V2Features;
  readonly parts: HttpParts;
}

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

export type ReadyModel = Model & { readonly state: Extract<ModelState, { status: 'ready' }> };

interface Params {
  readonly modelId?: string;
  readonly resultId?: string;
}

export function modelIdOf(request: FastifyRequest): ModelId | undefined {
  return parseModelId((request.params as Params).modelId ?? '');
}

/** @throws ServiceError 404 1022 */
export async function existingModel(request: FastifyRequest, context: V2Context): Promise<Model> {
  const text = (request.params as Params).modelId ?? '';
  const id = parseModelId(text);
  const model = id === undefined ? undefined : await context.parts.store.getModel(resourceOf(request).name, id);
  if (model === undefined) throw new ServiceError('1022', { values: { modelId: text.slice(0, 64) } });
  return model;
}

/** For analyze: 400, not 404. @throws ServiceError 400 1001 */
export async function readyModel(request: FastifyRequest, context: V2Context): Promise<ReadyModel> {
  const text = (request.params as Params).modelId ?? '';
  const id = parseModelId(text);
  const model = id === undefined ? undefined : await context.parts.store.getModel(resourceOf(request).name, id);
  if (model === undefined || !isReady(model))
    throw new ServiceError('1001', { values: { modelId: text.slice(0, 64) } });
  return model;
}

/** Before a model is made or reserved. Requests that race may pass the limit by a few. @throws ServiceError 429 1014 */
export async function requireModelRoom(request: FastifyRequest, parts: HttpParts): Promise<void> {
  const { count } = await parts.store.summarizeModels(resourceOf(request).name);
  if (count >= parts.maxModels) throw new ServiceError('1014');
}

export function isReady(model: Model): model is ReadyModel {
  return model.state.status === 'ready';
}

/** The operation of a result, which must be of this kind and, where the path names one, of this model. @throws ServiceError 404 */
export async function existingOperation(
  request: FastifyRequest,
  context: V2Context,
  kind: OperationKind,
): Promise<Operation> {
  const id: OperationId | undefined = parseOperationId((request.params as Params).resultId ?? '');
  const operation = id === undefined ? undefined : await context.parts.store.getOperation(resourceOf(request).name, id);
  const isExpired = operation !== undefined && operation.expiresOn.getTime() <= context.parts.clock.now().getTime();
  if (operation === undefined || isExpired || operation.kind !== kind || operation.modelId !== ownModelId(request)) {
    throw new ServiceError('404', { message: 'The result is not known: its id is wrong, or it has expired.' });
  }
  return operation;
}

function ownModelId(request: FastifyRequest): ModelId | undefined {
  return (request.params as Params).modelId === undefined ? undefined : modelIdOf(request);
}

/** In the service's own spelling, for whoever greps the output of curl; the framework would write it in lower case. */
export function setLocation(reply: FastifyReply, name: 'Location' | 'Operation-Location', url: string): void {
  reply.raw.setHeader(name, url);
}

/** 201 and 202 have no body. */
export function sendLocation(
  request: FastifyRequest,
  reply: FastifyReply,
  context: V2Context,
  answer:
    | { readonly status: 201; readonly location: v2.V2Location }
    | { readonly status: 202; readonly location: v2.V2Location },
): FastifyReply {
  const url = v2.locationUrl(baseUrl(request, context.parts), answer.location);
  setLocation(reply, answer.status === 201 ? 'Location' : 'Operation-Location', url);
  return reply.code(answer.status).header('content-length', '0').send();
}

export function sendJson(reply: FastifyReply, body: unknown, status = 200): FastifyReply {
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
}

/** Throws what a parser of the contract found wrong. */
export function requireParsed<Value>(result: v2.ParseResult<Value>): Value {
  if (!result.ok) throw new ServiceError(result.code, { message: result.message });
  return result.value;
}
