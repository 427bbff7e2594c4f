export { failoverHttpClient } from './http-client.ts';
export { type FailoverOptions, type FailoverRegion, RegionFailover } from './region-failover.ts';
