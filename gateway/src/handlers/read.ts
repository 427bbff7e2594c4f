import { parseModelId, ServiceError, v2 } from '@formhaven/contract';
import { type Exchange, unavailable } from '../exchange.ts';
import { type HeldAnswer, sendHeld } from '../held-answer.ts';
import type { GatewayParts } from '../parts.ts';
import { readFirst } from '../read-first.ts';
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
