export { lockFolder } from './compose.ts';
export { ConfigurationError, defaultResourceId, type RegionConfig, regionConfig, SETTINGS } from './config.ts';
export { rotateKey, type ServingRegion, serveRegion } from './serve.ts';
