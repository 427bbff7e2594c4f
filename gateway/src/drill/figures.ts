import type { Attempt } from './load.ts';

/** What a drill found, in the terms of those who set objectives. Times in milliseconds. */
export interface DrillFigures {
  readonly sent: number;
  readonly good: number;
  readonly errors: number;
  /** Accepted by the gateway, and no right result came. Recovery point: each is a document that is gone. */
  readonly lostDocuments: number;
  /** From the fault to the end of the first analysis that was sent after it. Undefined where none ended well. */
  readonly firstGoodAnswer: number | undefined;
  /** The longest time without a good answer, before the fault and from it on. */
  readonly longestGapBefore: number;
  readonly longestGapAfter: number;
  readonly medianBefore: number | undefined;
  readonly medianAfter: number | undefined;
  readonly slowestAfter: number | undefined;
}

export function drillFigures(attempts: readonly Attempt[], faultAt: number): DrillFigures {
  const good = attempts.filter(({ outcome }) => outcome.kind === 'good');
  const before = good.filter(({ endedAt }) => endedAt < faultAt);
  const after = good.filter(({ endedAt }) => endedAt >= faultAt);
  const sentAfter = good.filter(({ sentAt }) => sentAt >= faultAt);
  const durations = (list: readonly Attempt[]): readonly number[] =>
    list.map(({ sentAt, endedAt }) => endedAt - sentAt).toSorted((a, b) => a - b);
  const ends = (list: readonly Attempt[]): readonly number[] =>
    list.map(({ endedAt }) => endedAt).toSorted((a, b) => a - b);
  const firstEnd = sentAfter.length === 0 ? undefined : Math.min(...sentAfter.map(({ endedAt }) => endedAt));
  return {
    sent: attempts.length,
    good: good.length,
    errors: attempts.filter(({ outcome }) => outcome.kind === 'error').length,
    lostDocuments: attempts.filter(
      ({ outcome, acceptedAt }) => outcome.kind === 'lost' || (outcome.kind === 'error' && acceptedAt !== undefined),
    ).length,
    firstGoodAnswer: firstEnd === undefined ? undefined : firstEnd - faultAt,
    longestGapBefore: longestGap(ends(before)),
    longestGapAfter: longestGap([faultAt, ...ends(after)]),
    medianBefore: median(durations(before)),
    medianAfter: median(durations(sentAfter)),
    slowestAfter: durations(after).at(-1),
  };
}

function longestGap(times: readonly number[]): number {
  let longest = 0;
  for (const [index, time] of times.entries()) longest = Math.max(longest, time - (times[index - 1] ?? time));
  return longest;
}

function median(sorted: readonly number[]): number | undefined {
  return sorted[Math.floor(sorted.length / 2)];
}
