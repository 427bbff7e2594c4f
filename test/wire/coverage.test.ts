import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { coverage } from './coverage.ts';

const PAGE = new URL('../../docs/compatibility.md', import.meta.url);
const BLOCK = /(?<=<!-- coverage: made by test\/wire\/coverage\.ts -->\n\n).*?(?=\n<!-- end of coverage -->)/s;

// FORMHAVEN_WRITE_COVERAGE=1 writes the table anew.
test('the coverage table of the docs says what the tests hold', async () => {
  const page = await readFile(PAGE, 'utf8');
  if (process.env.FORMHAVEN_WRITE_COVERAGE)
    await writeFile(
      PAGE,
      page.replace(BLOCK, () => coverage()),
    );
  expect(BLOCK.exec(await readFile(PAGE, 'utf8'))?.[0]).toBe(coverage());
});
