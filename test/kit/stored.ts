import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestRegion } from './regions.ts';

// What lies on a region's disk, looked at from outside: the one thing the public API cannot be asked.

/** What is wrong with the parts of a region's ready models; empty when every one is there, byte for byte. */
export async function damagedParts(region: TestRegion, modelId?: string): Promise<readonly string[]> {
  const complaints: string[] = [];
  for (const model of readyModels(region)) {
    if (modelId !== undefined && model.id !== modelId) continue;
    for (const part of model.parts) {
      const bytes = await readFile(join(region.dataFolder, 'blobs', 'parts', part.sha256)).catch(() => undefined);
      if (bytes === undefined) complaints.push(`${model.id}: ${part.path} is missing`);
      else if (createHash('sha256').update(bytes).digest('hex') !== part.sha256) {
        complaints.push(`${model.id}: ${part.path} is damaged`);
      }
    }
  }
  return complaints;
}

/** Removes the parts of a region, so that the next copy has to send every byte. Its models are of no use afterwards. */
export async function forgetParts(region: TestRegion): Promise<void> {
  await rm(join(region.dataFolder, 'blobs', 'parts'), { recursive: true, force: true, maxRetries: 5 });
}

/** Alters a byte of every part, as a disk might. */
export async function damageParts(region: TestRegion): Promise<void> {
  const folder = join(region.dataFolder, 'blobs', 'parts');
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 0);
    await file.close();
  }
}

interface StoredModel {
  readonly id: string;
  readonly parts: readonly { readonly path: string; readonly sha256: string }[];
}

function readyModels(region: TestRegion): readonly StoredModel[] {
  const database = new DatabaseSync(join(region.dataFolder, 'region.db'), { readOnly: true, timeout: 5000 });
  try {
    const rows = database.prepare("select id, manifest from models where status = 'ready'").all();
    return rows.map((row) => {
      const { parts } = JSON.parse(String(row.manifest)) as Pick<StoredModel, 'parts'>;
      return { id: String(row.id), parts };
    });
  } finally {
    database.close();
  }
}
