import type { v2 } from '@formhaven/contract';
import type { Deviation, OperationName } from './descriptions.ts';

// Where answers of ours are not what the published descriptions say, each with the reason. They follow what the service
// really sent, where it was recorded.

export interface KnownDifference {
  readonly operations: readonly OperationName[];
  readonly versions?: readonly v2.V2Version[];
  readonly at: RegExp;
  readonly what: RegExp;
  readonly reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    operations: ['GET /custom/models/{modelId}'],
    at: /^\/(trainResult|composedTrainResults)\/trainingDocuments$/,
    what: /^lacks errors$/,
    reason: 'the documents of labelled models have no `errors`, as the service sent them',
  },
  {
    operations: ['GET /custom/models/{modelId}/analyzeResults/{resultId}'],
    at: /^\/analyzeResult\/version$/,
    what: /^must be string$/,
    reason: 'models trained without labels give no `version` but null, as the service did',
  },
  {
    operations: ['GET /custom/models/{modelId}/analyzeResults/{resultId}'],
    at: /\/keyValuePairs\/(key|value)\/elements$/,
    what: /^must be array$/,
    reason:
      'models trained without labels spell out `elements` as null where no text was asked for, as the service did',
  },
  {
    operations: ['GET /custom/models/{modelId}/analyzeResults/{resultId}', 'GET /layout/analyzeResults/{resultId}'],
    at: /\/tables\/cells$/,
    what: /^lacks confidence$/,
    reason: 'cells of tables have no `confidence`, as the service left it out for labelled models',
  },
  {
    operations: ['GET /custom/models/{modelId}/copyResults/{resultId}'],
    versions: ['v2.0', 'v2.1-preview.3', 'v2.1'],
    at: /^\/copyResult\/errors$/,
    what: /^has innerError$/,
    reason: 'the errors of a failed copy have an `innerError` with the request id, as the service sent from 2021 on',
  },
];

export function differenceOf(
  version: v2.V2Version,
  operation: OperationName,
  deviation: Deviation,
): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(
    ({ operations, versions, at, what }) =>
      operations.includes(operation) &&
      (versions === undefined || versions.includes(version)) &&
      at.test(deviation.at) &&
      what.test(deviation.what),
  );
}
