import type { Line, Page, Polygon } from '../../document.ts';
import { RecognizerError } from '../../errors.ts';
import { area, type Box, intersectionArea, polygonOf, type QuarterTurns, unionOf } from '../box.ts';
import { joinLines } from '../layout/lines.ts';
import type { ReadJob } from '../options.ts';
import { selectedPages } from '../page-selection.ts';
import { withPdf, withPdfPage } from './document.ts';
import { type PdfGeometry, pdfGeometry, pointsPerInch } from './geometry.ts';
import { type PdfCheckBox, pdfCheckBoxes } from './widgets.ts';
import { type PdfWord, pdfWords } from './words.ts';

export async function readPdf(bytes: Uint8Array, job: ReadJob): Promise<Page[]> {
  const { limits, deadline, options } = job;
  return withPdf(bytes, async (pdf) => {
    if (pdf.pageCount > limits.maxPagesInFile) {
      throw new RecognizerError(
        'tooManyPages',
        `The PDF has ${pdf.pageCount} pages; ${limits.maxPagesInFile} are allowed.`,
      );
    }
    const wanted = selectedPages(pdf.pageCount, { selection: options.pages, most: limits.maxPages });
    const pages: Page[] = [];
    for (const number of wanted) {
      deadline.check();
      let geometry: PdfGeometry | undefined;
      let checkBoxes: PdfCheckBox[] = [];
      const page = await withPdfPage(pdf, number - 1, {
        prepare(open) {
          geometry = pdfGeometry(open, limits);
          checkBoxes = pdfCheckBoxes(open, geometry);
        },
        async use(open) {
          geometry ??= pdfGeometry(open, limits);
          const words = withoutCheckGlyphs(pdfWords(open, geometry, limits), checkBoxes);
          return makePage({ number, geometry, words, checkBoxes });
        },
      });
      pages.push(page);
      options.onProgress?.(pages.length, wanted.length);
    }
    return pages;
  });
}

/** A tick is drawn with a letter of a symbol font; the service reports the mark and not the letter. */
function withoutCheckGlyphs(words: readonly PdfWord[], checkBoxes: readonly PdfCheckBox[]): PdfWord[] {
  if (checkBoxes.length === 0) return [...words];
  return words.filter(
    (word) =>
      word.text.length > 1 || !checkBoxes.some(({ box }) => intersectionArea(word.box, box) > 0.5 * area(word.box)),
  );
}

function makePage({
  number,
  geometry,
  words,
  checkBoxes,
}: {
  number: number;
  geometry: PdfGeometry;
  words: readonly PdfWord[];
  checkBoxes: readonly PdfCheckBox[];
}): Page {
  const lines = joinLines(words).map((line): Line => {
    const turns = line[0]?.turns ?? 0;
    return {
      text: line.map((word) => word.text).join(' '),
      polygon: inches(unionOf(line.map((word) => word.box)), turns),
      words: line.map((word) => ({ text: word.text, polygon: inches(word.box, turns), confidence: 1 })),
    };
  });
  return {
    number,
    angle: 0,
    width: inch(geometry.width),
    height: inch(geometry.height),
    unit: 'inch',
    lines,
    selectionMarks: checkBoxes.map(({ box, state }) => ({ state, polygon: inches(box, 0), confidence: 1 })),
    tables: [],
  };
}

/** Four places, as the service gives them. */
function inch(points: number): number {
  return Math.round((points / pointsPerInch) * 1e4) / 1e4;
}

function inches(box: Box, turns: QuarterTurns): Polygon {
  const [ax, ay, bx, by, cx, cy, dx, dy] = polygonOf(box, turns);
  return [inch(ax), inch(ay), inch(bx), inch(by), inch(cx), inch(cy), inch(dx), inch(dy)];
}
