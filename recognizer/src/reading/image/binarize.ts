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
  const columns = new Int32Array(width);
  const keep = 1 - share;
  for (let y = 0; y < Math.min(height, reach); y++) addRow(columns, data, y * width);
  for (let y = 0; y < height; y++) {
    if (y + reach < height) addRow(columns, data, (y + reach) * width);
    if (y - reach - 1 >= 0) subtractRow(columns, data, (y - reach - 1) * width);
    const rows = Math.min(height - 1, y + reach) - Math.max(0, y - reach) + 1;
    const from = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(width, reach); x++) sum += columns[x] as number;
    for (let x = 0; x < width; x++) {
      if (x + reach < width) sum += columns[x + reach] as number;
      if (x > reach) sum -= columns[x - reach - 1] as number;
      const value = data[from + x] as number;
      // White is never darker than its surroundings.
      if (value === 255) continue;
      const count = rows * (Math.min(width - 1, x + reach) - Math.max(0, x - reach) + 1);
      if (value * count < sum * keep) out[from + x] = 1;
    }
  }
  return out;
}

function addRow(columns: Int32Array, data: Uint8Array, from: number): void {
  for (let x = 0; x < columns.length; x++) columns[x] = (columns[x] as number) + (data[from + x] as number);
}

function subtractRow(columns: Int32Array, data: Uint8Array, from: number): void {
  for (let x = 0; x < columns.length; x++) columns[x] = (columns[x] as number) - (data[from + x] as number);
}
