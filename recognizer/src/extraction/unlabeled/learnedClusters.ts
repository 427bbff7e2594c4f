import type { PageText } from '../pageModel.ts';

/** What an unlabelled model keeps: the sample pages by form type, and how often each key had a value. */
export interface LearnedClusters {
  readonly clusters: readonly LearnedCluster[];
}

export interface LearnedCluster {
  readonly pages: readonly PageText[];
  /** By text of the key, 0 to 1. */
  readonly keyShares: Readonly<Record<string, number>>;
}
