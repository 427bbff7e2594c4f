import { RecognizerError } from '../../errors.ts';
import type { Box, QuarterTurns } from '../box.ts';
import type { ReadLimits } from '../limits.ts';
import type { OpenPdfPage } from './document.ts';
import type { PdfEngine } from './engine.ts';

export const pointsPerInch = 72;

/** How the page is shown, and how its own coordinates come to the displayed ones. */
export interface PdfGeometry {
  /** As displayed, in whole points: the service cuts the fraction off. */
  readonly width: number;
  readonly height: number;
  /** As displayed, in points, exact. */
  readonly exactWidth: number;
  readonly exactHeight: number;
  /** /Rotate, clockwise. */
  readonly rotation: QuarterTurns;
  /** From the page's own space (y up) to the displayed page (y down, the whole-point height as its foot). */
  toDisplay(left: number, bottom: number, right: number, top: number): Box;
}

export function pdfGeometry({ engine, handle }: OpenPdfPage, limits: ReadLimits): PdfGeometry {
  const { api } = engine;
  const exactWidth = api.FPDF_GetPageWidthF(handle);
  const exactHeight = api.FPDF_GetPageHeightF(handle);
  const longest = Math.max(exactWidth, exactHeight) / pointsPerInch;
  if (!(longest <= limits.maxPageInches)) {
    throw new RecognizerError(
      'pageTooLarge',
      `A page of the PDF is ${longest.toFixed(1)} inches long; ${limits.maxPageInches} are allowed.`,
    );
  }
  if (!(exactWidth >= 1 && exactHeight >= 1))
    throw new RecognizerError('invalidFile', 'A page of the PDF has no area.');
  const turn = api.FPDFPage_GetRotation(handle) & 3;
  const rotation: QuarterTurns = turn === 1 ? 1 : turn === 2 ? 2 : turn === 3 ? 3 : 0;
  const origin = pageOrigin(engine, handle);
  const floorHeight = Math.floor(exactHeight);
  // The service measures y from floor(height) down to the glyph, so all words shift by the fraction.
  const shift = floorHeight - exactHeight;
  return {
    width: Math.floor(exactWidth),
    height: floorHeight,
    exactWidth,
    exactHeight,
    rotation,
    toDisplay(left, bottom, right, top) {
      const l = left - origin.left;
      const r = right - origin.left;
      const b = bottom - origin.bottom;
      const t = top - origin.bottom;
      switch (rotation) {
        case 0:
          return { x0: l, y0: floorHeight - t, x1: r, y1: floorHeight - b };
        case 1:
          return { x0: b, y0: l + shift, x1: t, y1: r + shift };
        case 2:
          return { x0: exactWidth - r, y0: b + shift, x1: exactWidth - l, y1: t + shift };
        case 3:
          return { x0: exactWidth - t, y0: exactHeight - r + shift, x1: exactWidth - b, y1: exactHeight - l + shift };
      }
    },
  };
}

/** The lower left corner of the visible part: where CropBox and MediaBox meet. */
function pageOrigin(engine: PdfEngine, handle: number): { left: number; bottom: number } {
  const rectangle = engine.allocate(16);
  try {
    // FS_RECTF: left, top, right, bottom.
    if (!engine.api.FPDF_GetPageBoundingBox(handle, rectangle)) return { left: 0, bottom: 0 };
    const at = rectangle >> 2;
    const values = engine.floats();
    return { left: values[at] ?? 0, bottom: Math.min(values[at + 1] ?? 0, values[at + 3] ?? 0) };
  } finally {
    engine.release(rectangle);
  }
}
