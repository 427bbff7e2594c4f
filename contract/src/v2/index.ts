export * from './errors.ts';
export * from './limits.ts';
export * from './paths.ts';
export * from './requests.ts';
export * from './responses.ts';
export * from './ticks.ts';
export * from './versions.ts';
