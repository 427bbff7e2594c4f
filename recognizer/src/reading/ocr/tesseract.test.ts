import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDeadline } from '../deadline.ts';
import { readWithTesseract } from './tesseract.ts';

const crop = { width: 200, height: 48, data: new Uint8Array(200 * 48).fill(255) };
const deadline = startDeadline(30_000);

test('lines stay unread where the command is missing', async () => {
  const tesseract = { command: '/nowhere/tesseract', languages: 'kor' };
  expect(await readWithTesseract([crop, crop], tesseract, deadline)).toEqual([[], []]);
});

test('takes the words of each line from the table, and joins syllables that stand close', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reading-'));
  const command = join(folder, 'tesseract');
  const row = (page: number, left: number, width: number, confidence: number, text: string) =>
    [5, page, 1, 1, 1, 1, left, 8, width, 30, confidence, text].join('\\t');
  const table = [
    row(1, 8, 40, 91, '합'),
    row(1, 52, 40, 80, '계'),
    row(1, 120, 60, 96, '12,000'),
    row(2, 8, 40, 40, '원'),
  ];
  writeFileSync(command, `#!/bin/sh\ncat > /dev/null\nprintf '${table.join('\\n')}\\n'\n`);
  chmodSync(command, 0o755);
  try {
    const [first, second] = await readWithTesseract([crop, crop], { command, languages: 'kor+eng' }, deadline);
    expect(first).toEqual([
      { text: '합계', from: 0, to: 84, confidence: 0.8 },
      { text: '12,000', from: 112, to: 172, confidence: 0.96 },
    ]);
    expect(second?.map(({ text }) => text)).toEqual(['원']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
