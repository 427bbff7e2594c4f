import type { v2 } from '@formhaven/contract';
import type { Failure } from '../../failure.ts';

/** Codes of what failed after it was accepted, as v2 numbers them. */
const CODE_OF: Readonly<Record<Failure['code'], v2.ResultErrorCode>> = {
  unreadableDocument: '2005',
  documentTimeout: '2001',
  documentNotDownloaded: '2003',
  sourceNotListed: '2012',
  noTrainingDocuments: '2014',
  trainingFailed: '3003',
  analysisFailed: '3014',
  modelGone: '3014',
  internal: '3014',
  // Those of copies are presented by present-copy.
  copyAuthorizationNotFound: '2024',
  copyAuthorizationInvalid: '2024',
  copyTargetNotFound: '2024',
  copyNotProven: '2024',
  copyFailed: '2024',
};

/** Words of the service, which clients look for, before ours, which say what to do. */
const WORDS_OF: Partial<Readonly<Record<Failure['code'], string>>> = {
  unreadableDocument: 'Unable to read file.',
  documentNotDownloaded: 'Unable to download the file from the given URL.',
  sourceNotListed: 'Unable to list blobs on the Azure blob storage account.',
  noTrainingDocuments:
    'No valid blobs found in the specified Azure blob container. Please conform to the document format/size/page/dimensions requirements.',
};

export function presentFailure(failure: Failure, options: { readonly isTraining?: boolean } = {}): v2.ErrorInformation {
  const code = options.isTraining === true && failure.code === 'internal' ? '3003' : CODE_OF[failure.code];
  const words = WORDS_OF[failure.code];
  return { code, message: words === undefined ? failure.message : `${words} ${failure.message}` };
}
