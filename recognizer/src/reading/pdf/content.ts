import type { Box } from '../box.ts';
import type { ReadLimits } from '../limits.ts';
import type { OpenPdfPage } from './document.ts';
import type { PdfGeometry } from './geometry.ts';

/** A picture drawn on the page. */
export interface PdfImage {
  /** In points of the displayed page. */
  readonly box: Box;
  /** Its own pixels to the inch, as drawn. */
  readonly dpi: number;
}

/** What a page is drawn with, besides text. */
export interface PdfContent {
  readonly images: readonly PdfImage[];
  /** Drawn lines and areas. */
  readonly paths: number;
}

/** fpdf_edit.h */
const pathObject = 2;
const imageObject = 3;
const shadingObject = 4;
const formObject = 5;
const deepest = 6;

/** a b c d e f: x' = ax + cy + e, y' = bx + dy + f. */
type Matrix = readonly [number, number, number, number, number, number];

/** Counts paths and finds pictures, in nested form objects too. */
export function pdfContent({ engine, handle }: OpenPdfPage, geometry: PdfGeometry, limits: ReadLimits): PdfContent {
  const { api } = engine;
  const images: PdfImage[] = [];
  let paths = 0;
  let seen = 0;
  const scratch = engine.allocate(32);
  const matrixOf = (object: number): Matrix => {
    if (!api.FPDFPageObj_GetMatrix(object, scratch)) return [1, 0, 0, 1, 0, 0];
    const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = engine.floats().subarray(scratch >> 2, (scratch >> 2) + 6);
    return [a, b, c, d, e, f];
  };
  const visit = (object: number, outer: Matrix, depth: number) => {
    if (object === 0 || ++seen > limits.maxObjectsPerPage) return;
    const type = api.FPDFPageObj_GetType(object);
    if (type === pathObject || type === shadingObject) paths++;
    else if (type === imageObject) {
      // A picture is the unit square under its matrix.
      const matrix = product(matrixOf(object), outer);
      const [a, b, c, d, e, f] = matrix;
      const xs = [e, e + a, e + c, e + a + c];
      const ys = [f, f + b, f + d, f + b + d];
      const box = geometry.toDisplay(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
      let dpi = 0;
      if (api.FPDFImageObj_GetImagePixelSize(object, scratch, scratch + 4)) {
        const pixels = engine.ints()[scratch >> 2] ?? 0;
        dpi = (pixels / Math.max(1, Math.hypot(a, b))) * 72;
      }
      if (box.x1 > box.x0 && box.y1 > box.y0) images.push({ box, dpi });
    } else if (type === formObject && depth < deepest) {
      const matrix = product(matrixOf(object), outer);
      const count = api.FPDFFormObj_CountObjects(object);
      for (let i = 0; i < count && seen <= limits.maxObjectsPerPage; i++) {
        visit(api.FPDFFormObj_GetObject(object, i), matrix, depth + 1);
      }
    }
  };
  try {
    const count = api.FPDFPage_CountObjects(handle);
    for (let i = 0; i < count && seen <= limits.maxObjectsPerPage; i++) {
      visit(api.FPDFPage_GetObject(handle, i), [1, 0, 0, 1, 0, 0], 0);
    }
  } finally {
    engine.release(scratch);
  }
  return { images, paths };
}

/** First `a`, then `b`. */
function product(a: Matrix, b: Matrix): Matrix {
  return [
    a[0] * b[0] + a[1] * b[2],
    a[0] * b[1] + a[1] * b[3],
    a[2] * b[0] + a[3] * b[2],
    a[2] * b[1] + a[3] * b[3],
    a[4] * b[0] + a[5] * b[2] + b[4],
    a[4] * b[1] + a[5] * b[3] + b[5],
  ];
}
