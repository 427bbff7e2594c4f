import { type ModelId, parseModelId, v2 } from '@formhaven/contract';
import { prove } from '../proof/prove.ts';
import type { ReplicationParts } from '../replicate/parts.ts';
import type { Side } from '../sides/side.ts';
import { keyText, type Replica, type ReplicaKey, targetIdOf } from '../state/state.ts';

export class UndeleteError extends Error {
  override readonly name = 'UndeleteError';
}

const DEADLINE_MILLISECONDS = 10 * 60_000;
const POLL_MILLISECONDS = 250;

/**
 * Brings a model back that was deleted at its source, from its copy: it is copied back, proven, and from then on the source of the
 * copy it came from. Returns its new id, since ids are never given twice.
 * @throws UndeleteError
 */
export async function undelete(
  replica: Replica,
  sides: { readonly source: Side; readonly target: Side },
  parts: ReplicationParts,
  signal: AbortSignal,
): Promise<ModelId> {
  const { source, target } = sides;
  const { state, clock, nonce } = parts;
  const copyId = targetIdOf(replica);
  if (copyId === undefined) throw new UndeleteError(`${replica.sourceId} has no copy in ${replica.to}`);
  const { authorization } = await source.api.authorizeCopy({ signal });
  const newId = parseModelId(authorization.modelId);
  if (newId === undefined) throw new UndeleteError('the authorization names no model');
  const { resultId } = await target.api.copy(
    copyId,
    {
      targetResourceId: source.resourceId,
      targetResourceRegion: source.region,
      copyAuthorization: authorization,
    },
    { signal },
  );
  const deadline = clock.now() + DEADLINE_MILLISECONDS;
  for (;;) {
    const { status, copyResult } = await target.api.getCopyResult(copyId, resultId, { signal });
    if (status === 'succeeded') break;
    if (status === 'failed') {
      throw new UndeleteError(`the copy back failed: ${copyResult?.errors?.[0]?.message ?? 'no reason given'}`);
    }
    if (clock.now() > deadline) throw new v2.DeadlineExceeded(DEADLINE_MILLISECONDS, status);
    await clock.sleep(POLL_MILLISECONDS, signal);
  }
  // What comes back is now the source: it is compared with the copy as a copy is with its source.
  const outcome = await prove(
    { source: target, sourceId: copyId, target: source, targetId: newId, documents: [] },
    { clock, nonce, signal },
  );
  if (outcome.outcome !== 'proven' && outcome.outcome !== 'impossible') {
    throw new UndeleteError(`the model came back as ${newId}, but could not be proven: ${outcome.outcome}`);
  }
  const key: ReplicaKey = { from: replica.from, sourceId: newId, to: replica.to };
  const now = clock.now();
  state.transact({ durable: true }, (writing) => {
    writing.removeReplica(replica);
    writing.unbury(replica);
    const isProven = outcome.outcome === 'proven';
    writing.putReplica({
      ...replica,
      ...key,
      trouble: undefined,
      behindSince: isProven ? undefined : now,
      state: isProven
        ? { phase: 'protected', targetId: copyId, proof: { on: now, levels: outcome.levels } }
        : { phase: 'unproven', targetId: copyId, reason: 'brought back, not proven yet' },
    });
    for (const alias of state.aliases()) {
      const versions = alias.versions.map((version) =>
        version.region === replica.from && version.modelId === replica.sourceId
          ? { ...version, modelId: newId }
          : version,
      );
      writing.putAlias({ ...alias, versions });
    }
    writing.record({
      event: 'undeleted',
      on: now,
      details: { key: keyText(replica), source: newId, target: copyId },
    });
  });
  return newId;
}
