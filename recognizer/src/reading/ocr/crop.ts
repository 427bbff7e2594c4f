import type { Raster } from '../image/raster.ts';
import type { RotatedBox } from './rotated-box.ts';

/**
 * Straightens the picture inside a box to the given size: bilinear, with several samples a pixel when it shrinks.
 * What lies outside the picture is as its nearest pixel.
 */
export function cropRotated(
  raster: Raster,
  box: RotatedBox,
  { width, height }: { width: number; height: number },
): Raster {
  const { data } = raster;
  const samplesX = Math.min(4, Math.max(1, Math.ceil(box.width / width - 0.3)));
  const samplesY = Math.min(4, Math.max(1, Math.ceil(box.height / height - 0.3)));
  const cos = Math.cos(box.angle);
  const sin = Math.sin(box.angle);
  const stepU = box.width / (width * samplesX);
  const stepV = box.height / (height * samplesY);
  const maxX = raster.width - 1;
  const maxY = raster.height - 1;
  const out = new Uint8Array(width * height);
  const share = 1 / (samplesX * samplesY);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let j = 0; j < samplesY; j++) {
        const v = (row * samplesY + j + 0.5) * stepV - box.height / 2;
        for (let i = 0; i < samplesX; i++) {
          const u = (column * samplesX + i + 0.5) * stepU - box.width / 2;
          const x = Math.min(maxX, Math.max(0, box.cx + u * cos - v * sin - 0.5));
          const y = Math.min(maxY, Math.max(0, box.cy + u * sin + v * cos - 0.5));
          const x0 = Math.floor(x);
          const y0 = Math.floor(y);
          const fx = x - x0;
          const fy = y - y0;
          const right = x0 < maxX ? 1 : 0;
          const at = y0 * raster.width + x0;
          const below = y0 < maxY ? at + raster.width : at;
          const top = (data[at] ?? 0) * (1 - fx) + (data[at + right] ?? 0) * fx;
          const bottom = (data[below] ?? 0) * (1 - fx) + (data[below + right] ?? 0) * fx;
          sum += top * (1 - fy) + bottom * fy;
        }
      }
      out[row * width + column] = sum * share + 0.5;
    }
  }
  return { width, height, data: out };
}
