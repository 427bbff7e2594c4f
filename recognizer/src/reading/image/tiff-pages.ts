import type { Raster } from './raster.ts';

/** Tags of TIFF 6.0 that a plain grey page needs, in order. */
const tags = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  offset: 273,
  samples: 277,
  rows: 278,
  bytes: 279,
} as const;
const short = 3;
const long = 4;

/** Writes pictures as the pages of one uncompressed TIFF. */
export function encodeTiff(pages: readonly Raster[]): Uint8Array {
  const directorySize = 2 + Object.keys(tags).length * 12 + 4;
  const size = pages.reduce((sum, { data }) => sum + directorySize + data.length + (data.length & 1), 8);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set([0x49, 0x49, 42, 0]);
  view.setUint32(4, 8, true);
  let at = 8;
  pages.forEach(({ width, height, data }, page) => {
    const offset = at + directorySize;
    const next = offset + data.length + (data.length & 1);
    const entries: readonly (readonly [number, number, number])[] = [
      [tags.width, long, width],
      [tags.height, long, height],
      [tags.bits, short, 8],
      [tags.compression, short, 1],
      [tags.photometric, short, 1],
      [tags.offset, long, offset],
      [tags.samples, short, 1],
      [tags.rows, long, height],
      [tags.bytes, long, data.length],
    ];
    view.setUint16(at, entries.length, true);
    entries.forEach(([tag, type, value], i) => {
      const entry = at + 2 + i * 12;
      view.setUint16(entry, tag, true);
      view.setUint16(entry + 2, type, true);
      view.setUint32(entry + 4, 1, true);
      if (type === short) view.setUint16(entry + 8, value, true);
      else view.setUint32(entry + 8, value, true);
    });
    view.setUint32(at + directorySize - 4, page + 1 < pages.length ? next : 0, true);
    out.set(data, offset);
    at = next;
  });
  return out;
}
