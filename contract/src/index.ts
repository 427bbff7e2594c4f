export * from './ids.ts';
export * from './model-map.ts';
export type { ErrorCode, HttpErrorCode, ServiceErrorOptions, UnknownErrorCode } from './v2/errors.ts';
export { errorBody, errorHeaders, ServiceError } from './v2/errors.ts';
export * as v2 from './v2/index.ts';
export type { V2Version } from './v2/versions.ts';
