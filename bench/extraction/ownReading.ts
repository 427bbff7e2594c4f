import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '../../recognizer/src/document.ts';
import type { Document } from './data.ts';

const built = new URL('../../recognizer/dist/reading/', import.meta.url);

/**
 * The same documents with the words that our own reading (as built) finds, one after the other: reading fills the processor.
 * What was read is kept in a temporary folder by the contents of the file and of the built reader;
 * FORMHAVEN_BENCH_READING names the folder of an earlier build to go on with.
 */
export async function withOwnReading(folder: string, documents: readonly Document[]): Promise<Document[]> {
  const found: Document[] = [];
  for (const document of documents) found.push({ ...document, pages: await readOnce(join(folder, document.name)) });
  return found;
}

let build: string | undefined;

async function readOnce(file: string): Promise<readonly Page[]> {
  build ??= process.env.FORMHAVEN_BENCH_READING ?? hashOfFolder(built);
  const cache = join(tmpdir(), 'formhaven-bench-readings', build);
  const bytes = readFileSync(file);
  const kept = join(cache, `${createHash('sha256').update(bytes).digest('hex')}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Page[];
  const { read } = await import('../../recognizer/dist/reading/read.js');
  const { pages } = await read(bytes);
  mkdirSync(cache, { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(pages));
  renameSync(`${kept}.${process.pid}`, kept);
  return pages;
}

function hashOfFolder(folder: URL): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|json|onnx|bin)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}
