import { type ModelId, parseModelId, ServiceError, v2 } from '@formhaven/contract';
import type { ProofOutcome } from '../proof/outcome.ts';
import { prove } from '../proof/prove.ts';
import type { AuditEvent } from '../state/audit-chain.ts';
import { keyText, type Replica, type ReplicaKey, type ReplicaPhase, targetIdOf } from '../state/state.ts';
import { reasonOf } from './look.ts';
import type { Authorizations, Pair, ReplicationParts } from './parts.ts';
import { nextTrouble } from './trouble.ts';

// Takes one copy as far as it goes: waiting → reserved → copying → unproven → protected (see state.ts). Each step is written down
// before the next begins, and each may find that an earlier life took it already. What fails becomes the replica's trouble and is
// tried again later; nothing here throws but the caller's own end.

/** Within one attempt: an authorization that ran out, or was spoilt on the way, is replaced at once. */
const AUTHORIZATIONS_AN_ATTEMPT = 3;
const SENDS_AN_AUTHORIZATION = 3;
const FIRST_POLL_MILLISECONDS = 50;
const LONGEST_POLL_MILLISECONDS = 2000;

export interface AdvanceParts extends ReplicationParts {
  readonly authorizations: Authorizations;
}

/** An attempt came to its end without the copy being there. */
class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed';
}

/** Until it is protected, in conflict, or in trouble. */
export async function advance(key: ReplicaKey, pair: Pair, parts: AdvanceParts, signal: AbortSignal): Promise<void> {
  const attempt = new Attempt(key, pair, parts, signal);
  try {
    await attempt.run();
  } catch (error) {
    signal.throwIfAborted();
    attempt.fail(reasonOf(error));
  }
}

/** Proves again what is there. */
export async function proveAgain(key: ReplicaKey, pair: Pair, parts: AdvanceParts, signal: AbortSignal): Promise<void> {
  const attempt = new Attempt(key, pair, parts, signal);
  try {
    await attempt.proveNow();
  } catch (error) {
    signal.throwIfAborted();
    attempt.fail(reasonOf(error));
  }
}

class Attempt {
  readonly #key: ReplicaKey;
  readonly #pair: Pair;
  readonly #parts: AdvanceParts;
  readonly #signal: AbortSignal;
  #authorizationsLeft = AUTHORIZATIONS_AN_ATTEMPT;
  #refusal = 'no authorization held until the copy was taken';

  constructor(key: ReplicaKey, pair: Pair, parts: AdvanceParts, signal: AbortSignal) {
    this.#key = key;
    this.#pair = pair;
    this.#parts = parts;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    for (;;) {
      const replica = this.#replica();
      if (replica === undefined) return;
      const { state } = replica;
      switch (state.phase) {
        case 'waiting':
          await this.#reserve(replica);
          break;
        case 'reserved':
          await this.#start(replica, state.targetId);
          break;
        case 'copying':
          await this.#follow(replica, state);
          break;
        case 'unproven':
          await this.proveNow();
          return;
        case 'protected':
        case 'conflict':
          return;
        default:
          throw new TypeError(`unknown phase ${JSON.stringify(state satisfies never)}`);
      }
    }
  }

  fail(error: string): void {
    const { state, clock, report } = this.#parts;
    const replica = this.#replica();
    if (replica === undefined) return;
    const token = this.#parts.authorizations.get(keyText(this.#key))?.accessToken;
    const said = token === undefined ? error : error.replaceAll(token, '***');
    this.#parts.authorizations.delete(keyText(this.#key));
    const failed = { ...replica, trouble: nextTrouble(replica.trouble, said, clock.now()) };
    const isFirst = replica.trouble?.error !== failed.trouble.error;
    state.transact({ durable: false }, (writing) => {
      writing.putReplica(failed);
      // The log says once that something does not work, not at each attempt.
      if (isFirst) writing.record(this.#audited('copy-failed', { error: said.slice(0, 500) }));
    });
    report({ event: 'failed', replica: failed, error: said });
  }

  async #reserve(replica: Replica): Promise<void> {
    if (this.#authorizationsLeft-- === 0) throw new AttemptFailed(this.#refusal);
    const { authorization } = await this.#pair.target.api.authorizeCopy({ signal: this.#signal });
    const targetId = parseModelId(authorization.modelId);
    if (targetId === undefined) throw new AttemptFailed('the authorization names no model');
    this.#parts.authorizations.set(keyText(this.#key), this.#onTime(authorization));
    const reserved = this.#put(replica, { phase: 'reserved', targetId });
    this.#parts.report({ event: 'copying', replica: reserved });
  }

  /**
   * An authorization that is given out as already expired tells of a clock that is off. A Formhaven source refuses what has plainly
   * run out, and a Formhaven target goes by the token and its own clock, so the date is told in ours. The cloud takes no other
   * number than its own.
   */
  #onTime(authorization: v2.CopyAuthorizationResult): v2.CopyAuthorizationResult {
    const { source, target } = this.#pair;
    const expiresOn = v2.readExpirationTicks(authorization.expirationDateTimeTicks);
    const isInTime = expiresOn === undefined || expiresOn.getTime() > this.#parts.clock.now();
    if (isInTime || source.replication === undefined || target.replication === undefined) return authorization;
    const hours = v2.V2_LIMITS.copyAuthorizationHours;
    const corrected = new Date(this.#parts.clock.now() + hours * 3_600_000);
    return { ...authorization, expirationDateTimeTicks: v2.writeExpirationTicks(corrected) };
  }

  async #start(replica: Replica, targetId: ModelId): Promise<void> {
    const authorization = this.#parts.authorizations.get(keyText(this.#key));
    if (authorization === undefined || authorization.modelId.toLowerCase() !== targetId) {
      // An earlier life reserved it and may have started the copy; its token is gone with it.
      await this.#settle(replica, targetId, 'the authorization was lost with the process that had it');
      return;
    }
    const { source, target } = this.#pair;
    for (let sendsLeft = SENDS_AN_AUTHORIZATION; ; sendsLeft--) {
      try {
        const { resultId } = await source.api.copy(
          this.#key.sourceId,
          {
            targetResourceId: target.resourceId,
            targetResourceRegion: target.region,
            copyAuthorization: authorization,
          },
          { signal: this.#signal },
        );
        this.#put(replica, { phase: 'copying', targetId, resultId, since: this.#parts.clock.now() });
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        // No answer: it may have been taken. The same authorization again makes at most one model.
        if (error instanceof v2.RequestFailure && sendsLeft > 1) {
          await this.#parts.clock.sleep(FIRST_POLL_MILLISECONDS * 4, this.#signal);
          continue;
        }
        if (error instanceof ServiceError && isAuthorizationRefused(error)) {
          this.#refusal = `the authorization was refused: ${error.message}`;
          this.#abandon(replica, targetId, this.#refusal);
          return;
        }
        if (error instanceof ServiceError && error.status < 500 && error.status !== 429) {
          this.#abandon(replica, targetId, 'the copy was refused');
        }
        throw error;
      }
    }
  }

  async #follow(replica: Replica, copying: Extract<ReplicaPhase, { phase: 'copying' }>): Promise<void> {
    const { clock, copyPatienceMilliseconds } = this.#parts;
    const { targetId, resultId, since } = copying;
    const { source } = this.#pair;
    let wait = FIRST_POLL_MILLISECONDS;
    for (;;) {
      const result = await known(source.api.getCopyResult(this.#key.sourceId, resultId, { signal: this.#signal }));
      if (result === 'unknown') {
        await this.#settle(replica, targetId, 'the source does not know of the copy any more');
        return;
      }
      if (result.status === 'succeeded') {
        await this.#settle(replica, targetId, 'the source says that it copied, and the target has no such model');
        return;
      }
      if (result.status === 'failed') {
        const error = result.copyResult?.errors?.[0];
        const isRefused = /authorization/i.test(`${error?.code} ${error?.message}`);
        const said = `the copy failed: ${error?.code ?? 'no code'} ${error?.message ?? ''}`.trim();
        await this.#settle(replica, targetId, said, isRefused);
        return;
      }
      if (clock.now() - since > copyPatienceMilliseconds) {
        await this.#settle(
          replica,
          targetId,
          `the copy was accepted and not finished in ${copyPatienceMilliseconds / 1000} s`,
        );
        return;
      }
      await clock.sleep(wait, this.#signal);
      wait = Math.min(LONGEST_POLL_MILLISECONDS, wait * 1.5);
    }
  }

  /**
   * The target alone says whether the copy is there. Where it is not, the attempt is over and its reservation a leftover.
   * `isRefused`: worth another authorization at once.
   */
  async #settle(replica: Replica, targetId: ModelId, otherwise: string, isRefused = false): Promise<void> {
    const model = await known(this.#pair.target.api.getModel(targetId, { signal: this.#signal }));
    if (model !== 'unknown' && model.modelInfo.status === 'ready') {
      const copied = { ...replica, state: { phase: 'unproven', targetId, reason: 'not proven yet' } as const };
      this.#parts.state.transact({ durable: false }, (writing) => {
        writing.putReplica(copied);
        writing.record(this.#audited('copied', { target: targetId }));
      });
      this.#parts.authorizations.delete(keyText(this.#key));
      this.#parts.report({ event: 'copied', replica: copied });
      return;
    }
    this.#refusal = otherwise;
    this.#abandon(replica, targetId, otherwise);
    if (!isRefused) throw new AttemptFailed(otherwise);
  }

  #abandon(replica: Replica, targetId: ModelId, reason: string): void {
    this.#parts.authorizations.delete(keyText(this.#key));
    this.#parts.state.transact({ durable: false }, (writing) => {
      writing.putReplica({ ...replica, state: { phase: 'waiting', reason, isDrifted: false } });
      writing.putLeftover({ region: this.#key.to, modelId: targetId, kind: 'reserved', of: this.#key });
    });
  }

  async proveNow(): Promise<void> {
    const replica = this.#replica();
    const targetId = replica === undefined ? undefined : targetIdOf(replica);
    if (replica === undefined || targetId === undefined) return;
    const { clock, nonce } = this.#parts;
    const { source, target, canaries } = this.#pair;
    const documents = (await canaries?.({ name: replica.name })) ?? [];
    const outcome = await prove(
      { source, sourceId: this.#key.sourceId, target, targetId, documents },
      { clock, nonce, signal: this.#signal },
    );
    this.#conclude(replica, targetId, outcome);
  }

  #conclude(replica: Replica, targetId: ModelId, outcome: ProofOutcome): void {
    const { state, clock, report } = this.#parts;
    const now = clock.now();
    const behindSince = replica.behindSince ?? now;
    switch (outcome.outcome) {
      case 'proven': {
        const proven: Replica = {
          ...replica,
          behindSince: undefined,
          trouble: undefined,
          state: { phase: 'protected', targetId, proof: { on: now, levels: outcome.levels } },
        };
        // A proof that a power cut takes is made again; waiting for the disk thousands of times would hold up the others.
        state.transact({ durable: false }, (writing) => {
          writing.putReplica(proven);
          writing.record(this.#audited('proven', { target: targetId, levels: outcome.levels }));
        });
        const took = replica.behindSince === undefined ? undefined : now - replica.behindSince;
        report({ event: 'proven', replica: proven, milliseconds: took });
        return;
      }
      case 'different':
        // Equal bytes that find other fields: another copy would find them too. A person has to look at the releases.
        if (outcome.level === 'canary' && this.#areBytesCompared()) {
          this.#stay(replica, targetId, `same bytes, other fields: ${outcome.difference}`, behindSince);
        } else this.#replace(replica, targetId, `${outcome.level}: ${outcome.difference}`, behindSince);
        return;
      case 'damaged':
        if (outcome.side === 'target') this.#replace(replica, targetId, `damaged: ${outcome.message}`, behindSince);
        else this.#conflict(replica, targetId, `the source is damaged: ${outcome.message}`, behindSince);
        return;
      case 'gone':
        // Without its source there is nothing to compare; the next look says what became of it.
        if (outcome.side === 'source')
          this.#stay(replica, targetId, 'the source did not have it any more', behindSince);
        else this.#replace(replica, targetId, 'the target does not have it any more', behindSince);
        return;
      case 'impossible':
        this.#stay(replica, targetId, outcome.reason, behindSince);
        return;
      default:
        throw new TypeError(`unknown outcome ${JSON.stringify(outcome satisfies never)}`);
    }
  }

  #areBytesCompared(): boolean {
    return this.#pair.source.replication !== undefined && this.#pair.target.replication !== undefined;
  }

  /** Copied and not proven, without anything to be done about it now. */
  #stay(replica: Replica, targetId: ModelId, reason: string, behindSince: number): void {
    const staying: Replica = { ...replica, behindSince, state: { phase: 'unproven', targetId, reason } };
    this.#giveUp(staying, reason, 'proof-failed');
  }

  /** The copy is no good: another one is made, and this one kept until that is proven. */
  #replace(replica: Replica, targetId: ModelId, reason: string, behindSince: number): void {
    const { state } = this.#parts;
    state.transact({ durable: true }, (writing) => {
      if (targetId !== replica.adopted) {
        writing.putLeftover({ region: this.#key.to, modelId: targetId, kind: 'superseded', of: this.#key });
      }
    });
    const waiting: Replica = {
      ...replica,
      behindSince,
      adopted: undefined,
      state: { phase: 'waiting', reason, isDrifted: true },
    };
    this.#giveUp(waiting, reason, 'proof-failed');
  }

  #conflict(replica: Replica, targetId: ModelId, reason: string, behindSince: number): void {
    const { report } = this.#parts;
    const state = { phase: 'conflict', targetId, cause: 'sourceDamaged', reason } as const;
    this.#giveUp({ ...replica, behindSince, state }, reason, 'proof-failed');
    report({ event: 'conflict', replica, reason });
  }

  #giveUp(replica: Replica, reason: string, event: AuditEvent['event']): void {
    const { state, clock, report } = this.#parts;
    const failed = { ...replica, trouble: nextTrouble(replica.trouble, reason, clock.now()) };
    state.transact({ durable: true }, (writing) => {
      writing.putReplica(failed);
      if (replica.trouble?.error !== failed.trouble.error) writing.record(this.#audited(event, { reason }));
    });
    report({ event: 'failed', replica: failed, error: reason });
  }

  #replica(): Replica | undefined {
    return this.#parts.state.replica(this.#key);
  }

  #put(replica: Replica, phase: ReplicaPhase): Replica {
    const next = { ...replica, state: phase };
    this.#parts.state.transact({ durable: false }, (writing) => writing.putReplica(next));
    return next;
  }

  #audited(event: AuditEvent['event'], details: AuditEvent['details']): AuditEvent {
    const { from, sourceId, to } = this.#key;
    return { event, on: this.#parts.clock.now(), details: { from, source: sourceId, to, ...details } };
  }
}

/** 400 with 1002 is what the service says to an authorization that is malformed, altered or has run out (recorded). */
function isAuthorizationRefused(error: ServiceError): boolean {
  return error.status === 400 && error.code === '1002';
}

async function known<Value>(request: Promise<Value>): Promise<Value | 'unknown'> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 404) return 'unknown';
    throw error;
  }
}
