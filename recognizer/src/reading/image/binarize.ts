import type { Raster } from './raster.ts';

/** Side of the squares that share a threshold. */
const tile = 8;

/**
 * Parts ink from paper: a pixel is ink when it is darker than its neighbourhood by a share of it (Bradley and Roth,
 * "Adaptive thresholding using the integral image", 2007; here of small squares, a tenth of the work). Returns 1 for ink.
 */
export function binarize(
  { width, height, data }: Raster,
  {
    reach = Math.max(12, Math.round(Math.max(width, height) / 48)),
    share = 0.15,
  }: { reach?: number; share?: number } = {},
): Uint8Array {
  const columns = Math.ceil(width / tile);
  const rows = Math.ceil(height / tile);
  const sums = new Int32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    const to = (y >> 3) * columns;
    for (let c = 0, from = y * width, end = from + width; c < columns; c++) {
      let sum = 0;
      for (const next = Math.min(end, from + tile); from < next; from++) sum += data[from] as number;
      sums[to + c] = (sums[to + c] as number) + sum;
    }
  }
  const integral = new Float64Array((columns + 1) * (rows + 1));
  for (let r = 0; r < rows; r++) {
    let line = 0;
    for (let c = 0; c < columns; c++) {
      line += sums[r * columns + c] as number;
      integral[(r + 1) * (columns + 1) + c + 1] = (integral[r * (columns + 1) + c + 1] as number) + line;
    }
  }
  const around = Math.max(1, Math.round(reach / tile));
  const out = new Uint8Array(width * height);
  for (let r = 0; r < rows; r++) {
    const r0 = Math.max(0, r - around);
    const r1 = Math.min(rows, r + around + 1);
    const y1 = Math.min(height, (r + 1) * tile);
    for (let c = 0; c < columns; c++) {
      const c0 = Math.max(0, c - around);
      const c1 = Math.min(columns, c + around + 1);
      const sum =
        (integral[r1 * (columns + 1) + c1] as number) -
        (integral[r0 * (columns + 1) + c1] as number) -
        (integral[r1 * (columns + 1) + c0] as number) +
        (integral[r0 * (columns + 1) + c0] as number);
      const pixels = (Math.min(height, r1 * tile) - r0 * tile) * (Math.min(width, c1 * tile) - c0 * tile);
      const threshold = (sum / pixels) * (1 - share);
      // Nothing but white: most of a page.
      const own = (y1 - r * tile) * (Math.min(width, (c + 1) * tile) - c * tile);
      if (sums[r * columns + c] === 255 * own) continue;
      const x1 = Math.min(width, (c + 1) * tile);
      for (let y = r * tile; y < y1; y++) {
        for (let at = y * width + c * tile, end = y * width + x1; at < end; at++) {
          if ((data[at] as number) < threshold) out[at] = 1;
        }
      }
    }
  }
  return out;
}
