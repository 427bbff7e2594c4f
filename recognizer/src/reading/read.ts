import type { Page } from '../document.ts';
import { RecognizerError } from '../errors.ts';
import { startDeadline } from './deadline.ts';
import { readImage } from './image/read-image.ts';
import { defaultReadLimits } from './limits.ts';
import type { ReadJob, ReadOptions } from './options.ts';
import { readPdf } from './pdf/read-pdf.ts';
import { sniff } from './sniff.ts';

/** Reads a document. Throws RecognizerError for whatever is wrong with it. */
export async function read(bytes: Uint8Array, options: ReadOptions = {}): Promise<{ readonly pages: Page[] }> {
  const limits = { ...defaultReadLimits, ...options.limits };
  if (bytes.byteLength === 0) throw new RecognizerError('invalidFile', 'The file is empty.');
  if (bytes.byteLength > limits.maxBytes) {
    throw new RecognizerError('tooMuchData', `The file is larger than ${limits.maxBytes} bytes.`);
  }
  const deadline = startDeadline(limits.maxMilliseconds, options.signal);
  const job: ReadJob = { limits, deadline, options };
  const format = sniff(bytes);
  switch (format) {
    case 'pdf':
      return { pages: await readPdf(bytes, job) };
    case 'jpeg':
    case 'png':
    case 'tiff':
    case 'bmp':
      return { pages: await readImage(bytes, format, job) };
    case undefined:
      throw new RecognizerError('unsupportedFormat', 'The file is none of PDF, JPEG, PNG, TIFF and BMP.');
  }
}
