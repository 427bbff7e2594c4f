import type { Logger } from 'pino';
import type { GatewayConfig } from './config.ts';
import type { IdMap } from './id-map.ts';
import type { LiveValue } from './live-value.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Recovery } from './recovery.ts';
import type { Router } from './router.ts';
import type { Spool } from './spool/spool.ts';
import type { GatewayStore } from './store/store.ts';
import type { TokenBucket } from './token-bucket.ts';

/** What the handlers work with. */
export interface GatewayParts {
  readonly config: LiveValue<GatewayConfig>;
  readonly ids: { readonly current: IdMap };
  readonly store: GatewayStore;
  readonly spool: Spool;
  readonly router: Router;
  readonly recovery: Recovery;
  readonly metrics: GatewayMetrics;
  readonly retryBudget: TokenBucket;
  readonly log: Logger;
  readonly limits: GatewayLimits;
  /** Names this process in claims and the audit log. */
  readonly instance: string;
  /** Milliseconds since 1970 by a clock that does not jump, for what is stored and shown. */
  now(): number;
}

export interface GatewayLimits {
  readonly maxDocumentBytes: number;
  /** For a region to accept an analysis once its document is sent. */
  readonly acceptMilliseconds: number;
  /** For a region to answer a read. */
  readonly readMilliseconds: number;
  /** For a region to answer a write, which may take long: a refusal in time is better than an unknown outcome. */
  readonly writeMilliseconds: number;
  /** Accepting calls under way at one region. */
  readonly parallelPerRegion: number;
  /** An analysis that no region can take over is given up after this. */
  readonly lostAfterMilliseconds: number;
  /** How long a document outlives the delivery of its result, should the client ask again. */
  readonly keepDeliveredMilliseconds: number;
  /** How long a document waits for a client that never asks. */
  readonly keepDocumentsMilliseconds: number;
  readonly keepOperationsMilliseconds: number;
}
