import type { OperationId, Sha256 } from '@formhaven/contract';
import type { BlobKey, Blobs } from '../ports/blobs.ts';
import type { Manifest } from './manifest.ts';
import { sha256 } from './manifest.ts';

// Where things lie in the blobs of a region.

export function partKey(hash: Sha256): BlobKey {
  return `parts/${hash}`;
}

export function documentKey(operation: OperationId): BlobKey {
  return `documents/${operation}`;
}

export function resultKey(operation: OperationId): BlobKey {
  return `results/${operation}`;
}

/** The stored bytes are not those the manifest names: the disk or somebody altered them. */
export class DamagedPart extends Error {
  override readonly name = 'DamagedPart';
}

/** @throws DamagedPart where the bytes are missing or are not those of the hash */
export async function readPart(blobs: Blobs, hash: Sha256): Promise<Uint8Array> {
  const bytes = await blobs.get(partKey(hash));
  if (bytes === undefined) throw new DamagedPart(`part ${hash} is missing`);
  if (sha256(bytes) !== hash) throw new DamagedPart(`part ${hash} is damaged`);
  return bytes;
}

/** The files of the extraction models in a manifest: one, or those of a composed model's components in their order. */
export async function readExtractionModels(blobs: Blobs, manifest: Manifest): Promise<readonly string[]> {
  const paths = manifest.components?.map((component) => component.part) ?? ['model.json'];
  const models: string[] = [];
  for (const path of paths) {
    const part = manifest.parts.find((candidate) => candidate.path === path);
    if (part === undefined) throw new DamagedPart(`the manifest has no part ${path}`);
    models.push(Buffer.from(await readPart(blobs, part.sha256 as Sha256)).toString('utf8'));
  }
  return models;
}
