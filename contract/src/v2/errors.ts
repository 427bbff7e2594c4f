import type { ErrorInformation, ErrorResponse } from './responses.ts';
import { V2_FEATURES, type V2Version } from './versions.ts';

// Error codes of the v2 generation, their HTTP status and their words. Recorded from the service unless a comment says
// otherwise. `{name}` in a message is filled from the error's values.

interface ErrorEntry {
  readonly status: number;
  readonly message: string;
}

/** Codes that are answered at once. */
export const HTTP_ERRORS = {
  /** Analyze custom, v2.1: the stream is corrupt. v2.0 accepts it and fails with 2005. */
  '1000': { status: 400, message: 'Invalid input file.' },
  /** Analyze with an unknown, malformed or unready id is 400, not 404. Also compose. */
  '1001': { status: 400, message: 'Specified model not found or not ready, Model Id: {modelId}' },
  /** Train and copy bodies; the message says what is wrong (documented). */
  '1002': { status: 400, message: 'The request body is not valid.' },
  /** As many models as the resource may have; not to be retried (read out of the clients). */
  '1014': {
    status: 429,
    message: 'The limit of custom models of this resource has been reached. Delete models to make room.',
  },
  /** Get, delete, copy. */
  '1022': { status: 404, message: "Model with 'id={modelId}' not found." },
  '1999': { status: 500, message: 'An error occurred during model copy.' },
  Timeout: { status: 408, message: 'The operation was timeout.' },
  InvalidImage: { status: 400, message: 'The input data is not a valid image or password protected.' },
  BadArgument: { status: 400, message: 'Bad or unrecognizable request JSON or binary file.' },
  InvalidImageURL: { status: 400, message: 'The image URL is not valid.' },
  FailedToDownloadImage: { status: 400, message: 'Failed to download the image from the input URL.' },
  NotSupportedLanguage: { status: 400, message: 'The requested language is not supported.' },
  UnsupportedLocale: { status: 400, message: 'The requested locale is not supported.' },
  /** The gateway: missing or wrong key, before all else. */
  '401': {
    status: 401,
    message:
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  },
  /** The gateway: no such path. Of an unknown result id the service's answer is not known; this one is ours. */
  '404': { status: 404, message: 'Resource not found' },
  /** A version that is served no longer (documented). */
  Gone: { status: 410, message: 'The requested API version has been retired.' },
  /** The gateway: too many requests. */
  '429': {
    status: 429,
    message:
      'Requests to the {operation} under Form Recognizer API ({version}) have exceeded rate limit of your current FormRecognizer S0 pricing tier. Please retry after {seconds} seconds.',
  },
  /** Codes below are not established for v2; the names are those of the later generation or our own. */
  RequestBodyTooLarge: { status: 413, message: 'The document is larger than {bytes} bytes.' },
  /** So named by the service's first preview (Azure-Samples/cognitive-services-quickstart-code issue 48). */
  UnsupportedMediaType: { status: 415, message: 'The content type is not supported.' },
  InternalServerError: { status: 500, message: 'An unexpected error occurred.' },
  ServiceUnavailable: { status: 503, message: 'The service cannot take this request now. Please retry later.' },
  /** A feature this server does not offer, refused by name. */
  NotSupported: { status: 501, message: '{feature} is not offered by this server.' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

/** Codes that stand in the result of an operation that was accepted. */
export const RESULT_ERRORS = {
  /**
   * The words of 2001, 2003 and 3003 are ours: only the codes were recorded. A wrong URL to analyze ended as 2001 with
   * labelled models and as 2003 with the others (Azure/azure-sdk-for-net issue 20961).
   */
  '2001': 'Unable to download the file from the given URL.',
  '2003': 'Unable to download the file from the given URL.',
  '2005': 'Unable to read file.',
  '2012': 'Unable to list blobs on the Azure blob storage account.',
  '2014':
    'No valid blobs found in the specified Azure blob container. Please conform to the document format/size/page/dimensions requirements.',
  /** Failed copies from 2021 on; the message is the reason's, see {@link copyErrorInformation}. */
  '2024': 'An error occurred during model copy.',
  '3003': 'Unable to train the model.',
  '3014': 'Generic error during prediction.',
  /** Failed copies in 2020. */
  AuthorizationError: 'Authorization failure due to missing or invalid authorization claims.',
  ResourceResolverError:
    "Could not fetch information for Cognitive resource with Id '{resourceId}'. Ensure the resource is valid and exists in the specified region '{region}'..",
  DataProtectionTransformServiceError: 'The model could not be transferred to the target resource.',
} as const satisfies Readonly<Record<string, string>>;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;
export type ResultErrorCode = keyof typeof RESULT_ERRORS;
/** Every code this project sends. */
export type ErrorCode = HttpErrorCode | ResultErrorCode;

declare const unknownCode: unique symbol;
/** A code that another server sent and this table does not have. */
export type UnknownErrorCode = string & { readonly [unknownCode]: true };

export function parseErrorCode(text: string): ErrorCode | UnknownErrorCode {
  return isErrorCode(text) ? text : (text as UnknownErrorCode);
}

export function isErrorCode(text: string): text is ErrorCode {
  return isHttpErrorCode(text) || Object.hasOwn(RESULT_ERRORS, text);
}

export function isHttpErrorCode(text: string): text is HttpErrorCode {
  return Object.hasOwn(HTTP_ERRORS, text);
}

/** 500 where the code is not one that is answered at once. */
export function statusOf(code: ErrorCode | UnknownErrorCode): number {
  return isHttpErrorCode(code) ? HTTP_ERRORS[code].status : 500;
}

/** The table's words, with `{name}` filled from the values. */
export function messageOf(code: ErrorCode, values: ErrorValues = {}): string {
  const template = isHttpErrorCode(code) ? HTTP_ERRORS[code].message : RESULT_ERRORS[code];
  return fill(template, values);
}

export type ErrorValues = Readonly<Record<string, string | number>>;

export interface ServiceErrorOptions {
  /** Instead of the table's words. */
  readonly message?: string | undefined;
  /** For the `{name}`s of the table's words. */
  readonly values?: ErrorValues | undefined;
  /** Instead of the table's status. */
  readonly status?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** Sent as `innerError.requestId`, as prebuilt answers and failed copies do; also what a client got in `apim-request-id`. */
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** An error in the wire's terms: thrown by the server to be answered, and by the client where an answer was not 2xx. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode | UnknownErrorCode;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: ErrorCode | UnknownErrorCode, options: ServiceErrorOptions = {}) {
    const message = options.message ?? (isErrorCode(code) ? messageOf(code, options.values) : code);
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? statusOf(code);
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.requestId = options.requestId;
  }
}

/** `{"error":{"code","message"}}`, with `innerError.requestId` where the error has a request id. */
export function errorBody(error: ServiceError): ErrorResponse {
  const { code, message, requestId } = error;
  return { error: { code, message, ...(requestId === undefined ? {} : { innerError: { requestId } }) } };
}

/**
 * The 401 body, byte for byte: the gateway writes one space after `"message":`.
 */
export const UNAUTHORIZED_BODY = `{"error":{"code":"401","message": "${HTTP_ERRORS['401'].message}"}}`;

/** `endpoint`: scheme and host of the resource, or the configured public base URL. What may not be quoted is dropped. */
export function wwwAuthenticate(endpoint: string): string {
  const realm = `${endpoint.replace(/\/+$/, '')}/formrecognizer`.replaceAll(/[^!#-[\]-~]/g, '');
  return `AzureApiManagementKey realm="${realm}",name="Ocp-Apim-Subscription-Key",type="header"`;
}

/** Headers that belong to an error beside its body. */
export function errorHeaders(error: ServiceError, endpoint: string): Readonly<Record<string, string>> {
  if (error.code === '401') return { 'WWW-Authenticate': wwwAuthenticate(endpoint) };
  const { retryAfterSeconds = error.code === '429' ? 1 : undefined } = error;
  return {
    ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterSeconds)) }),
    ...(error.code === '429' ? { 'policy-id': 'ResourceRateLimitBy60s' } : {}),
  };
}

/** The gateway's 429. `operation`: `Custom Form Model Management - Copy Custom Model Operation`. */
export function tooManyRequests(request: {
  readonly operation: string;
  readonly version: V2Version;
  readonly retryAfterSeconds: number;
}): ServiceError {
  const { operation, version, retryAfterSeconds } = request;
  return new ServiceError('429', { values: { operation, version, seconds: retryAfterSeconds }, retryAfterSeconds });
}

/** Why a copy failed after it was accepted. */
export type CopyFailureReason =
  /** Unknown to the target, used already, or given out for another resource or region. */
  | 'authorizationNotFound'
  /** Altered: the token is not the one given out. */
  | 'authorizationInvalid'
  /** No such resource in that region, or it does not answer. */
  | 'targetNotFound'
  | 'failed';

const COPY_FAILURES: Readonly<
  Record<CopyFailureReason, { readonly named: ResultErrorCode; readonly message: string }>
> = {
  authorizationNotFound: {
    named: 'AuthorizationError',
    message:
      'Could not retrieve authorization metadata. If this issue persists use a different target model to copy into.',
  },
  authorizationInvalid: { named: 'AuthorizationError', message: RESULT_ERRORS.AuthorizationError },
  targetNotFound: { named: 'ResourceResolverError', message: RESULT_ERRORS.ResourceResolverError },
  failed: { named: 'DataProtectionTransformServiceError', message: RESULT_ERRORS['2024'] },
};

/** An entry of `copyResult.errors`: names in the versions of 2020, `2024` with an innerError in the others. */
export function copyErrorInformation(
  version: V2Version,
  reason: CopyFailureReason,
  details: {
    readonly targetResourceId: string;
    readonly targetResourceRegion: string;
    readonly requestId: string;
    /** Instead of the service's words. */
    readonly message?: string | undefined;
  },
): ErrorInformation {
  const { named, message: template } = COPY_FAILURES[reason];
  const values = { resourceId: details.targetResourceId, region: details.targetResourceRegion };
  const message = details.message ?? fill(template, values);
  return V2_FEATURES[version].copyErrorCodes === 'named'
    ? { code: named, message }
    : { code: '2024', message, innerError: { requestId: details.requestId } };
}

/** An entry of `errors` in a train or analyze result. */
export function resultErrorInformation(code: ResultErrorCode, message?: string): ErrorInformation {
  return { code, message: message ?? messageOf(code) };
}

/** The header that repeats the code of an invalid model or a failed result, beside the 200 of its GET. */
export function errorCodeHeader(version: V2Version, code: string): Readonly<Record<string, string>> {
  return { [V2_FEATURES[version].errorCodeHeader]: code };
}

function fill(template: string, values: ErrorValues): string {
  return template.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}
