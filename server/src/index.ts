export { lockFolder } from './compose.ts';
export { ConfigurationError, defaultResourceId, type RegionConfig, regionConfig, SETTINGS } from './config.ts';
export { OperationFailure } from './failure.ts';
export {
  createLocalRecognizer,
  type LocalAnalysis,
  type LocalModel,
  type LocalRecognizer,
  parseLocalModel,
} from './local.ts';
export { rotateKey, type ServingRegion, serveRegion } from './serve.ts';
