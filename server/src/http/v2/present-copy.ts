import { v2 } from '@formhaven/contract';
import type { Failure } from '../../failure.ts';
import type { Operation } from '../../ports/store.ts';
import { readRequest } from '../../requests.ts';
import type { V2Context } from './context.ts';
import { presentDate, presentPreciseDate } from './dates.ts';

/** The body of GET …/copyResults/{id}. The target's model id is there from notStarted on. */
export function presentCopyOperation(
  operation: Operation,
  requestId: string,
  context: Pick<V2Context, 'version'>,
): v2.CopyOperationResult {
  const request = readRequest(operation.request, 'copy');
  const present = operation.state.status === 'notStarted' ? presentDate : presentPreciseDate;
  const errors =
    operation.state.status === 'failed'
      ? operation.state.errors.map((failure) =>
          v2.copyErrorInformation(context.version, reasonOf(failure), {
            targetResourceId: request.targetResourceId,
            targetResourceRegion: request.targetRegion,
            requestId,
            message: failure.message,
          }),
        )
      : undefined;
  return {
    status: operation.state.status,
    createdDateTime: present(operation.createdOn),
    lastUpdatedDateTime: present(operation.lastUpdatedOn),
    copyResult: { modelId: request.targetModelId, ...(errors === undefined ? {} : { errors }) },
  };
}

function reasonOf(failure: Failure): v2.CopyFailureReason {
  switch (failure.code) {
    case 'copyAuthorizationNotFound':
      return 'authorizationNotFound';
    case 'copyAuthorizationInvalid':
      return 'authorizationInvalid';
    case 'copyTargetNotFound':
      return 'targetNotFound';
    default:
      return 'failed';
  }
}
