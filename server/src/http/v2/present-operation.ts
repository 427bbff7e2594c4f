import type { v2 } from '@formhaven/contract';
import { readResult } from '../../analysis/result.ts';
import { resultKey } from '../../models/parts.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Operation } from '../../ports/store.ts';
import type { V2Context } from './context.ts';
import { presentDate } from './dates.ts';
import { presentFailure } from './errors.ts';
import { presentAnalyzeResult } from './present-analysis.ts';

/** The body of GET …/analyzeResults/{id}, for custom models and layout alike. */
export async function presentAnalyzeOperation(
  operation: Operation,
  options: { readonly includeTextDetails: boolean; readonly blobs: Blobs } & Pick<V2Context, 'features'>,
): Promise<v2.AnalyzeOperationResult> {
  const { state } = operation;
  const dates = {
    createdDateTime: presentDate(operation.createdOn),
    lastUpdatedDateTime: presentDate(operation.lastUpdatedOn),
  };
  switch (state.status) {
    case 'notStarted':
    case 'running':
      return { status: state.status, ...dates };
    case 'failed':
      return {
        status: 'failed',
        ...dates,
        analyzeResult: {
          version: options.features.analyzeResultVersion,
          readResults: [],
          pageResults: [],
          documentResults: [],
          errors: state.errors.map((failure) => presentFailure(failure)),
        },
      };
    case 'succeeded': {
      const bytes = await options.blobs.get(resultKey(operation.id));
      if (bytes === undefined) throw new Error(`the result of operation ${operation.id} is missing`);
      const result = readResult(Buffer.from(bytes).toString('utf8'));
      return { status: 'succeeded', ...dates, analyzeResult: presentAnalyzeResult(result, options) };
    }
    default:
      throw new TypeError(`unknown state ${JSON.stringify(state satisfies never)}`);
  }
}
