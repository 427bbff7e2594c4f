import { type ModelId, type OperationId, parseModelId, parseOperationId, type Region, v2 } from '@formhaven/contract';
import { callWhileInUse } from './call-while-in-use.ts';
import { errorCodeOf, type HeldAnswer, holdAnswer } from './held-answer.ts';
import type { GatewayParts } from './parts.ts';
import { type CallOutcome, describeOutcome } from './region-link.ts';
import { analysisPath } from './routed-request.ts';
import type { Candidate, RoutedRegion } from './router.ts';
import type { SpooledDocument } from './spool/spool.ts';
import type { OperationWork } from './store/store.ts';

export type AnalyzeWork = Extract<OperationWork, { kind: 'analyze' }>;

export type Submission =
  | {
      readonly kind: 'accepted';
      readonly region: Region;
      readonly regionOperationId: OperationId;
      readonly regionModelId: ModelId | undefined;
      readonly answer: HeldAnswer;
    }
  /** A region looked at it and said no. */
  | { readonly kind: 'refused'; readonly region: Region; readonly answer: HeldAnswer }
  /** All that could take it are full. */
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly kind: 'unavailable'; readonly reasons: readonly string[] };

type SubmitParts = Pick<GatewayParts, 'router' | 'spool' | 'retryBudget' | 'limits' | 'metrics' | 'log'>;

const underWay = new WeakMap<RoutedRegion, number>();

/**
 * Sends a spooled document to the first region that takes it. An analysis may be sent twice: the worst is that it runs in two
 * regions and one result is never asked for. A 429 leads to the next region; only when all are full the client hears of it.
 */
export async function submitAnalysis(
  parts: SubmitParts,
  candidates: readonly Candidate[],
  work: AnalyzeWork,
  given: {
    readonly version: v2.V2Version;
    readonly document: SpooledDocument;
    /** Who may have the model: that it is not there counts only from all of them. */
    readonly places: readonly Region[];
    readonly signal?: AbortSignal;
  },
): Promise<Submission> {
  const { router, retryBudget, limits } = parts;
  const reasons: string[] = [];
  let refused: Extract<Submission, { kind: 'refused' }> | undefined;
  const withoutIt = new Set<Region>();
  let isThrottled = false;
  let blindFailures = 0;
  for (const { region, modelId } of candidates) {
    const { name } = region.link;
    const busy = underWay.get(region) ?? 0;
    if (router.isThrottled(name) || busy >= limits.parallelPerRegion || !router.takeQuota(region)) {
      isThrottled = true;
      continue;
    }
    // A second try costs a region that may be in trouble itself a request more. Where it is known why the first one failed, that
    // is the way of the work now; otherwise there is a budget, so that a bad hour does not double the load.
    if (blindFailures > 0 && !retryBudget.take()) {
      reasons.push('the budget of retries is used up');
      break;
    }
    underWay.set(region, busy + 1);
    let outcome: CallOutcome;
    try {
      outcome = await callWhileInUse(region, {
        method: 'POST',
        path: analysisPath(given.version, withModel(work, modelId)) + work.query,
        headers: work.contentType === '' ? {} : { 'content-type': work.contentType },
        body: { bytes: given.document.bytes, open: () => parts.spool.read(given.document.key) },
        timeoutMilliseconds: limits.acceptMilliseconds,
        signal: given.signal,
      });
    } finally {
      underWay.set(region, (underWay.get(region) ?? 1) - 1);
    }
    const held = outcome.kind === 'answered' ? await holdAnswer(outcome.answer, parts.spool) : outcome;
    if ('kind' in held) outcome = held;
    region.health.report(outcome);
    parts.metrics.calls.inc({ region: name, kind: 'analyze', outcome: outcome.kind });
    if (outcome.kind === 'throttled') {
      await outcome.answer.body.dump();
      router.throttle(name, outcome.retryAfterSeconds);
      isThrottled = true;
      continue;
    }
    if ('kind' in held) {
      if (region.health.takesWork) blindFailures++;
      reasons.push(`${name} ${describeOutcome(outcome)}`);
      continue;
    }
    const accepted = acceptedOf(held);
    if (accepted !== undefined) return { kind: 'accepted', region: name, ...accepted, answer: held };
    if (held.status < 400) {
      blindFailures++;
      reasons.push(`${name} answered ${held.status} without an operation`);
      continue;
    }
    if (!mayBeElsewhere(held)) return { kind: 'refused', region: name, answer: held };
    refused ??= { kind: 'refused', region: name, answer: held };
    withoutIt.add(name);
    reasons.push(`${name} does not have the model`);
  }
  const unasked = given.places.filter((name) => !withoutIt.has(name));
  if (refused !== undefined && unasked.length === 0) return refused;
  if (isThrottled) return { kind: 'throttled', retryAfterSeconds: router.secondsToWait(candidates) };
  const out = unasked.filter((name) => !candidates.some(({ region }) => region.link.name === name));
  return { kind: 'unavailable', reasons: [...reasons, ...out.map((name) => `${name} is not in use`)] };
}

function withModel(work: AnalyzeWork, modelId: ModelId | undefined): AnalyzeWork['target'] {
  return work.target.kind === 'custom' && modelId !== undefined ? { kind: 'custom', modelId } : work.target;
}

function acceptedOf(
  held: HeldAnswer,
): { readonly regionOperationId: OperationId; readonly regionModelId: ModelId | undefined } | undefined {
  const location = v2.parseLocation(held.location ?? '');
  if (held.status !== 202 || location === undefined || !('resultId' in location)) return undefined;
  const regionOperationId = parseOperationId(location.resultId);
  if (regionOperationId === undefined) return undefined;
  return { regionOperationId, regionModelId: 'modelId' in location ? parseModelId(location.modelId) : undefined };
}

/** The region does not have the model, or not ready, or does not let us in; another one may. Any other refusal is the document's. */
function mayBeElsewhere(held: HeldAnswer): boolean {
  return held.status === 403 || held.status === 404 || (held.status === 400 && errorCodeOf(held) === '1001');
}
