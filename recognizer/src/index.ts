export type * from './document.ts';
export { RecognizerError, type RecognizerErrorCode } from './errors.ts';
export {
  analyze,
  analyzeComposed,
  type ComposedAnalysis,
  parseFieldsFile,
  parseLabelsFile,
  parseModel,
  parseOcrFile,
  serializeModel,
  type TrainRequest,
  type TrainUnlabeledRequest,
  train,
  trainUnlabeled,
} from './extraction/index.ts';
export type * from './extraction/types.ts';
export { defaultReadLimits, type ReadLimits } from './reading/limits.ts';
export type { OwnModels } from './reading/ocr/models.ts';
export type { TesseractOptions } from './reading/ocr/tesseract.ts';
export type { ReadOptions } from './reading/options.ts';
export { type OverlayField, overlay } from './reading/overlay.ts';
export type { PageSelection } from './reading/page-selection.ts';
export { read } from './reading/read.ts';
export { type FileFormat, sniff } from './reading/sniff.ts';
