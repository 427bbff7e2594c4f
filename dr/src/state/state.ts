import type { ModelId, OperationId, Sha256 } from '@formhaven/contract';
import type { RegionName } from '../config/config.ts';
import type { ProofLevel } from '../proof/outcome.ts';
import type { AuditEntry, AuditEvent } from './audit-chain.ts';

// What the orchestrator must not forget. Everything else it can see again by looking at the regions.
//
// A copy goes through: waiting → reserved (the target gave an id) → copying (the source accepted) → unproven (it is there) →
// protected (proven). From any of them back to waiting when it is lost or found wrong; then its old target becomes a leftover,
// which is removed only when nothing needs it any more. Conflict is where only a person can decide.

/** Which model, and where to. */
export interface ReplicaKey {
  readonly from: RegionName;
  readonly sourceId: ModelId;
  readonly to: RegionName;
}

export interface Proof {
  readonly on: number;
  readonly levels: readonly ProofLevel[];
}

export type ReplicaPhase =
  /** `isDrifted`: it was copied before, and that copy was found missing or wrong. */
  | { readonly phase: 'waiting'; readonly reason: string; readonly isDrifted: boolean }
  /** The copy token is held in memory alone: a crash here costs a new authorization. */
  | { readonly phase: 'reserved'; readonly targetId: ModelId }
  | { readonly phase: 'copying'; readonly targetId: ModelId; readonly resultId: OperationId; readonly since: number }
  | { readonly phase: 'unproven'; readonly targetId: ModelId; readonly reason: string }
  | { readonly phase: 'protected'; readonly targetId: ModelId; readonly proof: Proof }
  | {
      readonly phase: 'conflict';
      readonly targetId: ModelId | undefined;
      readonly cause: ConflictCause;
      readonly reason: string;
    };

export type ConflictCause =
  /** The source has other content under the same id. */
  | 'sourceChanged'
  /** The source cannot prove its own bytes; the copy may be the better one. */
  | 'sourceDamaged'
  /** The source does not have it, and does not know of a delete either. */
  | 'sourceLost';

/** The last thing that went wrong, and when to try again. */
export interface Trouble {
  readonly error: string;
  readonly attempts: number;
  readonly retryOn: number;
}

export interface Replica extends ReplicaKey {
  readonly name: string | undefined;
  readonly sourceDigest: Sha256 | undefined;
  /** Since when it is not protected, by the orchestrator's clock: those of regions may differ by days. Undefined: it is. */
  readonly behindSince: number | undefined;
  readonly components: readonly ModelId[];
  /** A target that was there already when we came: it is used, and never deleted. */
  readonly adopted: ModelId | undefined;
  readonly state: ReplicaPhase;
  readonly trouble: Trouble | undefined;
}

/** A model at a target that we made and that is not, or no longer, the copy of anything. */
export interface Leftover {
  readonly region: RegionName;
  readonly modelId: ModelId;
  /** `superseded` ones may be all there is of a model until its next copy is proven. */
  readonly kind: 'reserved' | 'superseded';
  readonly of: ReplicaKey;
}

/** A model deleted at its source. `order` numbers them. */
export interface Tombstone extends ReplicaKey {
  readonly order: number;
  readonly seenOn: number;
  /** Undefined: the policy keeps the copy for ever. */
  readonly dueOn: number | undefined;
}

/** What a region was when we last saw it. */
export interface KnownRegion {
  readonly region: RegionName;
  readonly instance: string | undefined;
  readonly lookedOn: number;
}

export interface AliasVersion {
  readonly version: number;
  /** Where the model was made. Its copies are found by the replicas. */
  readonly region: RegionName;
  readonly modelId: ModelId;
  readonly modelName: string | undefined;
  readonly addedOn: number;
}

export interface Alias {
  readonly name: string;
  /** Newest last. */
  readonly versions: readonly AliasVersion[];
  /** Serves. Undefined until the first version is proven. */
  readonly current: number | undefined;
  /** The version that served before, and to which rollback goes. */
  readonly previous: number | undefined;
  /** Versions up to this one are never moved to by themselves: somebody rolled back from them. */
  readonly heldUpTo: number;
}

/** An objective that is missed, since when. */
export interface Miss {
  readonly policy: string;
  readonly to: RegionName;
  readonly since: number;
}

/**
 * Rows that survive the process, written and read at once: the state is small and local, and its one writer is the orchestrator
 * that holds the lock.
 */
export interface State extends Disposable {
  /**
   * All or nothing, with its audit entries. A `durable` transaction survives a power cut when it returns, another one the end of
   * the process only: what it tells can be seen again in the regions.
   */
  transact<Value>(options: { readonly durable: boolean }, change: (writing: StateWriting) => Value): Value;

  replicas(pair?: { readonly from: RegionName; readonly to: RegionName }): readonly Replica[];
  replica(key: ReplicaKey): Replica | undefined;
  leftovers(): readonly Leftover[];
  tombstones(): readonly Tombstone[];
  knownRegion(name: RegionName): KnownRegion | undefined;
  aliases(): readonly Alias[];
  alias(name: string): Alias | undefined;
  misses(): readonly Miss[];
  /** In their order. */
  audit(): Iterable<AuditEntry>;
  auditHead(): { readonly sequence: number; readonly hash: Sha256 } | undefined;
}

export interface StateWriting {
  putReplica(replica: Replica): void;
  removeReplica(key: ReplicaKey): void;
  putLeftover(leftover: Leftover): void;
  removeLeftover(leftover: Pick<Leftover, 'region' | 'modelId'>): void;
  /** Numbers it. */
  bury(tombstone: Omit<Tombstone, 'order'>): void;
  unbury(key: ReplicaKey): void;
  putKnownRegion(known: KnownRegion): void;
  putAlias(alias: Alias): void;
  removeAlias(name: string): void;
  putMiss(miss: Miss): void;
  removeMiss(miss: Pick<Miss, 'policy' | 'to'>): void;
  record(event: AuditEvent): void;
}

/** Under which a replica is known wherever one text must do. */
export function keyText(key: ReplicaKey): string {
  return `${key.from}/${key.sourceId}>${key.to}`;
}

/** The model at the target, whether proven or not. */
export function targetIdOf(replica: Replica): ModelId | undefined {
  return 'targetId' in replica.state ? replica.state.targetId : undefined;
}
