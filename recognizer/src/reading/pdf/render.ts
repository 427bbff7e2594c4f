import type { Raster } from '../image/raster.ts';
import type { OpenPdfPage } from './document.ts';
import { type PdfGeometry, pointsPerInch } from './geometry.ts';

/** fpdfview.h */
const grey = 1;
const drawAnnotations = 0x01;
const white = 0xffffffff;

/** Pixels of one page at most, whatever it claims to measure. */
const mostPixels = 16_000_000;

/** Draws a page in grey. The resolution is lowered where the page would take too many pixels. */
export function renderPdfPage(
  { engine, handle }: OpenPdfPage,
  geometry: PdfGeometry,
  dpi: number,
): Raster & { dpi: number } {
  const { api } = engine;
  const inches = (geometry.exactWidth * geometry.exactHeight) / pointsPerInch ** 2;
  const used = Math.min(dpi, Math.sqrt(mostPixels / inches));
  const width = Math.max(1, Math.round((geometry.exactWidth / pointsPerInch) * used));
  const height = Math.max(1, Math.round((geometry.exactHeight / pointsPerInch) * used));
  const bitmap = api.FPDFBitmap_CreateEx(width, height, grey, 0, 0);
  if (bitmap === 0) throw new RangeError('PDFium has no memory left for the picture of a page');
  try {
    api.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, white);
    api.FPDF_RenderPageBitmap(bitmap, handle, 0, 0, width, height, 0, drawAnnotations);
    const stride = api.FPDFBitmap_GetStride(bitmap);
    const start = api.FPDFBitmap_GetBuffer(bitmap);
    const source = engine.bytes();
    const data = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      const from = start + y * stride;
      data.set(source.subarray(from, from + width), y * width);
    }
    return { width, height, data, dpi: used };
  } finally {
    api.FPDFBitmap_Destroy(bitmap);
  }
}
