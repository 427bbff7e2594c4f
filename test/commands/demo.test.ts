import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../kit/command.ts';
import { expectedFields } from '../kit/forms.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formhaven-demo-test-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('the demo loses a region and prints all six fields right', async () => {
  const { code, stdout, stderr } = await runCommand(['demo']);
  expect(stderr).toBe('');
  for (const [field, text] of Object.entries(await expectedFields('Invoice_6.pdf'))) {
    const row = stdout.split('\n').find((line) => line.startsWith(`│ ${field} `));
    expect(row?.split('│').map((cell) => cell.trim())).toMatchObject({ 2: text, 3: text, 5: 'right' });
  }
  expect(stdout).toContain('westus2 killed (SIGKILL)');
  expect(stdout).toMatch(/Recovery: \d+\.\d\d s/);
  expect(code).toBe(0);
});

test('the demo fails on a form that cannot be read', async () => {
  // The name of a form that has been read: the fields expected of it do not come.
  const form = join(folder, 'Invoice_6.pdf');
  await writeFile(form, '%PDF-1.4\nnothing of a form\n%%EOF\n');
  const { code, stdout } = await runCommand(['demo', '--form', form]);
  expect(stdout).not.toContain('Every field is right.');
  expect(code).toBe(1);
});
