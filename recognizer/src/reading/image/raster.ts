import type { QuarterTurns } from '../box.ts';

/** A grey picture, one byte a pixel, row by row; 0 is black. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export function turnRaster(raster: Raster, turns: QuarterTurns): Raster {
  const { width, height, data } = raster;
  if (turns === 0) return raster;
  const out = new Uint8Array(data.length);
  if (turns === 2) {
    for (let i = 0, j = data.length - 1; j >= 0; i++, j--) out[i] = data[j] ?? 0;
    return { width, height, data: out };
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = data[y * width + x] ?? 0;
      if (turns === 1) out[x * height + (height - 1 - y)] = value;
      else out[(width - 1 - x) * height + y] = value;
    }
  }
  return { width: height, height: width, data: out };
}

/** Bilinear when enlarging, the mean of the covered pixels when shrinking. */
export function resizeRaster(raster: Raster, width: number, height: number): Raster {
  if (width === raster.width && height === raster.height) return raster;
  const columns = weightsOf(raster.width, width);
  const rows = weightsOf(raster.height, height);
  const { data } = raster;
  const between = new Float32Array(width * raster.height);
  for (let y = 0; y < raster.height; y++) {
    const from = y * raster.width;
    const to = y * width;
    for (let x = 0; x < width; x++) {
      const start = columns.start[x] ?? 0;
      const first = columns.offset[x] ?? 0;
      const count = (columns.offset[x + 1] ?? 0) - first;
      let sum = 0;
      for (let k = 0; k < count; k++) sum += (data[from + start + k] ?? 0) * (columns.weight[first + k] ?? 0);
      between[to + x] = sum;
    }
  }
  const out = new Uint8Array(width * height);
  const row = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    row.fill(0.5);
    const start = rows.start[y] ?? 0;
    const first = rows.offset[y] ?? 0;
    const count = (rows.offset[y + 1] ?? 0) - first;
    for (let k = 0; k < count; k++) {
      const weight = rows.weight[first + k] ?? 0;
      const from = (start + k) * width;
      for (let x = 0; x < width; x++) row[x] = (row[x] ?? 0) + (between[from + x] ?? 0) * weight;
    }
    out.set(row, y * width);
  }
  return { width, height, data: out };
}

interface Weights {
  /** First source pixel of each target pixel. */
  readonly start: Int32Array;
  /** Where its weights begin. */
  readonly offset: Int32Array;
  readonly weight: Float32Array;
}

/** A triangle filter as wide as the step, at least one pixel: linear interpolation that also averages. */
function weightsOf(from: number, to: number): Weights {
  const scale = from / to;
  const reach = Math.max(1, scale);
  const start = new Int32Array(to);
  const offset = new Int32Array(to + 1);
  const weight: number[] = [];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.ceil(center - reach));
    const last = Math.min(from - 1, Math.floor(center + reach));
    start[i] = first;
    const own: number[] = [];
    for (let k = first; k <= last; k++) own.push(Math.max(0, 1 - Math.abs(k - center) / reach));
    const sum = own.reduce((a, b) => a + b, 0);
    weight.push(...own.map((value) => (sum > 0 ? value / sum : 1 / own.length)));
    offset[i + 1] = weight.length;
  }
  return { start, offset, weight: Float32Array.from(weight) };
}

/** A part of the picture, and where it begins. */
export function cropRaster(
  raster: Raster,
  box: { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number },
): { raster: Raster; x: number; y: number } {
  const x = Math.max(0, Math.floor(box.x0));
  const y = Math.max(0, Math.floor(box.y0));
  const width = Math.max(0, Math.min(raster.width, Math.ceil(box.x1)) - x);
  const height = Math.max(0, Math.min(raster.height, Math.ceil(box.y1)) - y);
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * raster.width + x;
    data.set(raster.data.subarray(from, from + width), row * width);
  }
  return { raster: { width, height, data }, x, y };
}
