import type { ModelId, Region, ResourceId, Sha256 } from '@formhaven/contract';

/** Another resource, in this region or another, to which models may be copied. From configuration only, never from a request. */
export interface Peer {
  readonly region: Region;
  readonly resourceId: ResourceId;
  readonly endpoint: URL;
}

/** Pieces of parts the target has already. */
export interface CopyOffer {
  /** Parts of which the target lacks something, each with the indexes of the pieces it wants. */
  readonly missing: readonly { readonly sha256: Sha256; readonly pieces: readonly number[] }[];
}

export interface CopyTarget {
  readonly peer: Peer;
  readonly modelId: ModelId;
  readonly accessToken: string;
  /** The source's copy operation: what makes repeated requests one copy. */
  readonly copyId: string;
}

export type PeerErrorCode =
  /** Not reached, or broke off: worth another try. */
  | 'unreachable'
  /** The token is unknown at that resource and region, used up, or expired. */
  | 'authorizationNotFound'
  | 'authorizationInvalid'
  /** The target said something no target says: not worth another try. */
  | 'protocol';

export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly code: PeerErrorCode;

  constructor(code: PeerErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Finds peers and speaks to them. Every call may be repeated. @throws PeerError */
export interface Peers {
  /** Undefined where configuration knows no such resource in that region. Read anew each time: peers come and go. */
  find(resourceId: ResourceId, region: Region): Promise<Peer | undefined>;
  offer(target: CopyTarget, manifest: string, signal: AbortSignal): Promise<CopyOffer>;
  sendPiece(
    target: CopyTarget,
    digest: Sha256,
    part: Sha256,
    piece: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void>;
  /** False where pieces got lost or damaged on the way: offer again. */
  publish(target: CopyTarget, digest: Sha256, signal: AbortSignal): Promise<boolean>;
  /** HMAC-SHA-256 under `nonce` over the published bytes (see models/manifest); undefined where the target has not got them. */
  prove(target: CopyTarget, digest: Sha256, nonce: string, signal: AbortSignal): Promise<Sha256 | undefined>;
}
