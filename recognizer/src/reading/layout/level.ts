import type { Polygon } from '../../document.ts';
import { boxOf } from '../box.ts';
import type { Raster } from '../image/raster.ts';
import { cropRotated } from '../ocr/crop.ts';
import { mapPolygon, type TextLine } from '../page-text.ts';

/** A page laid level and at a known size, where layout is looked for, and the ways there and back. */
export interface LevelPage {
  readonly raster: Raster;
  toLevel(x: number, y: number): readonly [number, number];
  fromLevel(x: number, y: number): readonly [number, number];
  polygonFromLevel(polygon: Polygon): Polygon;
  /** Pixels of the page for one of the level picture. */
  readonly scale: number;
}

/** About 150 to the inch on a letter page: boxes of 1/10 inch have 15 pixels. */
const longestSide = 1700;
/** Under this a ruling a page wide keeps within two pixels. */
const leastAngle = 0.12;

/** @param angle of the text in degrees, clockwise. */
export function levelPage(raster: Raster, angle: number): LevelPage {
  const scale = Math.max(1, Math.max(raster.width, raster.height) / longestSide);
  // Quarter turns stay: rulings are level either way.
  const tilt = angle - 90 * Math.round(angle / 90);
  if (scale === 1 && Math.abs(tilt) < leastAngle) {
    const same = (x: number, y: number) => [x, y] as const;
    return { raster, scale, toLevel: same, fromLevel: same, polygonFromLevel: (polygon) => polygon };
  }
  const radians = Math.abs(tilt) < leastAngle ? 0 : (tilt * Math.PI) / 180;
  const cos = Math.cos(radians);
  const sin = Math.sin(radians);
  const cx = raster.width / 2;
  const cy = raster.height / 2;
  const width = Math.round(raster.width / scale);
  const height = Math.round(raster.height / scale);
  const fromLevel = (x: number, y: number) => {
    const u = (x - width / 2) * scale;
    const v = (y - height / 2) * scale;
    return [cx + u * cos - v * sin, cy + u * sin + v * cos] as const;
  };
  return {
    raster: cropRotated(
      raster,
      { cx, cy, width: raster.width, height: raster.height, angle: radians },
      { width, height },
    ),
    scale,
    toLevel(x, y) {
      const u = x - cx;
      const v = y - cy;
      return [(u * cos + v * sin) / scale + width / 2, (v * cos - u * sin) / scale + height / 2];
    },
    fromLevel,
    polygonFromLevel: (polygon) => mapPolygon(polygon, fromLevel),
  };
}

/** The level box of a line of the page. */
export function levelBox(page: LevelPage, line: Pick<TextLine, 'polygon'>) {
  return boxOf(mapPolygon(line.polygon, page.toLevel));
}
