import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { read } from '../../recognizer/src/reading/read.ts';
import type { Document } from './data.ts';

/** The same documents with the words that our own reading finds, one after the other: reading fills the processor. */
export async function withOwnReading(folder: string, documents: readonly Document[]): Promise<Document[]> {
  const found: Document[] = [];
  for (const document of documents) {
    const { pages } = await read(readFileSync(join(folder, document.name)));
    found.push({ ...document, pages });
  }
  return found;
}
