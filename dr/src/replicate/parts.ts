import type { v2 } from '@formhaven/contract';
import type { Clock } from '../clock.ts';
import type { Policy, RegionName } from '../config/config.ts';
import type { CanaryFolder } from '../proof/canary-documents.ts';
import type { Side } from '../sides/side.ts';
import type { Replica, ReplicaKey, State } from '../state/state.ts';

/** Something that happened, for logs, progress and metrics. Never with a key, a token or the text of a document. */
export type ReplicationEvent =
  | { readonly event: 'copying'; readonly replica: Replica }
  | { readonly event: 'copied'; readonly replica: Replica }
  | { readonly event: 'proven'; readonly replica: Replica; readonly milliseconds: number | undefined }
  | { readonly event: 'failed'; readonly replica: Replica; readonly error: string }
  | { readonly event: 'conflict'; readonly replica: Replica; readonly reason: string }
  | { readonly event: 'unreachable'; readonly region: RegionName; readonly reason: string }
  | { readonly event: 'reachable'; readonly region: RegionName }
  /** Of the orchestrator itself. It is told, and tried again. */
  | { readonly event: 'fault'; readonly reason: string }
  | { readonly event: 'deletes-held'; readonly policy: string; readonly to: RegionName; readonly count: number }
  | { readonly event: 'copy-deleted'; readonly key: ReplicaKey }
  | { readonly event: 'alias-moved'; readonly alias: string; readonly version: number }
  | {
      readonly event: 'objective-missed' | 'objective-met';
      readonly policy: string;
      readonly to: RegionName;
      readonly lagMilliseconds: number;
    };

export interface ReplicationParts {
  readonly state: State;
  readonly clock: Clock;
  readonly nonce: () => string;
  readonly report: (event: ReplicationEvent) => void;
  /** How long a copy may run before it is given up for a new one. */
  readonly copyPatienceMilliseconds: number;
}

/** One policy and one of its targets. */
export interface Pair {
  readonly policy: Policy;
  readonly source: Side;
  readonly target: Side;
  /** Of the policy. */
  readonly canaries: CanaryFolder | undefined;
}

/** Copy tokens by key, in memory alone. */
export type Authorizations = Map<string, v2.CopyAuthorizationResult>;
