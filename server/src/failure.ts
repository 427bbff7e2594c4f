// Why accepted work failed. Stored as it is; each API generation spells it in its own codes.

export type FailureCode =
  /** The document is broken, encrypted, empty or of a format that is not read. */
  | 'unreadableDocument'
  /** Reading or analyzing took longer than a document may. */
  | 'documentTimeout'
  /** The URL of a document could not be read, or may not be. */
  | 'documentNotDownloaded'
  /** The training source could not be listed or read, or may not be. */
  | 'sourceNotListed'
  /** No document to train from, or label files that cannot be used. */
  | 'noTrainingDocuments'
  | 'trainingFailed'
  | 'analysisFailed'
  /** The model was deleted before the work was done. */
  | 'modelGone'
  /** The copy authorization is unknown to that resource and region, used up or expired. */
  | 'copyAuthorizationNotFound'
  /** The token is not the one that was given out. */
  | 'copyAuthorizationInvalid'
  /** No such resource in that region, or it does not answer. */
  | 'copyTargetNotFound'
  /** The target answered, but does not have the model. */
  | 'copyNotProven'
  | 'copyFailed'
  /** A fault of ours, named in the log under the operation's id. */
  | 'internal';

/** `message` is for people: what went wrong and what to do, without document text, keys or URL queries. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
}

/** Ends an operation as failed. Anything else thrown by a job is tried again. */
export class OperationFailure extends Error {
  override readonly name = 'OperationFailure';
  readonly failure: Failure;

  constructor(code: FailureCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.failure = { code, message };
  }
}
