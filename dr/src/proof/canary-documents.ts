import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type ModelId, v2 } from '@formhaven/contract';
import type { Clock } from '../clock.ts';
import type { CanaryFindings, Side } from '../sides/side.ts';

// Canaries of a policy's folder: analyzed on both sides by the public API, as anybody's documents are.

export interface CanaryDocument {
  readonly name: string;
  readonly contentType: v2.DocumentContentType;
  readonly body: Uint8Array;
}

/** Documents for a model: those directly in the folder, and those in its folder of the model's name. */
export type CanaryFolder = (model: { readonly name: string | undefined }) => Promise<readonly CanaryDocument[]>;

const TYPES: Readonly<Record<string, v2.DocumentContentType>> = {
  '.pdf': 'application/pdf',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.bmp': 'image/bmp',
};
const DEADLINE_MILLISECONDS = 5 * 60_000;
const FIRST_POLL_MILLISECONDS = 200;
const LONGEST_POLL_MILLISECONDS = 2000;

/** More than this many documents a model prove no more, and cost their analysis twice. */
const MAX_DOCUMENTS = 10;

export function canaryFolder(folder: string): CanaryFolder {
  return async ({ name }) => {
    const places = [folder];
    // A name is not a path: one that would lead elsewhere has no folder.
    if (name !== undefined && /^[^/\\]+$/.test(name) && name !== '.' && name !== '..') places.push(join(folder, name));
    const documents: CanaryDocument[] = [];
    for (const place of places) {
      for (const file of await filesIn(place, place === folder)) {
        const contentType = TYPES[extname(file).toLowerCase()];
        if (contentType === undefined || documents.length === MAX_DOCUMENTS) continue;
        documents.push({ name: file, contentType, body: await readFile(join(place, file)) });
      }
    }
    return documents;
  };
}

async function filesIn(place: string, isRequired: boolean): Promise<readonly string[]> {
  try {
    const entries = await readdir(place, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .toSorted();
  } catch (error) {
    if (!isRequired && error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** What a model finds on a document. @throws CanaryFailed where the analysis fails or does not end */
export async function analyzeCanary(
  side: Side,
  modelId: ModelId,
  document: CanaryDocument,
  parts: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<CanaryFindings> {
  const { clock, signal } = parts;
  const { resultId } = await side.api.analyze(modelId, document, { signal });
  const deadline = clock.now() + DEADLINE_MILLISECONDS;
  for (let wait = FIRST_POLL_MILLISECONDS; ; wait = Math.min(LONGEST_POLL_MILLISECONDS, wait * 1.5)) {
    const result = await side.api.getAnalyzeResult(modelId, resultId, { signal });
    if (result.status === 'succeeded') return { name: document.name, found: findings(result) };
    if (result.status === 'failed') {
      const [error] = result.analyzeResult?.errors ?? [];
      return { name: document.name, found: { error: error?.code ?? 'failed' } };
    }
    if (clock.now() > deadline) {
      throw new v2.DeadlineExceeded(DEADLINE_MILLISECONDS, undefined);
    }
    await clock.sleep(wait, signal);
  }
}

/** Fields and values alone: boxes and confidences are not what a copy has to repeat. */
function findings(result: v2.AnalyzeOperationResult): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  for (const [index, document] of (result.analyzeResult?.documentResults ?? []).entries()) {
    for (const [name, field] of Object.entries(document.fields)) put(found, `${index}/${name}`, field);
  }
  for (const page of result.analyzeResult?.pageResults ?? []) {
    for (const [index, pair] of (page.keyValuePairs ?? []).entries()) {
      found[`${page.page}/${index}/${pair.key.text}`] = pair.value.text;
    }
  }
  return found;
}

function put(found: Record<string, string | null>, path: string, field: v2.FieldValue | null): void {
  if (field === null) return;
  switch (field.type) {
    case 'array':
      for (const [index, item] of (field.valueArray ?? []).entries()) put(found, `${path}/${index}`, item);
      return;
    case 'object':
      for (const [name, item] of Object.entries(field.valueObject ?? {})) put(found, `${path}/${name}`, item);
      return;
    case 'selectionMark':
      found[path] = field.valueSelectionMark ?? '';
      return;
    default:
      found[path] = field.text ?? '';
  }
}
