/** Deletes within this time count as one event. */
export const GUARD_WINDOW_MILLISECONDS = 3_600_000;

/**
 * How many deletes may still be believed. A single delete always may, whatever its share; a share of more than `guardShare` of all
 * copies within the window looks like an accident, and then none is.
 */
export function isMassDelete(deletes: {
  readonly fresh: number;
  readonly recent: number;
  readonly copies: number;
  readonly guardShare: number;
}): boolean {
  const { fresh, recent, copies, guardShare } = deletes;
  return fresh > 0 && fresh + recent > Math.max(1, Math.floor(copies * guardShare));
}
