// What a client that does without a gateway shares with it: what a request asks for, and ids mapped both ways. Nothing here opens
// files or connections.

export { IdMap, type ModelPlace } from './id-map.ts';
export { rewriteIds } from './rewrite-ids.ts';
export { type AnalysisTarget, analysisPath, type RoutedRequest, routeRequest } from './routed-request.ts';
