import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { editorSchema } from './schema.ts';

const FILE = new URL('../../formhaven.schema.json', import.meta.url);

// FORMHAVEN_WRITE_SCHEMA=1 writes the file anew.
test('the editor’s schema file says what the program checks', async () => {
  const text = `${JSON.stringify(editorSchema(), undefined, 2)}\n`;
  if (process.env.FORMHAVEN_WRITE_SCHEMA) await writeFile(FILE, text);
  expect(JSON.parse(await readFile(FILE, 'utf8'))).toEqual(JSON.parse(text));
});
