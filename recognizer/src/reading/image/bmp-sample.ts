// Writes small bitmaps of every kind for the tests of the reader.

export interface BmpKind {
  readonly bits: 1 | 4 | 8 | 16 | 24 | 32;
  readonly compression?: 'none' | 'rle4' | 'rle8' | 'bitfields';
  readonly isTopDown?: boolean;
  /** The header of OS/2, 12 bytes, with a palette of three bytes a colour. */
  readonly isOs2?: boolean;
}

/** A grey pattern that every kind can hold: black and white where there is one bit, else sixteen steps. */
export function samplePattern(bits: BmpKind['bits']): { width: number; height: number; data: Uint8Array } {
  const width = 61;
  const height = 53;
  const data = Uint8Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    if (bits === 1) return (x * 7 + y * 3) % 11 < 5 ? 0 : 255;
    // Runs, so that run lengths have something to save, and single pixels.
    return (y % 5 === 0 ? x % 16 : Math.floor(x / 9) % 16) * 17;
  });
  return { width, height, data };
}

export function encodeBmp(kind: BmpKind): Uint8Array {
  const { bits, compression = 'none', isTopDown = false, isOs2 = false } = kind;
  const { width, height, data } = samplePattern(bits);
  const colours = bits <= 8 ? 1 << bits : 0;
  const greyOf = (i: number) => (bits === 1 ? i * 255 : bits === 4 ? i * 17 : i);
  const indexOf = (grey: number) => (bits === 1 ? (grey > 127 ? 1 : 0) : bits === 4 ? Math.round(grey / 17) : grey);
  const headerSize = isOs2 ? 12 : 40;
  const masks =
    compression === 'bitfields' ? (bits === 16 ? [0xf800, 0x7e0, 0x1f] : [0xff000000, 0xff0000, 0xff00]) : [];
  const palette = Array.from({ length: colours }, (_, i) =>
    isOs2 ? [greyOf(i), greyOf(i), greyOf(i)] : [greyOf(i), greyOf(i), greyOf(i), 0],
  );
  const row = (y: number) => Array.from(data.subarray(y * width, (y + 1) * width));
  const order = Array.from({ length: height }, (_, i) => (isTopDown ? i : height - 1 - i));
  const pixels: number[] = [];
  for (const y of order) {
    if (compression === 'rle8' || compression === 'rle4') pixels.push(...runs(row(y).map(indexOf), compression), 0, 0);
    else pixels.push(...packed(row(y), { bits, indexOf, masks }));
  }
  if (compression === 'rle8' || compression === 'rle4') pixels.push(0, 1);
  const offset = 14 + headerSize + masks.length * 4 + palette.length * (isOs2 ? 3 : 4);
  const out = new Uint8Array(offset + pixels.length);
  const view = new DataView(out.buffer);
  out.set([0x42, 0x4d]);
  view.setUint32(2, out.length, true);
  view.setUint32(10, offset, true);
  view.setUint32(14, headerSize, true);
  if (isOs2) {
    view.setUint16(18, width, true);
    view.setUint16(20, height, true);
    view.setUint16(22, 1, true);
    view.setUint16(24, bits, true);
  } else {
    view.setInt32(18, width, true);
    view.setInt32(22, isTopDown ? -height : height, true);
    view.setUint16(26, 1, true);
    view.setUint16(28, bits, true);
    view.setUint32(30, { none: 0, rle8: 1, rle4: 2, bitfields: 3 }[compression], true);
  }
  masks.forEach((mask, i) => {
    view.setUint32(14 + headerSize + 4 * i, mask, true);
  });
  out.set(palette.flat(), 14 + headerSize + masks.length * 4);
  out.set(pixels, offset);
  return out;
}

function packed(
  row: readonly number[],
  { bits, indexOf, masks }: { bits: number; indexOf: (grey: number) => number; masks: readonly number[] },
): number[] {
  const bytes: number[] = [];
  if (bits <= 8) {
    for (let x = 0; x < row.length; x += 8 / bits) {
      let byte = 0;
      for (let k = 0; k < 8 / bits; k++) byte = (byte << bits) | indexOf(row[x + k] ?? 0);
      bytes.push(byte);
    }
  } else {
    for (const grey of row) {
      if (bits === 16) {
        const five = Math.round((grey * 31) / 255);
        const six = Math.round((grey * 63) / 255);
        const value = masks.length > 0 ? (five << 11) | (six << 5) | five : (five << 10) | (five << 5) | five;
        bytes.push(value & 255, value >> 8);
      } else if (bits === 24) bytes.push(grey, grey, grey);
      else if (masks.length > 0) bytes.push(0, grey, grey, grey);
      else bytes.push(grey, grey, grey, 0);
    }
  }
  while (bytes.length % 4 !== 0) bytes.push(0);
  return bytes;
}

/** Runs of equal pixels, and stretches of unequal ones as they are. */
function runs(indexes: readonly number[], compression: 'rle4' | 'rle8'): number[] {
  const bytes: number[] = [];
  const isNibbles = compression === 'rle4';
  for (let x = 0; x < indexes.length; ) {
    let equal = 1;
    while (x + equal < indexes.length && equal < 255 && indexes[x + equal] === indexes[x]) equal++;
    if (equal >= 3 || indexes.length - x < 3) {
      const value = indexes[x] ?? 0;
      bytes.push(equal, isNibbles ? value * 17 : value);
      x += equal;
      continue;
    }
    let unequal = 1;
    while (x + unequal < indexes.length && unequal < 254 && indexes[x + unequal] !== indexes[x + unequal - 1])
      unequal++;
    const count = Math.max(3, Math.min(unequal, indexes.length - x));
    bytes.push(0, count);
    const stretch = indexes.slice(x, x + count);
    const own: number[] = [];
    if (isNibbles) for (let i = 0; i < count; i += 2) own.push(((stretch[i] ?? 0) << 4) | (stretch[i + 1] ?? 0));
    else own.push(...stretch);
    if (own.length % 2 === 1) own.push(0);
    bytes.push(...own);
    x += count;
  }
  return bytes;
}
