import type { ReplicationEvent } from '../replicate/parts.ts';
import type { State } from '../state/state.ts';
import type { PairStatus } from './assess.ts';

/** Tells once when an objective is missed and once when it is met again, across restarts. */
export function trackObjective(
  status: PairStatus,
  parts: { readonly state: State; readonly now: number; readonly report: (event: ReplicationEvent) => void },
): void {
  const { policy, to, lagMilliseconds, isMissed } = status;
  const { state, now, report } = parts;
  const miss = state.misses().find((entry) => entry.policy === policy && entry.to === to);
  if (isMissed === (miss !== undefined)) return;
  const event = isMissed ? 'objective-missed' : 'objective-met';
  state.transact({ durable: true }, (writing) => {
    if (isMissed) writing.putMiss({ policy, to, since: now });
    else writing.removeMiss({ policy, to });
    writing.record({ event, on: now, details: { policy, to, lagSeconds: Math.round(lagMilliseconds / 1000) } });
  });
  report({ event, policy, to, lagMilliseconds });
}
