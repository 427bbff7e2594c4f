import { setTimeout as sleep } from 'node:timers/promises';
import { parseOperationId, v2 } from '@formhaven/contract';
import { type CallOutcome, describeOutcome, headerOf, type RegionLink } from '../region-link.ts';
import { type AnalysisTarget, analysisPath } from '../routed-request.ts';
import { CANARY_DOCUMENT } from './canary-document.ts';

// A region is well when an analysis finishes there. Everything short of that (a port that answers, a list of models) has been seen
// to go on while no document came back.

export type CanaryOutcome =
  | { readonly kind: 'finished'; readonly milliseconds: number }
  | { readonly kind: 'unfinished'; readonly milliseconds: number }
  /** Full, which is a sign of life. */
  | { readonly kind: 'throttled' }
  | { readonly kind: 'failed'; readonly reason: string; readonly call: CallOutcome | undefined };

export interface CanaryOptions {
  readonly target: AnalysisTarget;
  readonly version: v2.V2Version;
  /** How long the region has for the whole of it. */
  readonly patienceMilliseconds: number;
  readonly callMilliseconds: number;
  readonly signal: AbortSignal;
  now(): number;
}

const FIRST_POLL_MILLISECONDS = 100;
const LONGEST_POLL_MILLISECONDS = 1000;

export async function runCanary(link: RegionLink, options: CanaryOptions): Promise<CanaryOutcome> {
  const { signal, version, target } = options;
  const begunAt = options.now();
  const elapsed = (): number => options.now() - begunAt;
  const accepted = await link.call({
    method: 'POST',
    path: analysisPath(version, target),
    headers: { 'content-type': 'application/pdf' },
    body: { bytes: CANARY_DOCUMENT.byteLength, open: () => CANARY_DOCUMENT },
    timeoutMilliseconds: options.callMilliseconds,
    signal,
  });
  if (accepted.kind === 'throttled') {
    await accepted.answer.body.dump();
    return { kind: 'throttled' };
  }
  if (accepted.kind !== 'answered') return failure(accepted);
  await accepted.answer.body.dump();
  const location = headerOf(accepted.answer, 'operation-location');
  const id = parseOperationId(location?.slice(location.lastIndexOf('/') + 1) ?? '');
  const parsed = v2.parseLocation(location ?? '');
  if (accepted.answer.status !== 202 || id === undefined || parsed === undefined) return failure(accepted);

  let pause = FIRST_POLL_MILLISECONDS;
  let last: CallOutcome = accepted;
  while (elapsed() < options.patienceMilliseconds) {
    await sleep(pause, undefined, { signal });
    pause = Math.min(LONGEST_POLL_MILLISECONDS, pause * 1.5);
    last = await link.call({
      method: 'GET',
      path: v2.locationPath(parsed),
      timeoutMilliseconds: options.callMilliseconds,
      signal,
    });
    if (last.kind === 'throttled') {
      await last.answer.body.dump();
      continue;
    }
    if (last.kind !== 'answered' || last.answer.status !== 200) return failure(last);
    const status = statusOf(await last.answer.body.text());
    if (status === 'succeeded') return { kind: 'finished', milliseconds: elapsed() };
    if (status === 'failed') return { kind: 'failed', reason: 'the canary analysis failed', call: undefined };
  }
  return { kind: 'unfinished', milliseconds: elapsed() };
}

function failure(call: CallOutcome): CanaryOutcome {
  if (call.kind === 'answered') void call.answer.body.dump().catch(() => undefined);
  return { kind: 'failed', reason: describeOutcome(call), call };
}

function statusOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'status' in value ? value.status : undefined;
  } catch {
    return undefined;
  }
}
