export { GatewayConfigError } from './config.ts';
export { DEFAULT_LIMITS, DEFAULT_TIMINGS, type GatewayOptions, type RunningGateway, startGateway } from './gateway.ts';
export type { GatewayStatus } from './handlers/admin.ts';
export { type BreakerLimits, DEFAULT_BREAKER_LIMITS } from './health/breaker.ts';
export type { HealthTimings } from './health/region-health.ts';
export type { FailbackPlan, FailoverReport } from './leadership.ts';
export { createGatewayLog } from './log.ts';
export { GatewayStoreError } from './store/sqlite-store.ts';
