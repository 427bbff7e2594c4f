import { OperationFailure } from '../failure.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Recognition, TrainingDocument, TrainingSet } from '../ports/recognition.ts';
import { SourceError, type SourceFile, type TrainingSources } from '../ports/sources.ts';
import type { Model, Operation } from '../ports/store.ts';
import { readRequest } from '../requests.ts';
import type { Seal } from '../seal.ts';
import { wholeSeconds } from '../whole-seconds.ts';
import { type Manifest, type Part, sha256, writeManifest } from './manifest.ts';
import { partKey } from './parts.ts';

export interface TrainingParts {
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly recognition: Recognition;
  readonly sources: TrainingSources;
  readonly seal: Seal;
  readonly keepTrainingDocuments: boolean;
}

// The service's limits on a training set: 50 MB of documents, label files of 10 MB. A set of OCR files may be larger than its
// documents; 500 MB is the service's limit for one, which no one-process reader should take.
const MAX_SET_BYTES = 50 * 1024 * 1024;
const MAX_LABELS_BYTES = 10 * 1024 * 1024;
const MAX_OCR_BYTES = 100 * 1024 * 1024;

const DOCUMENT = /\.(pdf|jpe?g|png|tiff?|bmp)$/i;

/**
 * Trains the model of an accepted operation and stores its parts. The caller publishes the outcome.
 * @throws OperationFailure where the source or its documents are at fault
 */
export async function trainModel(
  operation: Operation,
  model: Model,
  parts: TrainingParts,
  signal: AbortSignal,
): Promise<Extract<Model['state'], { status: 'ready' }> & { readonly lastUpdatedOn: Date }> {
  const request = readRequest(operation.request, 'train');
  const source = parts.seal.open(request.sealedSource);
  const { set, files } = await gatherTrainingSet(source, request, parts.sources, signal);
  const training = await parts.recognition.train(set, signal);

  const stored: Part[] = [];
  const keep = async (path: string, content: string | Uint8Array): Promise<void> => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    const hash = sha256(bytes);
    await parts.blobs.put(partKey(hash), bytes);
    stored.push({ path, sha256: hash, size: bytes.byteLength });
  };
  await keep('model.json', training.model);
  await keep('canary.json', training.canary);
  if (parts.keepTrainingDocuments) {
    for (const file of files) await keep(`training/${file.name}`, file.bytes);
  }
  signal.throwIfAborted();

  const lastUpdatedOn = wholeSeconds(parts.clock.now());
  const manifest: Manifest = {
    format: 'formhaven-model/1',
    kind: set.kind,
    ...(model.name === undefined ? {} : { name: model.name }),
    createdOn: model.createdOn.toISOString(),
    lastUpdatedOn: lastUpdatedOn.toISOString(),
    trainResult: training.trainResult,
    ...(training.clusters === undefined ? {} : { clusters: training.clusters.map((keys) => [...keys]) }),
    parts: stored,
  };
  const { text, digest } = writeManifest(manifest);
  return { status: 'ready', digest, manifest: text, lastUpdatedOn };
}

interface Gathered {
  readonly set: TrainingSet;
  /** As read, for the model's own copy. */
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export async function gatherTrainingSet(
  source: string,
  request: { prefix: string; includeSubFolders: boolean; useLabelFile: boolean },
  sources: TrainingSources,
  signal: AbortSignal,
): Promise<Gathered> {
  try {
    const listed = await sources.list(source, request, signal);
    const documents = listed.filter((file) => DOCUMENT.test(file.name));
    if (documents.length === 0) {
      throw new OperationFailure(
        'noTrainingDocuments',
        'No PDF, JPEG, PNG, TIFF or BMP file stands directly under the source and its prefix. Check the prefix, or set includeSubFolders.',
      );
    }
    const total = documents.reduce((sum, file) => sum + file.size, 0);
    if (total > MAX_SET_BYTES) {
      throw new OperationFailure(
        'noTrainingDocuments',
        `The training documents have ${total} bytes together; a training set may have ${MAX_SET_BYTES}.`,
      );
    }
    return await (request.useLabelFile ? gatherLabeled(listed, documents) : gatherUnlabeled(documents));
  } catch (error) {
    if (error instanceof SourceError) {
      throw new OperationFailure('sourceNotListed', error.message, { cause: error });
    }
    throw error;
  }
}

async function gatherUnlabeled(documents: readonly SourceFile[]): Promise<Gathered> {
  const files: { name: string; bytes: Uint8Array }[] = [];
  for (const document of documents) files.push({ name: document.name, bytes: await document.read(MAX_SET_BYTES) });
  return {
    set: { kind: 'unlabeled', documents: files.map((file) => ({ ...file, ocr: undefined, labels: undefined })) },
    files,
  };
}

async function gatherLabeled(listed: readonly SourceFile[], documents: readonly SourceFile[]): Promise<Gathered> {
  const byName = new Map(listed.map((file) => [file.name, file]));
  // fields.json stands beside the documents: at the root, or in the folder the prefix names.
  const fieldFiles = listed.filter((file) => /(^|\/)fields\.json$/.test(file.name));
  const fieldFile = fieldFiles.toSorted((a, b) => a.name.length - b.name.length)[0];
  if (fieldFile === undefined) {
    throw new OperationFailure(
      'noTrainingDocuments',
      'useLabelFile is true, but there is no fields.json under the source and its prefix. Label the documents first, or train without labels.',
    );
  }
  const fields = await fieldFile.read(MAX_LABELS_BYTES);
  const files: { name: string; bytes: Uint8Array }[] = [{ name: fieldFile.name, bytes: fields }];
  const samples: TrainingDocument[] = [];
  const text = new TextDecoder();
  for (const document of documents) {
    const labels = await byName.get(`${document.name}.labels.json`)?.read(MAX_LABELS_BYTES);
    const ocr = await byName.get(`${document.name}.ocr.json`)?.read(MAX_OCR_BYTES);
    const bytes = await document.read(MAX_SET_BYTES);
    files.push({ name: document.name, bytes });
    if (labels !== undefined) files.push({ name: `${document.name}.labels.json`, bytes: labels });
    if (ocr !== undefined) files.push({ name: `${document.name}.ocr.json`, bytes: ocr });
    samples.push({
      name: document.name,
      bytes,
      labels: labels === undefined ? undefined : text.decode(labels),
      ocr: ocr === undefined ? undefined : text.decode(ocr),
    });
  }
  if (samples.every((sample) => sample.labels === undefined)) {
    throw new OperationFailure(
      'noTrainingDocuments',
      'useLabelFile is true, but no document has a .labels.json beside it. Label at least five documents.',
    );
  }
  return { set: { kind: 'labeled', fields: text.decode(fields), documents: samples }, files };
}
