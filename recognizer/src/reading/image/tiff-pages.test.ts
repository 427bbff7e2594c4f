import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodeTiff } from './tiff-pages.ts';

test('writes pages of different size that another reader reads', async () => {
  const pages = [
    { width: 5, height: 3, data: Uint8Array.from({ length: 15 }, (_, i) => i * 16) },
    { width: 7, height: 1, data: Uint8Array.from([0, 255, 1, 254, 2, 253, 3]) },
  ];
  const tiff = encodeTiff(pages);
  expect((await sharp(tiff).metadata()).pages).toBe(2);
  for (const [page, { width, height, data }] of pages.entries()) {
    const { data: read, info } = await sharp(tiff, { page })
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width, height });
    expect(Uint8Array.from(read)).toEqual(data);
  }
});
