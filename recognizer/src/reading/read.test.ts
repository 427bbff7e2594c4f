import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { read } from './read.ts';
import { sniff } from './sniff.ts';

const forms = fileURLToPath(new URL('../../../test/forms/', import.meta.url));

test('tells the format by the first bytes, not by the name', () => {
  expect(sniff(readFileSync(`${forms}azure-statements/train/Invoice_1.pdf`))).toBe('pdf');
  expect(sniff(readFileSync(`${forms}azure-1099/test/f1099_scanned.jpg`))).toBe('jpeg');
  expect(sniff(new TextEncoder().encode('BMW is not a bitmap, and this is text'))).toBeUndefined();
  expect(sniff(new Uint8Array())).toBeUndefined();
});

test('reads the words of a digital PDF with the boxes the service records', async () => {
  const { pages } = await read(readFileSync(`${forms}azure-statements/train/Invoice_1.pdf`));
  const recorded: unknown = JSON.parse(readFileSync(`${forms}azure-statements/train/Invoice_1.pdf.ocr.json`, 'utf8'));
  const truth = recordedWords(recorded);
  const words = pages.flatMap((page) => page.lines.flatMap((line) => line.words));
  expect(words.map((word) => word.text).toSorted(byText)).toEqual(truth.map((word) => word.text).toSorted(byText));
  for (const { text, boundingBox } of truth) {
    const distances = words
      .filter((word) => word.text === text)
      .map((word) => Math.max(...word.polygon.map((value, i) => Math.abs(value - (boundingBox[i] ?? 0)))));
    expect(Math.min(...distances)).toBeLessThan(0.002);
  }
});

test('gives check boxes of a form as selection marks and not as letters', async () => {
  const { pages } = await read(readFileSync(`${forms}azure-1099/train/f1099msc_payer.pdf`));
  const marks = pages[0]?.selectionMarks.filter((mark) => mark.confidence === 1) ?? [];
  expect(marks.map((mark) => mark.state).toSorted(byText)).toEqual([
    'selected',
    'selected',
    'unselected',
    'unselected',
    'unselected',
  ]);
});

test('refuses a password, an empty file and other formats by name', async () => {
  await expect(read(new Uint8Array())).rejects.toMatchObject({ code: 'invalidFile' });
  await expect(read(new TextEncoder().encode('hello'))).rejects.toMatchObject({ code: 'unsupportedFormat' });
  await expect(read(new TextEncoder().encode('%PDF-1.4 nothing'))).rejects.toMatchObject({ code: 'invalidFile' });
});

interface RecordedWord {
  readonly text: string;
  readonly boundingBox: readonly number[];
}

function recordedWords(recorded: unknown): RecordedWord[] {
  const { analyzeResult } = recorded as {
    analyzeResult: { readResults: { lines: { words: RecordedWord[] }[] }[] };
  };
  return analyzeResult.readResults.flatMap((page) => page.lines.flatMap((line) => line.words));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
