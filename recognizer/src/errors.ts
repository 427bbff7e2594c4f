/**
 * Why a document or a training set cannot be used. `code` is stable, `message` is for people and never holds document text.
 *
 * - `unsupportedFormat`: none of PDF, JPEG, PNG, TIFF, BMP.
 * - `invalidFile`: of a known format, but broken beyond reading.
 * - `passwordProtected`: an encrypted PDF that needs a password.
 * - `tooManyPages`, `pageTooLarge`, `imageTooLarge`, `imageTooSmall`, `tooMuchData`, `timeLimit`: over a limit of {@link ReadLimits}.
 * - `invalidTrainingSet`: nothing to learn from, or `fields.json` or a label file that cannot be read.
 * - `unsupportedModel`: a model file of a version this release does not know.
 */
export type RecognizerErrorCode =
  | 'unsupportedFormat'
  | 'invalidFile'
  | 'passwordProtected'
  | 'tooManyPages'
  | 'pageTooLarge'
  | 'imageTooLarge'
  | 'imageTooSmall'
  | 'tooMuchData'
  | 'timeLimit'
  | 'invalidTrainingSet'
  | 'unsupportedModel';

export class RecognizerError extends Error {
  override readonly name = 'RecognizerError';
  readonly code: RecognizerErrorCode;

  constructor(code: RecognizerErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
