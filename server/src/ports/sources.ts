// Where documents come from when a request names them instead of carrying them.

/** One file of a training source. `name` is the blob's name from the container's root, or the path from the folder's. */
export interface SourceFile {
  readonly name: string;
  readonly size: number;
  /** Rejects with {@link SourceError}. */
  read(maxBytes: number): Promise<Uint8Array>;
}

export type SourceErrorCode =
  /** Configuration does not allow this address, scheme or folder. */
  | 'notAllowed'
  /** Not a URL or path a source can be read from. */
  | 'malformed'
  /** The other side refused: an expired or insufficient SAS, 403, 404. */
  | 'refused'
  /** The other side could not be reached or broke off. */
  | 'unreachable'
  | 'tooLarge';

/** `message` never holds the URL's query, since a SAS is a secret. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Lists and reads the files of a training source: a container SAS URL, or a folder under an allowed root. */
export interface TrainingSources {
  /**
   * Files directly under the prefix, or in folders below it too where `includeSubFolders` says so, ordered by name.
   * @throws SourceError
   */
  list(
    source: string,
    filter: { readonly prefix: string; readonly includeSubFolders: boolean },
    signal: AbortSignal,
  ): Promise<readonly SourceFile[]>;
}

/** Reads the document a request points to. */
export interface DocumentSources {
  /** Bytes of an http(s) URL, redirects not followed beyond allowed addresses. @throws SourceError */
  fetch(url: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
}

/** What outgoing requests for sources may reach. Everything else is refused by name. */
export interface OutboundPolicy {
  /** Loopback, private, link-local and other special addresses (RFC 6890). Off by default. */
  readonly allowPrivateAddresses: boolean;
  /** Where set, only these hosts and their subdomains. */
  readonly allowedHosts: readonly string[] | undefined;
  /** Local folders from which training may read; none by default. */
  readonly trainingRoots: readonly string[];
}
