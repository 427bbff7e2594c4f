import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Page } from '../document.ts';
import { RecognizerError } from '../errors.ts';
import { read } from './read.ts';

interface Expected {
  readonly outcome: 'accept' | 'reject' | 'survive';
  readonly reason: string;
  readonly pages?: number;
  readonly width?: number;
  readonly height?: number;
  readonly angle?: number;
  readonly contains?: readonly string[];
  readonly empty?: boolean;
  readonly sizes?: readonly (readonly [number, number])[];
}

const folder = fileURLToPath(new URL('../../../test/forms/hostile/', import.meta.url));
const expectations = Object.entries(
  JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as Record<string, Expected>,
);
const patience = { timeout: 120_000 };

test.for(expectations)('%s comes to its expected outcome', patience, async ([name, expected]) => {
  const answer = await read(readFileSync(folder + name)).then(
    ({ pages }) => pages,
    (error: unknown) => error,
  );
  if (!Array.isArray(answer)) {
    expect(answer, expected.reason).toBeInstanceOf(RecognizerError);
    expect(['reject', 'survive']).toContain(expected.outcome);
    return;
  }
  expect(['accept', 'survive'], expected.reason).toContain(expected.outcome);
  const pages: readonly Page[] = answer;
  // The service reads two hundred pages of a document.
  if (expected.pages !== undefined) expect(pages).toHaveLength(Math.min(200, expected.pages));
  const [first] = pages;
  if (expected.width !== undefined) expect(first).toMatchObject({ width: expected.width, height: expected.height });
  if (expected.angle !== undefined) expect(Math.abs((first?.angle ?? 0) - expected.angle)).toBeLessThan(1);
  expected.sizes?.forEach(([width, height], i) => {
    expect(pages[i]).toMatchObject({ width, height });
  });
  const text = pages.flatMap((page) => page.lines.map((line) => line.text)).join('\n');
  for (const part of expected.contains ?? []) expect(text).toContain(part);
  if (expected.empty) expect(text).toBe('');
});

test('memory stays within its bound after all of them', () => {
  expect(process.memoryUsage().rss).toBeLessThan(1.5e9);
});
