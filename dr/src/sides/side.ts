import type { ModelId, Region, ResourceId, Sha256, v2 } from '@formhaven/contract';
import type { Limits, RegionName } from '../config/config.ts';

// A side is one region as the orchestrator sees it. Everything that moves a model is in the public API, which Azure has too; the
// replication API adds evidence and news where the region is a Formhaven.

/** The calls of the public API that replication makes; {@link v2.V2Client} has them. Errors as there. */
export type PublicApi = Pick<
  v2.V2Client,
  | 'listModelsPage'
  | 'getModel'
  | 'authorizeCopy'
  | 'copy'
  | 'getCopyResult'
  | 'deleteModel'
  | 'analyze'
  | 'getAnalyzeResult'
>;

export interface ModelRecord {
  readonly modelId: ModelId;
  readonly digest: Sha256;
  readonly name: string | undefined;
  readonly createdDateTime: string;
  readonly lastUpdatedDateTime: string;
  readonly isComposed: boolean;
}

/** What a region knows of a model it does not list. */
export type Whereabouts = 'ready' | 'unready' | 'deleted' | 'unknown';

export interface ChangePosition {
  /** Made with the region's database: another one means that the region is not what it was. */
  readonly instance: string;
  readonly last: number;
}

export interface CanaryFindings {
  readonly name: string;
  /** A path such as `0/Total` to the value there. */
  readonly found: Readonly<Record<string, string | null>>;
}

/** What a region says when it is asked for evidence. */
export type Evidence<Value> =
  | { readonly outcome: 'given'; readonly value: Value }
  /** Its own bytes are not those it should have. */
  | { readonly outcome: 'damaged'; readonly message: string }
  | { readonly outcome: 'gone' };

export interface ReplicationApi {
  position(options: { readonly signal: AbortSignal }): Promise<ChangePosition>;
  /** Resolves when something changed after the position, when it is not one of this region, or after the wait. */
  waitForChange(
    position: ChangePosition,
    options: { readonly waitSeconds: number; readonly signal: AbortSignal },
  ): Promise<ChangePosition & { readonly isReset: boolean }>;
  /** Ready models, all of them. */
  listRecords(options: { readonly signal: AbortSignal }): AsyncIterable<ModelRecord>;
  whereabouts(modelId: ModelId, options: { readonly signal: AbortSignal }): Promise<Whereabouts>;
  /** `proof`: HMAC under the nonce over every byte. */
  prove(
    modelId: ModelId,
    options: { readonly nonce: string; readonly signal: AbortSignal },
  ): Promise<Evidence<{ readonly digest: Sha256; readonly proof: Sha256 }>>;
  runCanary(
    modelId: ModelId,
    options: { readonly samples: number; readonly signal: AbortSignal },
  ): Promise<Evidence<{ readonly found: readonly CanaryFindings[]; readonly expected: readonly CanaryFindings[] }>>;
}

export interface Side {
  readonly name: RegionName;
  readonly region: Region;
  readonly resourceId: ResourceId;
  readonly version: v2.V2Version;
  readonly limits: Limits;
  readonly api: PublicApi;
  /** Undefined where the region offers the public API only. */
  readonly replication: ReplicationApi | undefined;
}
