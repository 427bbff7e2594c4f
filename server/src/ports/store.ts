import type { ModelId, OperationId, Region, ResourceId, Sha256 } from '@formhaven/contract';
import type { Failure } from '../failure.ts';
import type { NewJob } from './queue.ts';

// ---- resources -------------------------------------------------------------------------------------------------------

/** An account in this region. Models and operations belong to one. */
export interface Resource {
  /** Last segment of the resource id. */
  readonly name: string;
  readonly resourceId: ResourceId;
}

export type KeySlot = 1 | 2;

/** A key is stored only as the SHA-256 of its text: 128 random bits need no slow hash. */
export interface KeyHash {
  readonly resource: string;
  readonly slot: KeySlot;
  readonly hash: Sha256;
}

// ---- models ----------------------------------------------------------------------------------------------------------

export type ModelState =
  /** Being trained or composed, or reserved by a copy authorization; nothing but its id and dates is visible. */
  | { readonly status: 'creating'; readonly by: 'train' | 'copy' }
  /** `manifest` is the canonical JSON whose SHA-256 is `digest`. */
  | { readonly status: 'ready'; readonly digest: Sha256; readonly manifest: string }
  | { readonly status: 'invalid'; readonly errors: readonly Failure[] };

export interface Model {
  readonly id: ModelId;
  readonly resource: string;
  readonly createdOn: Date;
  readonly lastUpdatedOn: Date;
  readonly name: string | undefined;
  readonly state: ModelState;
}

export interface ModelPage {
  readonly models: readonly Model[];
  /** Pass as `after` for the next page; undefined on the last. */
  readonly next: ModelId | undefined;
}

export interface ModelSummary {
  readonly count: number;
  /** Undefined where there is no model. */
  readonly lastUpdatedOn: Date | undefined;
}

/** What last happened to a model: it became ready, or it was ready and was deleted. */
export interface ModelChange {
  /** Rises with every change of the region, in the order of the commits. */
  readonly sequence: number;
  readonly modelId: ModelId;
  readonly change: 'ready' | 'deleted';
  readonly changedOn: Date;
}

// ---- operations ------------------------------------------------------------------------------------------------------

export type OperationKind = 'train' | 'analyze' | 'layout' | 'copy';

export type OperationState =
  | { readonly status: 'notStarted' }
  | { readonly status: 'running' }
  /** The result of an analysis lies in the blobs under `results/{operation id}`. */
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed'; readonly errors: readonly Failure[] };

export type TerminalState = Extract<OperationState, { status: 'succeeded' | 'failed' }>;

export interface Operation {
  readonly id: OperationId;
  readonly kind: OperationKind;
  readonly resource: string;
  /** The model trained, analyzed with, or copied from. Undefined for layout. */
  readonly modelId: ModelId | undefined;
  readonly createdOn: Date;
  readonly lastUpdatedOn: Date;
  /** From then on it is unknown and its blobs are swept. */
  readonly expiresOn: Date;
  /** JSON made and read by requests.ts, one shape per kind. Holds secrets of a request only sealed (see seal.ts). */
  readonly request: string;
  readonly state: OperationState;
}

// ---- copy ------------------------------------------------------------------------------------------------------------

/** The target's permission to copy one model in. */
export interface CopyAuthorization {
  /** The reserved target model. */
  readonly modelId: ModelId;
  readonly resource: string;
  /** SHA-256 of the access token's text. */
  readonly tokenHash: Sha256;
  readonly createdOn: Date;
  readonly expiresOn: Date;
  /** Set by the publication it was used up by: the copy operation's id on the source, and what was published. */
  readonly used: { readonly by: string; readonly digest: Sha256 } | undefined;
}

export type PublishOutcome =
  | { readonly outcome: 'published' }
  /** The same copy was published before: a repeated request. */
  | { readonly outcome: 'alreadyPublished' }
  /** Used up by another copy, or the same one with another digest. */
  | { readonly outcome: 'used' }
  | { readonly outcome: 'expired' }
  /** No such authorization, or the reserved model is gone. */
  | { readonly outcome: 'unknown' };

// ---- the port --------------------------------------------------------------------------------------------------------

/**
 * The rows of one region. Every method is one transaction, durable when it resolves (survives a power cut), and safe to call
 * from several processes at once. Rows written for an operation that is terminal already are not written: `false` says so.
 */
export interface Store extends AsyncDisposable {
  // resources and keys
  /** Before anything else of that resource is stored. */
  putResource(resource: Resource): Promise<void>;
  resources(): Promise<readonly Resource[]>;
  /** Replaces the key in that slot. */
  putKey(key: KeyHash): Promise<void>;
  keys(): Promise<readonly KeyHash[]>;

  // models
  getModel(resource: string, id: ModelId): Promise<Model | undefined>;
  /** In any state, ordered by id. */
  listModels(
    resource: string,
    page: { readonly after: ModelId | undefined; readonly limit: number },
  ): Promise<ModelPage>;
  summarizeModels(resource: string): Promise<ModelSummary>;
  /** A model that is complete as it comes: a composed one. */
  addModel(model: Model): Promise<void>;
  /** Also withdraws its copy authorization. False where there is no such model. */
  deleteModel(resource: string, id: ModelId, now: Date): Promise<boolean>;
  /** Digests and manifests of every ready model of the region, for the sweeper. Models published meanwhile may be missed. */
  manifests(): AsyncIterable<{ readonly digest: Sha256; readonly manifest: string }>;

  // change feed
  /** The database's own id, made with it and never again, and the number of the last change of the region. */
  changePosition(): Promise<{ readonly instance: string; readonly last: number }>;
  /** The last change of each model that changed after that number, oldest first. */
  listChanges(
    resource: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly ModelChange[]>;
  /** Undefined where the model was never ready here. */
  findChange(resource: string, id: ModelId): Promise<ModelChange | undefined>;

  // operations
  /** The operation, its job and, for training, its `creating` model: all or nothing. */
  accept(accepted: { readonly operation: Operation; readonly job: NewJob; readonly model?: Model }): Promise<void>;
  getOperation(resource: string, id: OperationId): Promise<Operation | undefined>;
  /** For workers, which act for every resource. */
  findOperation(id: OperationId): Promise<Operation | undefined>;
  /** notStarted → running. False where it is terminal or gone. */
  startOperation(id: OperationId, now: Date): Promise<boolean>;
  /**
   * → terminal, with the job removed and, for training, the model's outcome stored, in one transaction. A model deleted
   * meanwhile stays deleted and a training then ends `failed`. False where the operation was terminal or gone (the job is removed all the same).
   */
  finishOperation(finished: {
    readonly id: OperationId;
    readonly state: TerminalState;
    readonly now: Date;
    readonly model?: {
      readonly id: ModelId;
      readonly state: Exclude<ModelState, { status: 'creating' }>;
      readonly lastUpdatedOn: Date;
    };
  }): Promise<boolean>;

  // copy, target side
  /** Reserves the `creating` model and stores its authorization. */
  authorizeCopy(reserved: { readonly model: Model; readonly authorization: CopyAuthorization }): Promise<void>;
  /** By the reserved model, whatever resource: the token is the key to it. */
  findCopyAuthorization(modelId: ModelId): Promise<CopyAuthorization | undefined>;
  /** Makes the reserved model ready and uses up its authorization. */
  publishCopy(copy: {
    readonly modelId: ModelId;
    readonly by: string;
    readonly digest: Sha256;
    readonly manifest: string;
    readonly name: string | undefined;
    readonly createdOn: Date;
    readonly lastUpdatedOn: Date;
    readonly now: Date;
  }): Promise<PublishOutcome>;

  // hygiene
  /** Removes expired terminal operations and expired unused authorizations with their reserved models. Returns what is gone. */
  expire(now: Date): Promise<{ readonly operations: readonly OperationId[]; readonly models: readonly ModelId[] }>;
  /** Which of these operations exist. */
  knownOperations(ids: readonly OperationId[]): Promise<ReadonlySet<OperationId>>;
  /** Folds the write-ahead log back where there is one. */
  checkpoint(): Promise<void>;
}

/** The region a store belongs to, checked when it is opened: one folder never serves two regions. */
export interface StoreIdentity {
  readonly region: Region;
}
