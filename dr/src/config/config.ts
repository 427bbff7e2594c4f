import type { Region, ResourceId, v2 } from '@formhaven/contract';

// The configuration once it is understood: defaults filled in, names checked, durations in milliseconds.

/** Name of a region in `formhaven.yaml`. */
export type RegionName = string;

export type SecretSource = { readonly env: string } | { readonly file: string };

export interface Limits {
  readonly parallelCopies: number;
  readonly readsPerSecond: number;
  readonly listsPerSecond: number;
  readonly writesPerSecond: number;
  readonly analysesPerSecond: number;
}

export interface RegionConfig {
  readonly name: RegionName;
  readonly kind: 'formhaven' | 'azure';
  readonly endpoint: string;
  readonly region: Region;
  readonly resourceId: ResourceId;
  readonly version: v2.V2Version;
  readonly key: SecretSource;
  readonly limits: Limits;
}

export interface Filter {
  readonly names: readonly string[] | undefined;
  readonly exceptNames: readonly string[];
  readonly ids: readonly string[] | undefined;
}

export type Deletes =
  | { readonly kind: 'never' }
  /** `guardShare`: 0 to 1. */
  | { readonly kind: 'afterGrace'; readonly graceMilliseconds: number; readonly guardShare: number };

export interface Policy {
  readonly name: string;
  readonly from: RegionName;
  readonly to: readonly RegionName[];
  readonly filter: Filter;
  readonly rpoMilliseconds: number;
  readonly rtoMilliseconds: number | undefined;
  readonly deletes: Deletes;
  /** Absolute path of a folder. */
  readonly canaries: string | undefined;
  readonly proveEveryMilliseconds: number;
  readonly aliases: 'byName' | 'none';
}

export interface Config {
  readonly dataFolder: string;
  readonly pollMilliseconds: number;
  readonly regions: ReadonlyMap<RegionName, RegionConfig>;
  readonly policies: readonly Policy[];
  readonly webhook: SecretSource | undefined;
}

/** The service's documented rates (15 analyses, 50 reads, 10 lists, 5 management calls a second), less a margin for others. */
export const AZURE_LIMITS: Limits = {
  parallelCopies: 4,
  readsPerSecond: 40,
  listsPerSecond: 8,
  writesPerSecond: 4,
  analysesPerSecond: 10,
};

/** Our own regions throttle by queue length alone; these keep one orchestrator from filling it. */
export const FORMHAVEN_LIMITS: Limits = {
  parallelCopies: 16,
  readsPerSecond: 1000,
  listsPerSecond: 200,
  writesPerSecond: 400,
  analysesPerSecond: 50,
};
