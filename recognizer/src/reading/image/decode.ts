import sharp from 'sharp';
import { RecognizerError } from '../../errors.ts';
import type { Deadline } from '../deadline.ts';
import type { ReadLimits } from '../limits.ts';
import type { FileFormat } from '../sniff.ts';
import { bmpSize, decodeBmp } from './bmp.ts';
import type { Raster } from './raster.ts';

export type ImageFormat = Exclude<FileFormat, 'pdf'>;

// One document at a time in a thread, and nothing kept between documents.
sharp.cache(false);
sharp.concurrency(1);

export interface ImageFile {
  readonly pageCount: number;
  /** Upright, laid on white, in grey. `page` is from 1. */
  decode(page: number): Promise<Raster>;
}

/** Looks at the header of an image and checks its claims before anything is unpacked. */
export async function openImage(
  bytes: Uint8Array,
  { format, limits, deadline }: { format: ImageFormat; limits: ReadLimits; deadline: Deadline },
): Promise<ImageFile> {
  if (format === 'bmp') {
    checkSize(bmpSize(bytes), limits);
    return { pageCount: 1, decode: async () => decodeBmp(bytes) };
  }
  const open = (page: number) =>
    sharp(bytes, {
      // A picture that is cut off is read as far as it goes.
      failOn: 'none',
      limitInputPixels: limits.maxPixels,
      sequentialRead: true,
      ...(format === 'tiff' && { page: page - 1 }),
    });
  const { pages: pageCount = 1 } = await guarded(() => open(1).metadata());
  return {
    pageCount: Math.max(1, format === 'tiff' ? pageCount : 1),
    async decode(page) {
      const metadata = await guarded(() => open(page).metadata());
      checkSize(metadata, limits);
      deadline.check();
      const { data, info } = await guarded(() =>
        open(page)
          .autoOrient()
          .flatten({ background: '#ffffff' })
          .toColourspace('b-w')
          .extractChannel(0)
          .timeout({ seconds: Math.max(1, Math.ceil(limits.maxMilliseconds / 1000)) })
          .raw({ depth: 'uchar' })
          .toBuffer({ resolveWithObject: true }),
      );
      return { width: info.width, height: info.height, data };
    },
  };
}

function checkSize({ width, height }: { width: number; height: number }, limits: ReadLimits): void {
  if (!(width > 0 && height > 0)) throw new RecognizerError('invalidFile', 'The image has no area.');
  if (Math.min(width, height) < limits.minImagePixels) {
    throw new RecognizerError(
      'imageTooSmall',
      `The image is ${width} x ${height} pixels; at least ${limits.minImagePixels} x ${limits.minImagePixels} are needed.`,
    );
  }
  if (Math.max(width, height) > limits.maxImagePixels || width * height > limits.maxPixels) {
    throw new RecognizerError(
      'imageTooLarge',
      `The image is ${width} x ${height} pixels; ${limits.maxImagePixels} x ${limits.maxImagePixels} are allowed.`,
    );
  }
}

async function guarded<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof RecognizerError) throw error;
    const text = error instanceof Error ? error.message : '';
    if (/pixel limit/i.test(text))
      throw new RecognizerError('imageTooLarge', 'The image has too many pixels.', { cause: error });
    if (/timeout/i.test(text))
      throw new RecognizerError('timeLimit', 'The image took too long to unpack.', { cause: error });
    throw new RecognizerError('invalidFile', 'The image is broken or of a kind that cannot be read.', { cause: error });
  }
}
