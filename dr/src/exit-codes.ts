import type { PairStatus } from './status/assess.ts';

/** What the commands end with; `docs/replication.md` explains each. */
export const EXIT = {
  /** All well: every model protected, both sides equal and proven. */
  fine: 0,
  failed: 1,
  /** The command line or `formhaven.yaml` was not understood. */
  notUnderstood: 2,
  /** Some model is not protected, or differs, within the objective. */
  notProtected: 3,
  objectiveMissed: 4,
  /** A region did not answer: what is said of it is what was known before. */
  unreachable: 5,
  /** The mass-delete guard holds deletes until somebody looks. */
  held: 6,
} as const;

/** For `status` and `replicate`. Models that are only at the target, and copies that are expiring, need nobody. */
export function statusExitCode(statuses: readonly PairStatus[]): number {
  if (statuses.some(({ isMissed }) => isMissed)) return EXIT.objectiveMissed;
  if (statuses.some(({ unreachable }) => unreachable.length > 0)) return EXIT.unreachable;
  const open = statuses.some(({ counts }) => counts.behind + counts.unproven + counts.drifted + counts.conflict > 0);
  return open ? EXIT.notProtected : EXIT.fine;
}

/** For `diff`: 0 only when equal and proven. */
export function diffExitCode(statuses: readonly PairStatus[]): number {
  if (statuses.some(({ unreachable }) => unreachable.length > 0)) return EXIT.unreachable;
  return statuses.every(({ models }) => models.every(({ sign }) => sign === '=')) ? EXIT.fine : EXIT.notProtected;
}
