import sharp from 'sharp';
import type { Page, Polygon } from '../document.ts';
import { RecognizerError } from '../errors.ts';
import { startDeadline } from './deadline.ts';
import { openImage } from './image/decode.ts';
import type { Raster } from './image/raster.ts';
import { defaultReadLimits, type ReadLimits } from './limits.ts';
import { withPdf, withPdfPage } from './pdf/document.ts';
import { pdfGeometry } from './pdf/geometry.ts';
import { renderPdfPage } from './pdf/render.ts';
import { sniff } from './sniff.ts';

/** Longest side of the pictures made. */
const longestSide = 1600;

/** Draws what was read over the pictures of the pages: one PNG a page, in the order given. */
export async function overlay(bytes: Uint8Array, pages: readonly Page[]): Promise<Uint8Array[]> {
  const limits = defaultReadLimits;
  const pictures: Uint8Array[] = [];
  for (const page of pages) pictures.push(await drawPage(await pictureOf(bytes, page.number, limits), page));
  return pictures;
}

async function pictureOf(bytes: Uint8Array, number: number, limits: ReadLimits): Promise<Raster> {
  const format = sniff(bytes);
  if (format === undefined)
    throw new RecognizerError('unsupportedFormat', 'The file is none of PDF, JPEG, PNG, TIFF and BMP.');
  if (format !== 'pdf') {
    const image = await openImage(bytes, { format, limits, deadline: startDeadline(limits.maxMilliseconds) });
    return image.decode(number);
  }
  return withPdf(bytes, (pdf) =>
    withPdfPage(pdf, number - 1, {
      use: async (page) => {
        const geometry = pdfGeometry(page, limits);
        const inches = Math.max(geometry.exactWidth, geometry.exactHeight) / 72;
        return renderPdfPage(page, geometry, longestSide / inches);
      },
    }),
  );
}

async function drawPage(raster: Raster, page: Page): Promise<Uint8Array> {
  const scale = Math.min(1, longestSide / Math.max(raster.width, raster.height));
  const width = Math.max(1, Math.round(raster.width * scale));
  const height = Math.max(1, Math.round(raster.height * scale));
  const shape = (polygon: Polygon, style: string) => {
    const points = polygon.map((value, i) => {
      const size = i % 2 === 0 ? width / page.width : height / page.height;
      return (value * size).toFixed(1);
    });
    return `<polygon points="${points.join(' ')}" ${style}/>`;
  };
  const shapes = [
    ...page.tables.flatMap((table) => [
      shape(table.polygon, 'fill="none" stroke="#8e24aa" stroke-width="4"'),
      ...table.cells.map((cell) =>
        shape(cell.polygon, 'fill="#8e24aa" fill-opacity="0.06" stroke="#8e24aa" stroke-width="1.5"'),
      ),
    ]),
    ...page.lines.flatMap((line) => [
      shape(line.polygon, 'fill="none" stroke="#1e88e5" stroke-width="1.5"'),
      // The less sure, the redder.
      ...line.words.map((word) =>
        shape(word.polygon, `fill="${word.confidence >= 0.8 ? '#43a047' : '#e53935'}" fill-opacity="0.22"`),
      ),
    ]),
    ...page.selectionMarks.map((mark) =>
      shape(
        mark.polygon,
        `fill="#fb8c00" fill-opacity="${mark.state === 'selected' ? 0.6 : 0.1}" stroke="#fb8c00" stroke-width="3"`,
      ),
    ),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
  return sharp(raster.data, { raw: { width: raster.width, height: raster.height, channels: 1 } })
    .resize(width, height)
    .toColourspace('srgb')
    .composite([{ input: Buffer.from(svg) }])
    .png({ compressionLevel: 9, palette: true, colours: 64 })
    .toBuffer();
}
