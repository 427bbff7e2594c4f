import { parseModelId, type Region, ServiceError, v2 } from '@formhaven/contract';
import { callWhileInUse } from '../call-while-in-use.ts';
import { type Exchange, unavailable } from '../exchange.ts';
import { type HeldAnswer, holdAnswer, sendHeld } from '../held-answer.ts';
import type { GatewayParts } from '../parts.ts';
import { type CallOutcome, describeOutcome } from '../region-link.ts';
import type { RoutedRequest } from '../routed-request.ts';
import type { Candidate } from '../router.ts';
import { describePlaces, requireNotDeleted } from './model-place.ts';

/** GET of one model: from the first region that has it and answers. */
export async function getModel(
  parts: GatewayParts,
  exchange: Exchange,
  request: Extract<RoutedRequest, { kind: 'getModel' }>,
): Promise<void> {
  const clientId = parseModelId(request.modelId);
  if (clientId === undefined) throw new ServiceError('1022', { values: { modelId: request.modelId } });
  const home = await parts.store.modelHome(clientId);
  requireNotDeleted(home, clientId, '1022');
  const candidates = parts.router.forReading(clientId, home);
  if (candidates.length === 0) throw unavailable(describePlaces(parts, clientId, home), 5);
  const base = v2.basePath(request.version);
  const answer = await readFirst(
    parts,
    candidates,
    (candidate) => `${base}/custom/models/${candidate.modelId}${request.query}`,
    parts.router.placesOf(clientId, home),
  );
  await sendRead(parts, exchange, withId(answer, candidates, clientId));
}

/** GET ?op=summary: how many models the region has that answers. */
export async function summary(
  parts: GatewayParts,
  exchange: Exchange,
  request: Extract<RoutedRequest, { kind: 'summary' }>,
): Promise<void> {
  const candidates = parts.router.forReading(undefined, undefined);
  const path = `${v2.basePath(request.version)}/custom/models${request.query}`;
  await sendRead(parts, exchange, await readFirst(parts, candidates, () => path));
}

/**
 * Asks one candidate after the other until one answers; a 404 counts only from all of the places together.
 * @throws ServiceError 503, or 429 where the last one throttles
 */
export async function readFirst(
  parts: GatewayParts,
  candidates: readonly Candidate[],
  pathOf: (candidate: Candidate) => string,
  places: readonly Region[] = [],
): Promise<HeldAnswer> {
  const reasons: string[] = [];
  let missing: HeldAnswer | undefined;
  let throttled: number | undefined;
  for (const candidate of candidates) {
    const { link, health } = candidate.region;
    const called = await callWhileInUse(candidate.region, {
      method: 'GET',
      path: pathOf(candidate),
      timeoutMilliseconds: parts.limits.readMilliseconds,
    });
    const held = called.kind === 'answered' ? await holdAnswer(called.answer, parts.spool) : called;
    const met: CallOutcome = 'kind' in held ? held : called;
    health.report(met);
    parts.metrics.calls.inc({ region: link.name, kind: 'read', outcome: met.kind });
    if (met.kind === 'throttled') {
      await met.answer.body.dump();
      throttled = Math.min(throttled ?? Number.POSITIVE_INFINITY, met.retryAfterSeconds);
      continue;
    }
    if ('kind' in held) {
      reasons.push(`${link.name} ${describeOutcome(met)}`);
      continue;
    }
    if (held.status !== 404) return held;
    missing ??= held;
  }
  if (throttled !== undefined) {
    throw v2.tooManyRequests({
      operation: 'Custom Form Model Management',
      version: 'v2.1',
      retryAfterSeconds: throttled,
    });
  }
  const asked = candidates.map(({ region }) => region.link.name);
  for (const name of places) if (!asked.includes(name)) reasons.push(`${name} is not in use`);
  if (missing !== undefined && reasons.length === 0) return missing;
  throw unavailable(`No region answers: ${reasons.join('; ') || 'none is in use'}.`);
}

async function sendRead(parts: GatewayParts, exchange: Exchange, answer: HeldAnswer): Promise<void> {
  await sendHeld(exchange, answer, { toClientId: (id) => parts.ids.current.clientIdOf(id), spool: parts.spool });
}

/** 1022 repeats the id in its sentence. */
function withId(answer: HeldAnswer, candidates: readonly Candidate[], clientId: string): HeldAnswer {
  if (answer.status < 400 || answer.rest !== undefined) return answer;
  let text = answer.head.toString('latin1');
  for (const { modelId } of candidates) if (modelId !== undefined) text = text.replaceAll(modelId, clientId);
  return { ...answer, head: Buffer.from(text, 'latin1') };
}
