import { type ModelId, parseModelId } from '@formhaven/contract';
import { OperationFailure } from '../failure.ts';
import { type Manifest, readManifest } from '../models/manifest.ts';
import { documentKey, readExtractionModels, resultKey } from '../models/parts.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Recognition } from '../ports/recognition.ts';
import { type DocumentSources, SourceError } from '../ports/sources.ts';
import type { Model, Operation } from '../ports/store.ts';
import { type DocumentRef, readRequest } from '../requests.ts';
import type { Seal } from '../seal.ts';
import { type AnalyzeResult, writeResult } from './result.ts';

export interface AnalysisParts {
  readonly blobs: Blobs;
  readonly recognition: Recognition;
  readonly documents: DocumentSources;
  readonly seal: Seal;
  readonly maxDocumentBytes: number;
  getModel(resource: string, id: ModelId): Promise<Model | undefined>;
}

/**
 * Runs an accepted analysis with a custom model and stores its result by the operation's id; running twice stores it twice.
 * @throws OperationFailure
 */
export async function analyzeWithModel(operation: Operation, parts: AnalysisParts, signal: AbortSignal): Promise<void> {
  const request = readRequest(operation.request, 'analyze');
  const model = await parts.getModel(operation.resource, request.modelId);
  if (model?.state.status !== 'ready') {
    throw new OperationFailure('modelGone', `Model ${request.modelId} was deleted before the document was analyzed.`);
  }
  const manifest = readManifest(model.state.manifest);
  const models = await readExtractionModels(parts.blobs, manifest);
  const document = await readDocument(operation, request.document, parts, signal);
  const { pages, analysis, component } = await parts.recognition.analyze(
    document,
    models,
    { pages: request.pages, readingOrder: 'basic', language: undefined },
    signal,
  );
  await store(operation, parts, {
    format: 1,
    pages,
    custom: { ...answering(model, manifest, component), analysis },
  });
}

/** The model whose fields the answer has. */
function answering(
  model: Model,
  manifest: Manifest,
  component: number,
): { readonly modelId: ModelId; readonly modelName?: string } {
  const chosen = manifest.components?.[component];
  const id = chosen === undefined ? model.id : parseModelId(chosen.modelId);
  if (id === undefined) throw new TypeError('components are named by model ids');
  const name = chosen === undefined ? model.name : chosen.name;
  return { modelId: id, ...(name === undefined ? {} : { modelName: name }) };
}

/**
 * Runs an accepted layout analysis.
 * @throws OperationFailure
 */
export async function analyzeLayout(operation: Operation, parts: AnalysisParts, signal: AbortSignal): Promise<void> {
  const request = readRequest(operation.request, 'layout');
  const document = await readDocument(operation, request.document, parts, signal);
  const pages = await parts.recognition.read(
    document,
    { pages: request.pages, readingOrder: request.readingOrder, language: request.language },
    signal,
  );
  await store(operation, parts, { format: 1, pages });
}

async function store(operation: Operation, parts: AnalysisParts, result: AnalyzeResult): Promise<void> {
  await parts.blobs.put(resultKey(operation.id), Buffer.from(writeResult(result), 'utf8'));
}

async function readDocument(
  operation: Operation,
  document: DocumentRef,
  parts: AnalysisParts,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (document.from === 'url') {
    try {
      return await parts.documents.fetch(parts.seal.open(document.sealedUrl), parts.maxDocumentBytes, signal);
    } catch (error) {
      if (error instanceof SourceError) {
        throw new OperationFailure('documentNotDownloaded', error.message, { cause: error });
      }
      throw error;
    }
  }
  const bytes = await parts.blobs.get(documentKey(operation.id));
  if (bytes === undefined) throw new Error(`the document of operation ${operation.id} is missing`);
  return bytes;
}
