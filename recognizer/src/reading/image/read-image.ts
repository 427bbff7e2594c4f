import type { Page } from '../../document.ts';
import { RecognizerError } from '../../errors.ts';
import { layOut } from '../layout/lay-out.ts';
import { ocrModels } from '../ocr/models.ts';
import { readRaster } from '../ocr/read-raster.ts';
import type { ReadJob } from '../options.ts';
import { selectedPages } from '../page-selection.ts';
import { type ImageFormat, openImage } from './decode.ts';

export async function readImage(bytes: Uint8Array, format: ImageFormat, job: ReadJob): Promise<Page[]> {
  const { limits, deadline, options } = job;
  const image = await openImage(bytes, { format, limits, deadline });
  if (image.pageCount > limits.maxPagesInFile) {
    throw new RecognizerError(
      'tooManyPages',
      `The image has ${image.pageCount} pages; ${limits.maxPagesInFile} are allowed.`,
    );
  }
  const wanted = selectedPages(image.pageCount, { selection: options.pages, most: limits.maxPages });
  const models = await ocrModels(options.ocr, options.language);
  const pages: Page[] = [];
  for (const number of wanted) {
    deadline.check();
    const raster = await image.decode(number);
    const { lines, angle } = await readRaster(raster, models, deadline);
    const page = { number, raster, lines, angle: Math.round(angle * 1e4) / 1e4 };
    pages.push(
      layOut(
        { ...page, checkBoxes: [], readingOrder: options.readingOrder ?? 'basic' },
        {
          width: raster.width,
          height: raster.height,
          unit: 'pixel',
          point: (x, y) => [Math.round(x), Math.round(y)],
        },
      ),
    );
    options.onProgress?.(pages.length, wanted.length);
  }
  return pages;
}
