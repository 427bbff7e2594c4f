import type { ModelId, OperationId, Region, v2 } from '@formhaven/contract';
import type { AnalysisTarget, WriteKind } from '../routed-request.ts';
import type { SpooledDocument } from '../spool/spool.ts';

// What several gateways have in common. Everything a method resolves with is durable. Times are milliseconds since 1970 and come
// from the caller; nothing here decides by comparing clocks of two machines, but for the claim of a rerun, whose worst outcome is
// an analysis run twice.

/** An analysis or copy that a region accepted through a gateway. */
export interface StoredOperation {
  /** The id clients poll: the one the first region gave it. */
  readonly id: OperationId;
  readonly version: v2.V2Version;
  readonly work: OperationWork;
  /** Where it runs now. */
  readonly region: Region;
  /** What that region calls the operation, and the model. */
  readonly regionOperationId: OperationId;
  readonly regionModelId: ModelId | undefined;
  /** Counts the regions it has been given to. A change names the one it expects. */
  readonly generation: number;
  readonly createdOn: number;
  readonly outcome: OperationOutcome;
}

export type OperationWork =
  | {
      readonly kind: 'analyze';
      readonly target: AnalysisTarget;
      readonly query: string;
      readonly contentType: string;
      /** Undefined once the result has been delivered and the document is gone. */
      readonly document: SpooledDocument | undefined;
    }
  | { readonly kind: 'copy'; readonly modelId: ModelId };

export type OperationOutcome =
  | { readonly status: 'open' }
  | { readonly status: 'delivered'; readonly deliveredOn: number }
  /** Given up by the gateways: no region that is left can run it. */
  | { readonly status: 'lost'; readonly lostOn: number; readonly message: string };

/** Who takes the writes. `epoch` is the fencing token: it grows with every change, and a write names the one it was begun under. */
export interface Leadership {
  readonly epoch: number;
  readonly region: Region;
  /** Draining: no write is begun until the switch, or until then if whoever drains has died. */
  readonly mode: { readonly kind: 'open' } | { readonly kind: 'draining'; readonly until: number };
  readonly since: number;
  readonly by: string;
  readonly reason: string;
}

export interface WriteTicket {
  readonly id: number;
  readonly epoch: number;
}

/** A write that was begun and not settled, or settled after its epoch had passed. */
export interface UnsettledWrite {
  readonly id: number;
  readonly epoch: number;
  readonly region: Region;
  readonly kind: WriteKind;
  readonly begunOn: number;
  readonly problem: 'unfinished' | 'unknownOutcome' | 'afterFailover';
}

export type ModelHome =
  | { readonly status: 'made'; readonly region: Region }
  /** Deleted by a client. Copies of it elsewhere are not served any more, though replication removes them later. */
  | { readonly status: 'deleted' };

export interface AuditEntry {
  readonly on: number;
  readonly by: string;
  readonly event: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Port. Every method may be called by several gateways at once. */
export interface GatewayStore extends AsyncDisposable {
  /** @throws where the id is there already */
  addOperation(operation: StoredOperation): Promise<void>;
  operation(id: OperationId): Promise<StoredOperation | undefined>;
  /** Idempotent; the first time counts. */
  markDelivered(id: OperationId, on: number): Promise<void>;
  markLost(id: OperationId, expected: { readonly generation: number }, on: number, message: string): Promise<boolean>;
  /** Analyses without outcome whose document is at hand, oldest first. */
  openAnalyses(region: Region, limit: number): Promise<readonly StoredOperation[]>;
  /**
   * The right to run an operation again, for a while. False where another gateway has it or the generation has passed. A right that
   * lies further ahead than `milliseconds` was taken under a clock that has since been set back, and does not count.
   */
  claimRerun(
    id: OperationId,
    claim: { readonly generation: number; readonly by: string; readonly now: number; readonly milliseconds: number },
  ): Promise<boolean>;
  /** Gives the right back, so that whoever comes next may try. */
  releaseRerun(id: OperationId, claim: { readonly by: string }): Promise<void>;
  /** False where the generation has passed: another gateway was faster, and its region counts. */
  moveOperation(
    id: OperationId,
    expected: { readonly generation: number },
    to: {
      readonly region: Region;
      readonly regionOperationId: OperationId;
      readonly regionModelId: ModelId | undefined;
    },
  ): Promise<boolean>;
  /** Documents that may go: delivered before one moment, or accepted before another. They are forgotten by this call. */
  takeDisposable(before: {
    readonly deliveredOn: number;
    readonly createdOn: number;
    readonly limit: number;
  }): Promise<readonly SpooledDocument[]>;
  isSpooled(key: string): Promise<boolean>;
  /** Forgets operations accepted before this moment. */
  forgetOperations(createdBefore: number): Promise<number>;
  countOpen(): Promise<number>;

  /** The first call decides; later ones get what is there. */
  leadership(initial: { readonly region: Region; readonly now: number }): Promise<Leadership>;
  /** A new epoch. Undefined where the epoch is not the expected one any more: someone else has moved it. */
  moveLeadership(
    expected: { readonly epoch: number },
    to: { readonly region: Region; readonly now: number; readonly by: string; readonly reason: string },
  ): Promise<Leadership | undefined>;
  setMode(expected: { readonly epoch: number }, mode: Leadership['mode']): Promise<boolean>;
  /** Undefined where the epoch has passed or is draining. Every write to a region is preceded by this. */
  beginWrite(
    epoch: number,
    write: { readonly region: Region; readonly kind: WriteKind; readonly now: number },
  ): Promise<WriteTicket | undefined>;
  /** False where the epoch passed while the write was under way; a success then stays listed as a conflict. */
  settleWrite(ticket: WriteTicket, outcome: 'done' | 'refused' | 'unknown'): Promise<boolean>;
  unsettledWrites(): Promise<readonly UnsettledWrite[]>;
  /** Takes what a person has seen off the list. */
  acknowledgeWrites(upToId: number): Promise<void>;

  putModelHome(modelId: ModelId, home: ModelHome): Promise<void>;
  modelHome(modelId: ModelId): Promise<ModelHome | undefined>;
  modelsMadeIn(region: Region): Promise<readonly ModelId[]>;

  /** Regions taken out by hand, with the reason. */
  isolations(): Promise<ReadonlyMap<Region, string>>;
  isolate(region: Region, reason: string): Promise<void>;
  release(region: Region): Promise<void>;

  audit(entry: AuditEntry): Promise<void>;
  auditLog(limit: number): Promise<readonly AuditEntry[]>;
}
