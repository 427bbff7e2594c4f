import { appendFile, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The real forms beside the tests; sources and licences in forms/README.md. */
export const FORMS = join(import.meta.dirname, '..', 'forms');

/** Labelled statements: six fields, three of them selection marks. A folder that training can read. */
export const STATEMENTS = join(FORMS, 'azure-statements', 'train');

/** A statement that is not among the samples. */
export function readStatement(name: 'Invoice_6.pdf' | 'Invoice_7.pdf'): Promise<Buffer> {
  return readFile(join(FORMS, 'azure-statements', 'test', name));
}

/** Field name to what a person reads on the statement. */
export async function expectedFields(name: string): Promise<Readonly<Record<string, string>>> {
  const all = JSON.parse(await readFile(join(FORMS, 'azure-statements', 'test', 'expected.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const fields = all[name];
  if (fields === undefined) throw new Error(`nobody has read ${name}`);
  return fields;
}

/** A copy of the labelled statements whose first document is `bytes` larger, no two stretches of it alike. */
export async function writeLargeStatements(folder: string, bytes: number): Promise<void> {
  await cp(STATEMENTS, folder, { recursive: true });
  const padding = Uint32Array.from({ length: Math.ceil(bytes / 4) }, (_, index) => Math.imul(index, 2654435761));
  // Readers of PDF look for the end of the file among its last bytes, and labels come with their own layout.
  await appendFile(`${folder}/Invoice_1.pdf`, new Uint8Array(padding.buffer, 0, bytes));
}
