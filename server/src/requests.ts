import type { ModelId, Region, ResourceId } from '@formhaven/contract';
import type { PageSelection } from '@formhaven/recognizer';

// What an accepted operation keeps of its request until it has run: JSON in Operation.request. Written and read only here.

export interface TrainRequest {
  readonly kind: 'train';
  /** Sealed: a SAS URL is a secret. */
  readonly sealedSource: string;
  readonly prefix: string;
  readonly includeSubFolders: boolean;
  readonly useLabelFile: boolean;
  readonly modelName?: string;
}

/** The document lies under `documents/{operation id}`, or is fetched from the sealed URL first. */
export type DocumentRef = { readonly from: 'body' } | { readonly from: 'url'; readonly sealedUrl: string };

export interface AnalyzeRequest {
  readonly kind: 'analyze';
  readonly document: DocumentRef;
  readonly modelId: ModelId;
  /** Whether the answer lists lines and words. */
  readonly includeTextDetails: boolean;
  readonly pages?: PageSelection;
}

export interface LayoutRequest {
  readonly kind: 'layout';
  readonly document: DocumentRef;
  readonly pages?: PageSelection;
  readonly language?: string;
  readonly readingOrder: 'basic' | 'natural';
}

export interface CopyRequest {
  readonly kind: 'copy';
  readonly targetResourceId: ResourceId;
  readonly targetRegion: Region;
  readonly targetModelId: ModelId;
  readonly sealedAccessToken: string;
}

export type OperationRequest = TrainRequest | AnalyzeRequest | LayoutRequest | CopyRequest;

export function writeRequest(request: OperationRequest): string {
  return JSON.stringify(request);
}

/** Of an operation of that kind; rows are only ever written by {@link writeRequest}. */
export function readRequest<Kind extends OperationRequest['kind']>(
  text: string,
  kind: Kind,
): Extract<OperationRequest, { kind: Kind }> {
  const request = JSON.parse(text) as OperationRequest;
  if (request.kind !== kind) throw new TypeError(`the operation holds a ${request.kind} request, not ${kind}`);
  return request as Extract<OperationRequest, { kind: Kind }>;
}
