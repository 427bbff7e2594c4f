import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { RecognizerError } from '../errors.ts';
import { startDeadline } from './deadline.ts';
import { encodeBmp } from './image/bmp-sample.ts';
import { openImage } from './image/decode.ts';
import { defaultReadLimits } from './limits.ts';
import { pdfContent } from './pdf/content.ts';
import { withPdf, withPdfPage } from './pdf/document.ts';
import { pdfGeometry } from './pdf/geometry.ts';
import { pdfCheckBoxes } from './pdf/widgets.ts';
import { pdfWords } from './pdf/words.ts';
import { sniff } from './sniff.ts';

// A thousand mutated files, again and again the same ones; FUZZ_SEED and FUZZ_RUNS ask for others and more:
//   FUZZ_SEED=7 FUZZ_RUNS=20000 npx vitest run recognizer/src/reading/fuzz.test.ts
const firstSeed = Number(process.env.FUZZ_SEED ?? 1);
const runs = Number(process.env.FUZZ_RUNS ?? 1000);
const limits = { ...defaultReadLimits, maxPixels: 4_000_000, maxImagePixels: 4000, maxMilliseconds: 20_000 };

const forms = fileURLToPath(new URL('../../../test/forms/', import.meta.url));
const hostile = (name: string) => readFileSync(`${forms}hostile/${name}`);

const seeds: readonly { name: string; bytes: Uint8Array; share: number }[] = [
  { name: 'a digital PDF', bytes: readFileSync(`${forms}azure-statements/train/Invoice_1.pdf`), share: 0.15 },
  { name: 'a PDF with form fields', bytes: readFileSync(`${forms}azure-1099/train/f1099msc_payer.pdf`), share: 0.1 },
  { name: 'an encrypted PDF', bytes: hostile('r6-empty-password.pdf'), share: 0.15 },
  { name: 'a fax', bytes: hostile('min-is-white-g4.tif'), share: 0.1 },
  { name: 'a TIFF with an odd orientation', bytes: hostile('g4_orientation_6.tif'), share: 0.1 },
  { name: 'a JPEG', bytes: hostile('pil_sample_cmyk.jpg'), share: 0.1 },
  { name: 'a bitmap of runs', bytes: encodeBmp({ bits: 8, compression: 'rle8' }), share: 0.15 },
  { name: 'a bitmap of fields', bytes: encodeBmp({ bits: 16, compression: 'bitfields' }), share: 0.15 },
];

describe('mutated files end in a result or one clear error', () => {
  test.for(seeds.map((seed) => [seed.name, seed] as const))(
    '%s',
    { timeout: 600_000 },
    async ([, { bytes, share }]) => {
      const count = Math.round(runs * share);
      for (let i = 0; i < count; i++) {
        const seed = firstSeed * 1_000_003 + i;
        const answer = await readWithoutOcr(mutate(bytes, seed)).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (answer !== undefined) expect(answer, `seed ${seed}`).toBeInstanceOf(RecognizerError);
      }
      expect(process.memoryUsage().rss).toBeLessThan(1.5e9);
    },
  );
});

/** All parsers, none of the networks: those see pixels only, whatever the file was. */
async function readWithoutOcr(bytes: Uint8Array): Promise<void> {
  const deadline = startDeadline(limits.maxMilliseconds);
  const format = sniff(bytes);
  if (format === undefined) return;
  if (format !== 'pdf') {
    const image = await openImage(bytes, { format, limits, deadline });
    for (let page = 1; page <= Math.min(3, image.pageCount); page++) await image.decode(page);
    return;
  }
  await withPdf(bytes, async (pdf) => {
    for (let page = 0; page < Math.min(3, pdf.pageCount); page++) {
      await withPdfPage(pdf, page, {
        prepare: (open) => pdfCheckBoxes(open, pdfGeometry(open, limits)),
        async use(open) {
          const geometry = pdfGeometry(open, limits);
          pdfWords(open, geometry, limits);
          pdfContent(open, geometry, limits);
        },
      });
    }
  });
}

/** Flips, overwrites, cuts out, doubles and cuts off. */
function mutate(bytes: Uint8Array, seed: number): Uint8Array {
  const random = xorshift(seed);
  let out = Uint8Array.from(bytes);
  const changes = 1 + random(24);
  for (let i = 0; i < changes; i++) {
    const at = random(out.length);
    switch (random(6)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << random(8));
        break;
      case 1:
        out[at] = random(256);
        break;
      case 2:
        out.fill([0, 255, 127][random(3)] ?? 0, at, at + 1 + random(16));
        break;
      case 3:
        out.copyWithin(at, random(out.length), random(out.length));
        break;
      case 4:
        // Numbers in headers: lengths, counts, sizes.
        out.set([255, 255, 255, random(128)], Math.min(at % 256, out.length - 4));
        break;
      default:
        if (random(8) === 0) out = out.slice(0, Math.max(16, at));
    }
  }
  return out;
}

/** Marsaglia, "Xorshift RNGs", 2003. */
function xorshift(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
