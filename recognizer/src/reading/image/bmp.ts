import { RecognizerError } from '../../errors.ts';
import type { Raster } from './raster.ts';

/** biCompression (wingdi.h). */
const compression = { rgb: 0, rle8: 1, rle4: 2, bitfields: 3, alphaBitfields: 6 } as const;

interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly compression: number;
  readonly pixels: number;
  /** Grey of each colour of the palette. */
  readonly palette: Uint8Array;
  readonly masks: { readonly red: number; readonly green: number; readonly blue: number; readonly alpha: number };
}

export function bmpSize(bytes: Uint8Array): { width: number; height: number } {
  const { width, height } = readHeader(bytes);
  return { width, height };
}

/**
 * Decodes the bitmaps of Windows and OS/2: 1, 2, 4, 8, 16, 24 and 32 bits, bit fields, run lengths of 4 and 8 bits, top
 * down and bottom up. Missing pixels of a file that is cut off stay white. The size must have been checked before.
 */
export function decodeBmp(bytes: Uint8Array): Raster {
  const header = readHeader(bytes);
  const { width, height } = header;
  const out = new Uint8Array(width * height).fill(255);
  if (header.compression === compression.rle8 || header.compression === compression.rle4) {
    decodeRunLengths(bytes, header, out);
  } else {
    decodeRows(bytes, header, out);
  }
  return { width, height, data: out };
}

function readHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = (what: string) => new RecognizerError('invalidFile', `The bitmap is broken: ${what}.`);
  if (bytes.byteLength < 26) throw broken('it ends in its header');
  const pixels = view.getUint32(10, true);
  const headerSize = view.getUint32(14, true);
  const isOs2 = headerSize < 40;
  if (14 + Math.min(headerSize, 40) > bytes.byteLength) throw broken('it ends in its header');
  const isShort = headerSize === 12;
  const width = isShort ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isShort ? view.getInt16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(isShort ? 24 : 28, true);
  const method = headerSize >= 40 ? view.getUint32(30, true) : compression.rgb;
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw broken('it has no area');
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw broken(`${bits} bits a pixel`);
  const isKnown =
    method === compression.rgb ||
    (method === compression.rle8 && bits === 8) ||
    (method === compression.rle4 && bits === 4) ||
    ((method === compression.bitfields || method === compression.alphaBitfields) && (bits === 16 || bits === 32));
  if (!isKnown) throw broken(`compression ${method} with ${bits} bits`);

  let afterHeader = 14 + headerSize;
  let masks =
    bits === 16
      ? { red: 0x7c00, green: 0x3e0, blue: 0x1f, alpha: 0 }
      : { red: 0xff0000, green: 0xff00, blue: 0xff, alpha: 0 };
  if (method === compression.bitfields || method === compression.alphaBitfields) {
    const at = headerSize >= 52 ? 14 + 40 : afterHeader;
    if (at + 12 > bytes.byteLength) throw broken('it ends in its header');
    const hasAlpha = (headerSize >= 56 || method === compression.alphaBitfields) && at + 16 <= bytes.byteLength;
    masks = {
      red: view.getUint32(at, true),
      green: view.getUint32(at + 4, true),
      blue: view.getUint32(at + 8, true),
      alpha: hasAlpha ? view.getUint32(at + 12, true) : 0,
    };
    if (headerSize === 40) afterHeader += method === compression.alphaBitfields ? 16 : 12;
  }
  const palette = new Uint8Array(256);
  if (bits <= 8) {
    const entry = isShort ? 3 : 4;
    const used = headerSize >= 40 ? view.getUint32(46, true) : 0;
    const room = pixels > afterHeader ? Math.floor((pixels - afterHeader) / entry) : 256;
    const count = Math.min(used || 1 << bits, 1 << bits, isOs2 ? room : 256);
    for (let i = 0; i < count; i++) {
      const at = afterHeader + i * entry;
      palette[i] = grey(bytes[at + 2] ?? 0, bytes[at + 1] ?? 0, bytes[at] ?? 0);
    }
  }
  return { width, height, isTopDown: signedHeight < 0, bits, compression: method, pixels, palette, masks };
}

function decodeRows(bytes: Uint8Array, header: BmpHeader, out: Uint8Array): void {
  const { width, height, bits, palette, pixels } = header;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const field = bits === 16 || bits === 32 ? fieldReader(header.masks) : undefined;
  for (let row = 0; row < height; row++) {
    const from = pixels + row * stride;
    if (from >= bytes.length) return;
    const to = (header.isTopDown ? row : height - 1 - row) * width;
    for (let x = 0; x < width; x++) {
      if (from + ((x * bits) >> 3) + Math.max(1, bits >> 3) > bytes.length) return;
      if (bits <= 8) {
        const byte = bytes[from + ((x * bits) >> 3)] ?? 0;
        const shift = 8 - bits - ((x * bits) & 7);
        out[to + x] = palette[(byte >> shift) & ((1 << bits) - 1)] ?? 0;
      } else if (field) {
        const at = from + x * (bits >> 3);
        const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
        const value = bits === 16 ? low : (low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
        out[to + x] = field(value);
      } else {
        const at = from + x * 3;
        out[to + x] = grey(bytes[at + 2] ?? 0, bytes[at + 1] ?? 0, bytes[at] ?? 0);
      }
    }
  }
}

function decodeRunLengths(bytes: Uint8Array, header: BmpHeader, out: Uint8Array): void {
  const { width, height, palette } = header;
  const isNibbles = header.compression === compression.rle4;
  let x = 0;
  let row = 0;
  const put = (index: number) => {
    if (x < width && row < height) out[(header.isTopDown ? row : height - 1 - row) * width + x] = palette[index] ?? 0;
    x++;
  };
  for (let at = header.pixels; at + 1 < bytes.length && row < height; ) {
    const count = bytes[at] ?? 0;
    const value = bytes[at + 1] ?? 0;
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(isNibbles ? (i % 2 === 0 ? value >> 4 : value & 15) : value);
    } else if (value === 0) {
      x = 0;
      row++;
    } else if (value === 1) {
      return;
    } else if (value === 2) {
      x += bytes[at] ?? 0;
      row += bytes[at + 1] ?? 0;
      at += 2;
    } else {
      for (let i = 0; i < value; i++) {
        const byte = bytes[at + (isNibbles ? i >> 1 : i)] ?? 0;
        put(isNibbles ? (i % 2 === 0 ? byte >> 4 : byte & 15) : byte);
      }
      const size = isNibbles ? (value + 1) >> 1 : value;
      at += size + (size & 1);
    }
  }
}

/** Lays a pixel of bit fields on white. */
function fieldReader(masks: BmpHeader['masks']): (value: number) => number {
  const channel = (mask: number) => {
    if (mask === 0) return undefined;
    const shift = 31 - Math.clz32(mask & -mask);
    const most = mask >>> shift;
    return (value: number) => (((value & mask) >>> shift) * 255) / most;
  };
  const red = channel(masks.red);
  const green = channel(masks.green);
  const blue = channel(masks.blue);
  const alpha = channel(masks.alpha);
  return (value) => {
    const shade = grey(red?.(value) ?? 0, green?.(value) ?? 0, blue?.(value) ?? 0);
    // Many writers declare an alpha channel and leave it empty; a wholly transparent pixel is read as opaque.
    const opacity = alpha ? alpha(value) / 255 || 1 : 1;
    return Math.round(shade * opacity + 255 * (1 - opacity));
  };
}

/** Rec. 601 luma. */
function grey(red: number, green: number, blue: number): number {
  return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
}
