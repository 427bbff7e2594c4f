import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import type { Page } from '../../document.ts';
import { read } from '../read.ts';
import { convexHull, smallestBox } from './rotated-box.ts';

const scan = fileURLToPath(new URL('../../../../test/forms/azure-1099/test/f1099_scanned.jpg', import.meta.url));
const patience = { timeout: 180_000 };

/** The upper left of a scanned form: small enough to be read many times. */
function part() {
  return sharp(scan).extract({ left: 140, top: 60, width: 760, height: 430 });
}

async function readPart(picture: Sharp): Promise<Page> {
  const { pages } = await read(await picture.png().toBuffer());
  const [page] = pages;
  if (!page) throw new Error('no page');
  return page;
}

const textOf = (page: Page) => page.lines.map((line) => line.text).join('\n');

test('reads a scan and boxes its words', patience, async () => {
  const page = await readPart(part());
  const words = page.lines.flatMap((line) => line.words);
  expect(textOf(page)).toContain('telephone');
  expect(textOf(page)).toContain('PITTSBURGH');
  const pittsburgh = words.find(({ text }) => text.startsWith('PITTSBURGH'))?.polygon;
  // As the service records it, less the corner that was cut off.
  const recorded = [177, 346, 384, 338, 385, 374, 177, 375].map((value, i) => value - (i % 2 === 0 ? 140 : 60));
  pittsburgh?.forEach((value, i) => {
    expect(Math.abs(value - (recorded[i] ?? 0))).toBeLessThan(16);
  });
});

test.for([90, 180, 270])('reads a page turned by %i degrees and reports the angle', patience, async (turn) => {
  const page = await readPart(part().rotate(turn));
  expect(textOf(page)).toContain('PITTSBURGH');
  const expected = turn === 270 ? -90 : turn;
  const difference = Math.abs(page.angle - expected) % 360;
  expect(Math.min(difference, 360 - difference)).toBeLessThan(1.5);
  // The text starts where it starts on the turned page: its top edge runs along the turn.
  const [ax, ay, bx, by] = page.lines.find((line) => line.text.includes('PITTSBURGH'))?.polygon ?? [0, 0, 0, 0];
  const direction = (Math.atan2(by - ay, bx - ax) * 180) / Math.PI;
  expect(Math.abs(Math.cos(((direction - expected) * Math.PI) / 180) - 1)).toBeLessThan(0.01);
});

test('reads a skewed page and reports how far it is turned', patience, async () => {
  const straight = await readPart(part());
  const skewed = await readPart(part().rotate(5, { background: '#ffffff' }));
  expect(Math.abs(skewed.angle - straight.angle - 5)).toBeLessThan(0.6);
  expect(textOf(skewed)).toContain('PITTSBURGH');
});

test('the wasm runtime reads the same text', patience, async () => {
  const small = sharp(scan).extract({ left: 140, top: 230, width: 420, height: 150 });
  const bytes = await small.png().toBuffer();
  const { pages } = await read(bytes);
  const program = `
    import { read } from ${JSON.stringify(new URL('../read.ts', import.meta.url).href)};
    const bytes = Buffer.from(process.argv[1], 'base64');
    console.log(JSON.stringify((await read(bytes)).pages));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program, bytes.toString('base64')],
    { env: { ...process.env, FORMHAVEN_OCR_RUNTIME: 'wasm' }, maxBuffer: 1 << 24 },
  );
  const other = JSON.parse(stdout) as Page[];
  expect(other.map(textOf)).toEqual(pages.map(textOf));
});

test('reading twice gives the same bytes', patience, async () => {
  expect(JSON.stringify(await readPart(part()))).toBe(JSON.stringify(await readPart(part())));
});

test('the smallest box around a turned square is the square', () => {
  const corners: [number, number][] = [
    [10, 0],
    [20, 10],
    [10, 20],
    [0, 10],
    [10, 10],
  ];
  const box = smallestBox(convexHull(corners));
  expect(box.width).toBeCloseTo(Math.hypot(10, 10));
  expect(box.height).toBeCloseTo(Math.hypot(10, 10));
});
