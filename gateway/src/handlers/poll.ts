import { parseModelId, ServiceError, v2 } from '@formhaven/contract';
import { callWhileInUse } from '../call-while-in-use.ts';
import { type Exchange, unavailable } from '../exchange.ts';
import { holdAnswer, operationStatusOf, sendHeld } from '../held-answer.ts';
import type { GatewayParts } from '../parts.ts';
import { type CallOutcome, describeOutcome } from '../region-link.ts';
import type { RoutedRequest } from '../routed-request.ts';
import type { RoutedRegion } from '../router.ts';
import type { StoredOperation } from '../store/store.ts';

type PollRequest = Extract<RoutedRequest, { kind: 'poll' }>;

/**
 * GET of a result. It goes to the region that runs the operation. When that one does not answer, an analysis whose document is at
 * hand is still `running`, since the gateway owes it and runs it again elsewhere; anything else is 503, since nobody knows.
 */
export async function poll(parts: GatewayParts, exchange: Exchange, request: PollRequest): Promise<void> {
  const { location } = request;
  if (location.kind === 'model') throw new TypeError('models are no operations');
  const operation = await parts.store.operation(location.resultId);
  if (operation === undefined) {
    await pollUnknown(parts, exchange, request);
    return;
  }
  if (!isSamePlace(operation, location)) throw new ServiceError('404');
  if (operation.outcome.status === 'lost') {
    sendLost(exchange, operation, operation.outcome);
    return;
  }

  const canRerun = operation.work.kind === 'analyze' && operation.work.document !== undefined;
  const region = parts.router.find(operation.region);
  const isOut = region === undefined || region.health.state.status === 'isolated' || !region.health.takesWork;
  if (isOut && canRerun && parts.router.isAnyWell) {
    void parts.recovery.rerun(operation);
    sendRunning(parts, exchange, operation);
    return;
  }
  if (region === undefined || region.health.state.status === 'isolated') {
    if (canRerun) sendRunning(parts, exchange, operation);
    else throw unavailable(`The operation runs in ${operation.region}, which is not in use.`, 5);
    return;
  }

  const answer = await ask(parts, region, v2.locationPath(regionLocation(operation)) + request.query);
  if ('kind' in answer) {
    if (canRerun) sendRunning(parts, exchange, operation);
    else throw unavailable(`The operation runs in ${operation.region}, which ${describeOutcome(answer)}.`);
    return;
  }
  if (answer.status === 404 && canRerun) {
    // The region has forgotten what it accepted: it came back empty.
    parts.log.warn({ event: 'operation-forgotten', operation: operation.id, region: operation.region });
    void parts.recovery.rerun(operation);
    sendRunning(parts, exchange, operation);
    return;
  }
  const status = operationStatusOf(answer.head);
  if (answer.status === 200 && (status === 'succeeded' || status === 'failed')) {
    region.health.finished();
    if (operation.outcome.status === 'open') await parts.store.markDelivered(operation.id, parts.now());
  }
  await sendHeld(exchange, answer, { toClientId: (id) => parts.ids.current.clientIdOf(id), spool: parts.spool });
}

/** The answer whole, or why there is none. */
async function ask(parts: GatewayParts, region: RoutedRegion, path: string) {
  const called = await callWhileInUse(region, {
    method: 'GET',
    path,
    timeoutMilliseconds: parts.limits.readMilliseconds,
  });
  const outcome = called.kind === 'answered' ? await holdAnswer(called.answer, parts.spool) : called;
  const met: CallOutcome = 'kind' in outcome ? outcome : called;
  region.health.report(met);
  parts.metrics.calls.inc({ region: region.link.name, kind: 'poll', outcome: met.kind });
  if (met.kind === 'throttled') return await passThrottle(parts, met);
  return outcome;
}

/** A region that limits polling says for how long; that is the client's to obey. */
async function passThrottle(parts: GatewayParts, met: Extract<CallOutcome, { kind: 'throttled' }>) {
  return await holdAnswer(met.answer, parts.spool);
}

/** Begun before this gateway's store, or past it. Regions are asked in turn; only all of them together can say it is nowhere. */
async function pollUnknown(parts: GatewayParts, exchange: Exchange, request: PollRequest): Promise<void> {
  const { location, query } = request;
  const clientId = 'modelId' in location ? location.modelId : undefined;
  const home = clientId === undefined ? undefined : await parts.store.modelHome(clientId);
  const silent: string[] = [];
  for (const { region, modelId } of parts.router.forReading(clientId, home)) {
    const there = modelId === undefined || !('modelId' in location) ? location : { ...location, modelId };
    const answer = await ask(parts, region, v2.locationPath(there) + query);
    if ('kind' in answer) {
      silent.push(`${region.link.name} ${describeOutcome(answer)}`);
    } else if (answer.status !== 404) {
      await sendHeld(exchange, answer, { toClientId: (id) => parts.ids.current.clientIdOf(id), spool: parts.spool });
      return;
    }
  }
  const out = parts.config.current.regions.filter(({ name }) => parts.router.find(name)?.health.takesWork !== true);
  if (silent.length > 0 || out.length > 0) {
    const reasons = [...silent, ...out.map(({ name }) => `${name} is not in use`)];
    throw unavailable(`No region in use knows this operation, and not all could be asked: ${reasons.join('; ')}.`, 5);
  }
  throw new ServiceError('404');
}

/** An id under another model's path is not that model's result. */
function isSamePlace(operation: StoredOperation, location: v2.V2Location): boolean {
  const { work } = operation;
  if (work.kind === 'copy') return location.kind === 'copyResult' && location.modelId === work.modelId;
  switch (work.target.kind) {
    case 'layout':
      return location.kind === 'layoutResult';
    case 'prebuilt':
      return location.kind === 'prebuiltResult' && location.prebuilt === work.target.prebuilt;
    case 'custom':
      return location.kind === 'analyzeResult' && location.modelId === parseModelId(work.target.modelId);
    default:
      throw new TypeError(`no such target: ${JSON.stringify(work.target satisfies never)}`);
  }
}

function regionLocation(operation: StoredOperation): v2.V2Location {
  const { version, work, regionOperationId: resultId, regionModelId: modelId } = operation;
  const target = work.kind === 'copy' ? work : work.target;
  if (target.kind === 'layout') return { kind: 'layoutResult', version, resultId };
  if (target.kind === 'prebuilt') return { kind: 'prebuiltResult', version, prebuilt: target.prebuilt, resultId };
  if (modelId === undefined) throw new TypeError('operations on models have one');
  return { kind: target.kind === 'copy' ? 'copyResult' : 'analyzeResult', version, modelId, resultId };
}

function sendRunning(parts: GatewayParts, exchange: Exchange, operation: StoredOperation): void {
  exchange.sendJson(200, {
    status: 'running',
    createdDateTime: wholeSeconds(operation.createdOn),
    lastUpdatedDateTime: wholeSeconds(Math.max(operation.createdOn, parts.now())),
  });
}

function sendLost(
  exchange: Exchange,
  operation: StoredOperation,
  outcome: { readonly lostOn: number; readonly message: string },
): void {
  const { version } = operation;
  exchange.sendJson(
    200,
    {
      status: 'failed',
      createdDateTime: wholeSeconds(operation.createdOn),
      lastUpdatedDateTime: wholeSeconds(outcome.lostOn),
      analyzeResult: {
        version: v2.analyzeResultVersion(version),
        readResults: [],
        pageResults: [],
        documentResults: [],
        errors: [v2.resultErrorInformation('3014', outcome.message)],
      },
    },
    v2.errorCodeHeader(version, '3014'),
  );
}

function wholeSeconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
