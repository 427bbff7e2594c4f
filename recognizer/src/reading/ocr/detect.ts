import { type Component, connectedComponents } from '../image/components.ts';
import { histogramOf } from '../image/otsu.ts';
import { type Raster, resizeRaster } from '../image/raster.ts';
import { boxAtAngle, convexHull, type RotatedBox, smallestBox } from './rotated-box.ts';
import type { Network } from './runtime.ts';

/** Where a line of text stands on a picture, and how sure the detector is. */
export interface TextBox extends RotatedBox {
  readonly score: number;
}

/** Longest side the detector sees, and how much a small picture is enlarged at most. Measured on receipts and forms. */
const longestSide = 1440;
const mostEnlarged = 1.5;
const textThreshold = 0.3;
const boxThreshold = 0.6;
/** The detector is trained on shrunken text regions; this is how far they grow back. */
const growth = 1.9;
const smallestSide = 3;
const leastContrast = 24;

/**
 * Finds lines of text: a network tells for every pixel whether it is the inner part of a line, its regions are boxed
 * and grown (Liao et al., "Real-time scene text detection with differentiable binarization", 2020).
 *
 * Short regions have no angle of their own worth trusting, so they take that of the page.
 */
export async function detectText(raster: Raster, network: Network): Promise<{ boxes: TextBox[]; angle: number }> {
  if (isBlank(raster)) return { boxes: [], angle: 0 };
  const scale = Math.min(mostEnlarged, longestSide / Math.max(raster.width, raster.height));
  const width = multipleOf32(raster.width * scale);
  const height = multipleOf32(raster.height * scale);
  const small = resizeRaster(raster, width, height);
  const { data: probability } = await network.run(normalized(small), [1, 3, height, width]);
  const bits = new Uint8Array(width * height);
  for (let i = 0; i < bits.length; i++) bits[i] = (probability[i] ?? 0) > textThreshold ? 1 : 0;
  const regions = connectedComponents(bits, { width, height, minArea: 9 }).map((component) => {
    const hull = convexHull(outline(component));
    return { hull, box: smallestBox(hull) };
  });
  const angle = pageAngle(regions.map(({ box }) => box));
  const boxes: TextBox[] = [];
  for (const { hull, box: own } of regions) {
    const isLong = own.width >= 5 * own.height && Math.abs(own.angle - angle) < 0.09;
    const box = isLong ? own : boxAtAngle(hull, angle);
    if (Math.min(box.width, box.height) < smallestSide) continue;
    const score = meanInside(probability, { width, height, box });
    if (score < boxThreshold) continue;
    const distance = (box.width * box.height * growth) / (2 * (box.width + box.height));
    boxes.push(
      scaled(
        { ...box, width: box.width + 2 * distance, height: box.height + 2 * distance, score },
        { x: raster.width / width, y: raster.height / height },
      ),
    );
  }
  return { boxes, angle };
}

/** Paper without a mark on it. */
function isBlank({ data }: Raster): boolean {
  const histogram = histogramOf(data);
  const darkest = histogram.findIndex((count) => count > 0);
  const lightest = histogram.findLastIndex((count) => count > 0);
  return lightest - darkest < leastContrast;
}

/** ImageNet's mean and deviation, as PP-OCR was trained; grey stands in all three channels. */
function normalized({ width, height, data }: Raster): Float32Array {
  const size = width * height;
  const out = new Float32Array(3 * size);
  [
    [0.485, 0.229],
    [0.456, 0.224],
    [0.406, 0.225],
  ].forEach(([mean = 0, deviation = 1], channel) => {
    const table = Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / deviation);
    for (let i = 0; i < size; i++) out[channel * size + i] = table[data[i] ?? 0] ?? 0;
  });
  return out;
}

function multipleOf32(length: number): number {
  return Math.max(32, Math.round(length / 32) * 32);
}

/** Both ends of every run, as corners of pixels. */
function outline({ runs }: Component): [number, number][] {
  const points: [number, number][] = [];
  for (let i = 0; i < runs.length; i += 3) {
    const y = runs[i] ?? 0;
    const start = runs[i + 1] ?? 0;
    const end = runs[i + 2] ?? 0;
    points.push([start, y], [end, y], [start, y + 1], [end, y + 1]);
  }
  return points;
}

/** The angle at which half of the length of the long lines lies to either side, in radians. */
function pageAngle(boxes: readonly RotatedBox[]): number {
  const long = boxes
    .map((box) => {
      const isTall = box.height > box.width;
      return {
        angle: box.angle,
        length: isTall ? box.height : box.width,
        thickness: isTall ? box.width : box.height,
      };
    })
    .filter(({ length, thickness }) => length >= 5 * thickness)
    .sort((a, b) => a.angle - b.angle);
  const total = long.reduce((sum, { length }) => sum + length, 0);
  let sum = 0;
  for (const { angle, length } of long) {
    sum += length;
    if (sum >= total / 2) return angle;
  }
  return 0;
}

function meanInside(
  values: Float32Array,
  { width, height, box }: { width: number; height: number; box: RotatedBox },
): number {
  const cos = Math.cos(box.angle);
  const sin = Math.sin(box.angle);
  const reachX = Math.abs((box.width / 2) * cos) + Math.abs((box.height / 2) * sin);
  const reachY = Math.abs((box.width / 2) * sin) + Math.abs((box.height / 2) * cos);
  let sum = 0;
  let count = 0;
  for (let y = Math.max(0, Math.floor(box.cy - reachY)); y < Math.min(height, box.cy + reachY); y++) {
    for (let x = Math.max(0, Math.floor(box.cx - reachX)); x < Math.min(width, box.cx + reachX); x++) {
      const dx = x + 0.5 - box.cx;
      const dy = y + 0.5 - box.cy;
      if (Math.abs(dx * cos + dy * sin) > box.width / 2 || Math.abs(dy * cos - dx * sin) > box.height / 2) continue;
      sum += values[y * width + x] ?? 0;
      count++;
    }
  }
  return count > 0 ? sum / count : 0;
}

/** The two scales differ by the rounding to 32 pixels only, so the angle is kept up to that. */
function scaled(box: TextBox, { x, y }: { x: number; y: number }): TextBox {
  const cos = Math.cos(box.angle);
  const sin = Math.sin(box.angle);
  return {
    ...box,
    cx: box.cx * x,
    cy: box.cy * y,
    width: box.width * Math.hypot(cos * x, sin * y),
    height: box.height * Math.hypot(sin * x, cos * y),
    angle: Math.atan2(sin * y, cos * x),
  };
}
