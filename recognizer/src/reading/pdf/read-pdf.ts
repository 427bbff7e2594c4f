import type { Page } from '../../document.ts';
import { RecognizerError } from '../../errors.ts';
import { area, type Box, boxOf, intersectionArea, polygonOf, type QuarterTurns, unionOf } from '../box.ts';
import { cropRaster, type Raster } from '../image/raster.ts';
import { layOut, type PageFrame } from '../layout/lay-out.ts';
import { joinLines } from '../layout/lines.ts';
import { isBoxLetter } from '../layout/marks.ts';
import { ocrModels } from '../ocr/models.ts';
import { readRaster } from '../ocr/read-raster.ts';
import type { ReadJob } from '../options.ts';
import { selectedPages } from '../page-selection.ts';
import { lineBox, mapLine, type TextLine } from '../page-text.ts';
import { agreement } from './agreement.ts';
import { type PdfContent, pdfContent } from './content.ts';
import { type OpenPdfPage, withPdf, withPdfPage } from './document.ts';
import { type PdfGeometry, pdfGeometry, pointsPerInch } from './geometry.ts';
import { renderPdfPage } from './render.ts';
import { type TextSource, textSource } from './source.ts';
import { type PdfCheckBox, pdfCheckBoxes } from './widgets.ts';
import { type PdfWord, pdfWords } from './words.ts';

/** Enough to see rulings and check boxes of a digital page. */
const layoutDpi = 120;
/** For pictures among digital text. */
const pictureDpi = 200;
/** A layer that shares fewer of its words with what is seen than this belongs to something else. */
const leastAgreement = 0.4;
/** Text in logos and photographs is given only where it was read well. */
const surePictureWord = 0.85;

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
        use: (open) => readPdfPage(open, { number, geometry: geometry ?? pdfGeometry(open, limits), checkBoxes, job }),
      });
      pages.push(page);
      options.onProgress?.(pages.length, wanted.length);
    }
    return pages;
  });
}

async function readPdfPage(
  page: OpenPdfPage,
  {
    number,
    geometry,
    checkBoxes,
    job,
  }: { number: number; geometry: PdfGeometry; checkBoxes: readonly PdfCheckBox[]; job: ReadJob },
): Promise<Page> {
  const words = withoutCheckGlyphs(pdfWords(page, geometry, job.limits), checkBoxes);
  const content = pdfContent(page, geometry, job.limits);
  const source = textSource(words, content, geometry);
  if (source.kind === 'layer' && words.length === 0 && checkBoxes.length === 0) return blankPage(number, geometry);
  const isPlain = !hasDrawing(content, source);
  const raster = isPlain ? emptyPicture(geometry) : renderPdfPage(page, geometry, drawingDpi(source));
  const scale = raster.dpi / pointsPerInch;
  const space: PixelSpace = {
    scale,
    // y of the displayed page starts at the whole-point height, the picture at the exact one.
    shift: geometry.exactHeight - geometry.height,
  };
  const layer = source.kind === 'picture' ? [] : layerLines(source.words, space);
  let lines = layer;
  let angle = 90 * signedTurns(mainTurns(layer));
  if (source.kind === 'picture' || source.kind === 'compare') {
    const seen = await readRaster(raster, await ocrModels(job.options.ocr, job.options.language), job.deadline);
    if (source.kind === 'picture' || agreement(layer, seen.lines) < leastAgreement) {
      lines = seen.lines;
      angle = Math.round(seen.angle * 1e4) / 1e4;
    } else lines = [...layer, ...besides(layer, seen.lines)];
  } else if (source.kind === 'both') {
    const models = await ocrModels(job.options.ocr, job.options.language);
    for (const region of source.regions) {
      const { raster: part, x, y } = cropRaster(raster, pixelBox(region, space));
      if (part.width < 24 || part.height < 24) continue;
      const seen = await readRaster(part, models, job.deadline);
      const placed = seen.lines.map((line) => mapLine(line, (px, py) => [px + x, py + y]));
      lines = [
        ...lines,
        ...besides(
          layer,
          placed.map(sureWords).filter((line) => line.words.length > 0),
        ),
      ];
    }
  }
  return layOut(
    {
      number,
      raster,
      isPlain,
      lines,
      checkBoxes: checkBoxes.map(({ box, state }) => ({ box: pixelBox(box, space), state, confidence: 1 })),
      angle,
      readingOrder: job.options.readingOrder ?? 'basic',
    },
    inchFrame(geometry, space),
  );
}

/** Text alone needs no picture: there are no rulings, no boxes and nothing to read but the layer. */
function hasDrawing(content: PdfContent, source: TextSource): boolean {
  if (source.kind !== 'layer' || content.paths > 0 || content.images.length > 0) return true;
  return source.words.some((word) => isBoxLetter(word));
}

function drawingDpi(source: TextSource): number {
  if (source.kind === 'picture' || source.kind === 'compare') return source.dpi;
  return source.kind === 'both' ? pictureDpi : layoutDpi;
}

/** The size at one pixel a point; nobody looks at the pixels. */
function emptyPicture({ exactWidth, exactHeight }: PdfGeometry): Raster & { dpi: number } {
  return {
    width: Math.ceil(exactWidth),
    height: Math.ceil(exactHeight),
    data: new Uint8Array(0),
    dpi: pointsPerInch,
  };
}

function blankPage(number: number, geometry: PdfGeometry): Page {
  const { width, height, unit } = inchFrame(geometry, { scale: 1, shift: 0 });
  return { number, angle: 0, width, height, unit, lines: [], selectionMarks: [], tables: [] };
}

interface PixelSpace {
  readonly scale: number;
  readonly shift: number;
}

function pixelBox(box: Box, { scale, shift }: PixelSpace): Box {
  return {
    x0: box.x0 * scale,
    y0: (box.y0 + shift) * scale,
    x1: box.x1 * scale,
    y1: (box.y1 + shift) * scale,
  };
}

/** Four places, as the service gives them. */
function inchFrame(geometry: PdfGeometry, { scale, shift }: PixelSpace): PageFrame {
  const inch = (points: number) => Math.round((points / pointsPerInch) * 1e4) / 1e4;
  return {
    width: inch(geometry.width),
    height: inch(geometry.height),
    unit: 'inch',
    point: (x, y) => [inch(x / scale), inch(y / scale - shift)],
  };
}

function layerLines(words: readonly PdfWord[], space: PixelSpace): TextLine[] {
  return joinLines(words).map((line) => {
    const turns = line[0]?.turns ?? 0;
    return {
      turns,
      polygon: polygonOf(pixelBox(unionOf(line.map((word) => word.box)), space), turns),
      words: line.map(({ text, box }) => ({ text, polygon: polygonOf(pixelBox(box, space), turns), confidence: 1 })),
    };
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

/** What was seen where the layer has nothing. */
function besides(layer: readonly TextLine[], seen: readonly TextLine[]): TextLine[] {
  const boxes = layer.flatMap((line) => line.words.map((word) => boxOf(word.polygon)));
  return seen.filter((line) => {
    const box = lineBox(line);
    const covered = boxes.reduce((sum, other) => sum + intersectionArea(box, other), 0);
    return covered < 0.2 * area(box);
  });
}

function sureWords(line: TextLine): TextLine {
  return {
    ...line,
    words: line.words.filter((word) => word.confidence >= surePictureWord && /[\p{L}\p{N}]{2}/u.test(word.text)),
  };
}

function mainTurns(lines: readonly TextLine[]): QuarterTurns {
  const counts = [0, 0, 0, 0];
  for (const line of lines) counts[line.turns] = (counts[line.turns] ?? 0) + line.words.length;
  const most = counts.indexOf(Math.max(...counts));
  return most === 1 ? 1 : most === 2 ? 2 : most === 3 ? 3 : 0;
}

function signedTurns(turns: QuarterTurns): number {
  return turns === 3 ? -1 : turns;
}
