import { type ModelId, parseModelId, type Region, ServiceError, v2 } from '@formhaven/contract';
import { type Exchange, unavailable } from '../exchange.ts';
import { type HeldAnswer, holdAnswer, sendHeld } from '../held-answer.ts';
import { currentLeadership } from '../leadership.ts';
import type { GatewayParts } from '../parts.ts';
import { type CallOutcome, describeOutcome, type RegionCall } from '../region-link.ts';
import type { RoutedRequest, WriteKind } from '../routed-request.ts';
import type { RoutedRegion } from '../router.ts';
import type { Leadership, WriteTicket } from '../store/store.ts';
import { requireNotDeleted } from './model-place.ts';

// Writes go to one region at a time. Each is entered in the store first, under the epoch it was begun in: the store refuses it when
// the epoch has passed, so a gateway that slept through a failover cannot write to the old region. A write whose outcome nobody
// knows, or which succeeded after its epoch, stays in the store's list until a person has looked at it.

const MAX_JSON_BYTES = 1024 * 1024;
const PASSED_HEADERS = ['content-type', 'x-ms-client-request-id', 'x-ms-forms-copy-degrade'] as const;

type WriteRequest = Extract<RoutedRequest, { kind: WriteKind }>;

export async function write(parts: GatewayParts, exchange: Exchange, request: WriteRequest): Promise<void> {
  const clientId = request.kind === 'delete' ? requiredId(request.modelId) : undefined;
  if (clientId !== undefined) requireNotDeleted(await parts.store.modelHome(clientId), clientId, '1022');
  const body = request.kind === 'delete' ? undefined : await readBody(exchange);
  const begun = await begin(parts, request.kind);
  const regionModelId = clientId === undefined ? undefined : regionId(parts, clientId, begun.leadership.region);
  const outcome = await send(parts, begun.region, {
    method: request.kind === 'delete' ? 'DELETE' : 'POST',
    path: pathOf(request, regionModelId),
    headers: passedHeaders(exchange),
    ...(body === undefined || body.byteLength === 0
      ? {}
      : { body: inMemory(mappedBody(parts, request, body, begun.leadership.region)) }),
    timeoutMilliseconds: parts.limits.writeMilliseconds,
  });
  const isCurrent = await parts.store.settleWrite(begun.ticket, settlementOf(outcome));
  if ('kind' in outcome) {
    if (outcome.kind === 'throttled') {
      throw v2.tooManyRequests({
        operation: 'Custom Form Model Management',
        version: request.version,
        retryAfterSeconds: outcome.retryAfterSeconds,
      });
    }
    throw unavailable(`Writes go to ${begun.leadership.region}, which ${describeOutcome(outcome)}.`, 5);
  }
  if (!isCurrent && outcome.status < 300) {
    parts.log.error({ event: 'write-after-failover', region: begun.leadership.region, kind: request.kind });
  }
  const location = v2.parseLocation(outcome.location ?? '');
  if (outcome.status < 300) await keepHome(parts, begun.leadership.region, clientId, location);
  await sendHeld(exchange, withId(outcome, clientId, regionModelId), {
    toClientId: (id) => parts.ids.current.clientIdOf(id),
    spool: parts.spool,
    headers: location === undefined ? {} : { location: v2.locationUrl(exchange.baseUrl, location) },
  });
}

/** POST …/copy, at the source: no write of models there, but work that one region must own. */
export async function copy(
  parts: GatewayParts,
  exchange: Exchange,
  request: Extract<RoutedRequest, { kind: 'copy' }>,
): Promise<void> {
  const clientId = requiredId(request.modelId);
  const home = await parts.store.modelHome(clientId);
  requireNotDeleted(home, clientId, '1022');
  const body = await readBody(exchange);
  const [candidate] = parts.router.forReading(clientId, home);
  if (candidate?.modelId === undefined) throw unavailable('No region that has this model is in use.', 5);
  const { region, modelId } = candidate;
  const outcome = await send(parts, region, {
    method: 'POST',
    path: `${v2.basePath(request.version)}/custom/models/${modelId}/copy${request.query}`,
    headers: passedHeaders(exchange),
    body: inMemory(body),
    timeoutMilliseconds: parts.limits.writeMilliseconds,
  });
  if ('kind' in outcome) {
    if (outcome.kind === 'throttled') {
      throw v2.tooManyRequests({
        operation: 'Custom Form Model Management - Copy Custom Model Operation',
        version: request.version,
        retryAfterSeconds: outcome.retryAfterSeconds,
      });
    }
    throw unavailable(`The model is in ${region.link.name}, which ${describeOutcome(outcome)}.`, 5);
  }
  const location = v2.parseLocation(outcome.location ?? '');
  if (outcome.status === 202 && location?.kind === 'copyResult') {
    await parts.store.addOperation({
      id: location.resultId,
      version: request.version,
      work: { kind: 'copy', modelId: clientId },
      region: region.link.name,
      regionOperationId: location.resultId,
      regionModelId: modelId,
      generation: 1,
      createdOn: parts.now(),
      outcome: { status: 'open' },
    });
  }
  await sendHeld(exchange, withId(outcome, clientId, modelId), {
    toClientId: (id) => parts.ids.current.clientIdOf(id),
    spool: parts.spool,
    headers:
      location?.kind === 'copyResult'
        ? { 'operation-location': v2.locationUrl(exchange.baseUrl, { ...location, modelId: clientId }) }
        : {},
  });
}

interface Begun {
  readonly leadership: Leadership;
  readonly region: RoutedRegion;
  readonly ticket: WriteTicket;
}

async function begin(parts: GatewayParts, kind: WriteKind): Promise<Begun> {
  for (;;) {
    const leadership = await currentLeadership(parts);
    if (leadership.mode.kind === 'draining' && leadership.mode.until > parts.now())
      throw unavailable('Writes are being moved to another region.');
    const region = parts.router.find(leadership.region);
    if (region === undefined || !region.health.takesWork) {
      throw unavailable(
        `Writes go to ${leadership.region}, which is not in use; \`formhaven failover\` moves them to another region.`,
        5,
      );
    }
    const ticket = await parts.store.beginWrite(leadership.epoch, {
      region: leadership.region,
      kind,
      now: parts.now(),
    });
    // Undefined where it was moved in between: look again.
    if (ticket !== undefined) return { leadership, region, ticket };
  }
}

async function send(parts: GatewayParts, region: RoutedRegion, call: RegionCall): Promise<HeldAnswer | CallOutcome> {
  const called = await region.link.call(call);
  const held = called.kind === 'answered' ? await holdAnswer(called.answer, parts.spool) : called;
  const met: CallOutcome = 'kind' in held ? held : called;
  region.health.report(met);
  parts.metrics.calls.inc({ region: region.link.name, kind: 'write', outcome: met.kind });
  if (met.kind === 'throttled') await met.answer.body.dump();
  return held;
}

/** Whether the region may have done it although we do not know. */
function settlementOf(outcome: HeldAnswer | CallOutcome): 'done' | 'refused' | 'unknown' {
  if (!('kind' in outcome)) return outcome.status < 300 ? 'done' : 'refused';
  return outcome.kind === 'noAnswer' || outcome.kind === 'serverError' ? 'unknown' : 'refused';
}

async function keepHome(
  parts: GatewayParts,
  region: Region,
  deleted: ModelId | undefined,
  location: v2.V2Location | undefined,
): Promise<void> {
  if (deleted !== undefined) await parts.store.putModelHome(deleted, { status: 'deleted' });
  else if (location?.kind === 'model') await parts.store.putModelHome(location.modelId, { status: 'made', region });
}

function pathOf(request: WriteRequest, regionModelId: ModelId | undefined): string {
  const models = `${v2.basePath(request.version)}/custom/models`;
  switch (request.kind) {
    case 'train':
      return models + request.query;
    case 'compose':
      return `${models}/compose${request.query}`;
    case 'authorizeCopy':
      return `${models}/copyAuthorization${request.query}`;
    case 'delete':
      return `${models}/${regionModelId ?? ''}${request.query}`;
    default:
      throw new TypeError(`no such write: ${JSON.stringify(request satisfies never)}`);
  }
}

/** What the region calls a model; the client's id where the map does not know it there. */
function regionId(parts: GatewayParts, clientId: ModelId, region: Region): ModelId {
  const place = parts.ids.current.placesOf(clientId)?.find((candidate) => candidate.region === region);
  return place?.modelId ?? clientId;
}

/** Components of a composed model are named by the region's ids. Anything else goes as it came, malformed bodies included. */
function mappedBody(parts: GatewayParts, request: WriteRequest, body: Buffer, region: Region): Buffer {
  if (request.kind !== 'compose') return body;
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return body;
  }
  if (typeof value !== 'object' || value === null || !('modelIds' in value) || !Array.isArray(value.modelIds))
    return body;
  const modelIds = value.modelIds.map((text: unknown) => {
    const clientId = typeof text === 'string' ? parseModelId(text) : undefined;
    return clientId === undefined ? text : regionId(parts, clientId, region);
  });
  return Buffer.from(JSON.stringify({ ...value, modelIds }));
}

function requiredId(text: string): ModelId {
  const id = parseModelId(text);
  if (id === undefined) throw new ServiceError('1022', { values: { modelId: text } });
  return id;
}

async function readBody(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of exchange.request) {
    bytes += (chunk as Buffer).byteLength;
    if (bytes > MAX_JSON_BYTES) throw new ServiceError('RequestBodyTooLarge', { values: { bytes: MAX_JSON_BYTES } });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function inMemory(body: Buffer): NonNullable<RegionCall['body']> {
  return { bytes: body.byteLength, open: () => body };
}

function passedHeaders(exchange: Exchange): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const name of PASSED_HEADERS) {
    const value = exchange.request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

/** 1022 repeats the region's id in its sentence. */
function withId(answer: HeldAnswer, clientId: ModelId | undefined, regionModelId: ModelId | undefined): HeldAnswer {
  if (clientId === undefined || regionModelId === undefined || answer.status < 400 || answer.rest !== undefined) {
    return answer;
  }
  const text = answer.head.toString('latin1').replaceAll(regionModelId, clientId);
  return { ...answer, head: Buffer.from(text, 'latin1') };
}
