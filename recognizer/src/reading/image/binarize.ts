import type { Raster } from './raster.ts';

/**
 * Parts ink from paper: a pixel is ink when it is darker than its neighbourhood by a share of it (Bradley and Roth,
 * "Adaptive thresholding using the integral image", 2007). Returns 1 for ink.
 */
export function binarize(
  { width, height, data }: Raster,
  {
    reach = Math.max(12, Math.round(Math.max(width, height) / 48)),
    share = 0.15,
  }: { reach?: number; share?: number } = {},
): Uint8Array {
  const out = new Uint8Array(width * height);
  // Sums of columns over the rows of the window, moved down row by row: no picture of sums is needed.
  const columns = new Float64Array(width);
  for (let y = 0; y < Math.min(height, reach); y++) addRow(columns, data, y * width, 1);
  for (let y = 0; y < height; y++) {
    if (y + reach < height) addRow(columns, data, (y + reach) * width, 1);
    if (y - reach - 1 >= 0) addRow(columns, data, (y - reach - 1) * width, -1);
    const rows = Math.min(height - 1, y + reach) - Math.max(0, y - reach) + 1;
    let sum = 0;
    for (let x = 0; x < Math.min(width, reach); x++) sum += columns[x] ?? 0;
    for (let x = 0; x < width; x++) {
      if (x + reach < width) sum += columns[x + reach] ?? 0;
      if (x - reach - 1 >= 0) sum -= columns[x - reach - 1] ?? 0;
      const count = rows * (Math.min(width - 1, x + reach) - Math.max(0, x - reach) + 1);
      if ((data[y * width + x] ?? 0) * count < sum * (1 - share)) out[y * width + x] = 1;
    }
  }
  return out;
}

function addRow(columns: Float64Array, data: Uint8Array, from: number, sign: 1 | -1): void {
  for (let x = 0; x < columns.length; x++) columns[x] = (columns[x] ?? 0) + sign * (data[from + x] ?? 0);
}
