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

/** A found field, drawn with its name on top of what was read. */
export interface OverlayField {
  readonly name: string;
  readonly polygon: Polygon;
  /** From 1. */
  readonly page: number;
}

/** Draws what was read over the pictures of the pages, and found fields on top: one PNG a page, in the order given. */
export async function overlay(
  bytes: Uint8Array,
  pages: readonly Page[],
  { fields = [] }: { readonly fields?: readonly OverlayField[] } = {},
): Promise<Uint8Array[]> {
  const limits = defaultReadLimits;
  const pictures: Uint8Array[] = [];
  for (const page of pages) {
    const own = fields.filter((field) => field.page === page.number);
    pictures.push(await drawPage(await pictureOf(bytes, page.number, limits), page, own));
  }
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

async function drawPage(raster: Raster, page: Page, fields: readonly OverlayField[]): Promise<Uint8Array> {
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
  /** The name on a tag above the box; below where the page ends, and never over its right edge. */
  const nameTag = (name: string, polygon: Polygon) => {
    const [xs, ys] = [0, 1].map((odd) => polygon.filter((_, i) => i % 2 === odd)) as [number[], number[]];
    const tagWidth = 8 + 8.5 * [...name].length;
    const x = Math.max(0, Math.min((Math.min(...xs) * width) / page.width, width - tagWidth));
    const top = (Math.min(...ys) * height) / page.height - 19;
    const y = top >= 0 ? top : (Math.max(...ys) * height) / page.height + 3;
    const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${tagWidth}" height="17"`;
    const at = `x="${(x + 4).toFixed(1)}" y="${(y + 13).toFixed(1)}"`;
    const style = 'font-family="DejaVu Sans Mono, monospace" font-size="14" fill="#ffffff"';
    return `<rect ${place} fill="#d81b60"/><text ${at} ${style}>${escaped(name)}</text>`;
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
  for (const { name, polygon } of fields) {
    shapes.push(shape(polygon, 'fill="none" stroke="#d81b60" stroke-width="3"'), nameTag(name, polygon));
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
  return sharp(raster.data, { raw: { width: raster.width, height: raster.height, channels: 1 } })
    .resize(width, height)
    .toColourspace('srgb')
    .composite([{ input: Buffer.from(svg) }])
    .png({ compressionLevel: 9, palette: true, colours: 64 })
    .toBuffer();
}

function escaped(text: string): string {
  const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  // Control characters are not allowed in XML at all.
  return text.replace(/\p{Cc}/gu, ' ').replace(/[&<>]/g, (sign) => signs[sign] ?? sign);
}
