import { reasonOf } from '../replicate/look.ts';
import type { Pair, ReplicationParts } from '../replicate/parts.ts';
import { type Replica, targetIdOf } from '../state/state.ts';
import type { ProofOutcome } from './outcome.ts';
import { prove } from './prove.ts';

export interface Verified {
  readonly replica: Replica;
  /** `unreachable`: a side gave no answer, so that nothing is known. */
  readonly outcome: ProofOutcome | { readonly outcome: 'unreachable'; readonly reason: string };
}

/**
 * Proves one copy now, also beside an orchestrator that watches: what it finds is written down only where nothing was done to the
 * copy meanwhile, and a copy that is not proven is left for the next round of replication to deal with.
 */
export async function verifyReplica(
  replica: Replica,
  pair: Pair,
  parts: ReplicationParts,
  signal: AbortSignal,
): Promise<Verified | undefined> {
  const targetId = targetIdOf(replica);
  const { phase } = replica.state;
  if (targetId === undefined || phase === 'reserved' || phase === 'copying') return undefined;
  const { state, clock, nonce } = parts;
  const { source, target, canaries } = pair;
  let outcome: ProofOutcome;
  try {
    const documents = (await canaries?.({ name: replica.name })) ?? [];
    outcome = await prove(
      { source, sourceId: replica.sourceId, target, targetId, documents },
      { clock, nonce, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    return { replica, outcome: { outcome: 'unreachable', reason: reasonOf(error) } };
  }
  const on = clock.now();
  state.transact({ durable: true }, (writing) => {
    const now = state.replica(replica);
    if (now === undefined || JSON.stringify(now) !== JSON.stringify(replica)) return;
    const { from, sourceId, to } = replica;
    const details = { from, source: sourceId, to, target: targetId };
    if (outcome.outcome === 'proven') {
      const proven = { phase: 'protected', targetId, proof: { on, levels: outcome.levels } } as const;
      writing.putReplica({ ...now, state: proven, behindSince: undefined, trouble: undefined });
      writing.record({ event: 'proven', on, details: { ...details, levels: outcome.levels } });
    } else {
      const reason = presentOutcome(outcome);
      writing.putReplica({
        ...now,
        behindSince: now.behindSince ?? on,
        trouble: undefined,
        state: { phase: 'unproven', targetId, reason },
      });
      writing.record({ event: 'proof-failed', on, details: { ...details, reason } });
    }
  });
  return { replica, outcome };
}

export function presentOutcome(outcome: Verified['outcome']): string {
  switch (outcome.outcome) {
    case 'proven':
      return `proven by ${outcome.levels.join(', ')}`;
    case 'different':
      return `${outcome.level}: ${outcome.difference}`;
    case 'damaged':
      return `the ${outcome.side} is damaged: ${outcome.message}`;
    case 'gone':
      return `the ${outcome.side} does not have it any more`;
    case 'impossible':
    case 'unreachable':
      return outcome.reason;
    default:
      throw new TypeError(`unknown outcome ${JSON.stringify(outcome satisfies never)}`);
  }
}
