import { type Region, v2 } from '@formhaven/contract';
import { callWhileInUse } from './call-while-in-use.ts';
import { unavailable } from './exchange.ts';
import { type HeldAnswer, holdAnswer } from './held-answer.ts';
import type { GatewayParts } from './parts.ts';
import { type CallOutcome, describeOutcome } from './region-link.ts';
import type { Candidate } from './router.ts';

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
