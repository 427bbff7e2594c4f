export type * from './document.ts';
export { RecognizerError, type RecognizerErrorCode } from './errors.ts';
export type * from './extraction/types.ts';
