/** What one document may cost. Every limit over-run is a RecognizerError of its own code. */
export interface ReadLimits {
  /** Size of the file. */
  readonly maxBytes: number;
  /** Pages read; a longer document is cut, as the service does, unless `pages` chooses others. */
  readonly maxPages: number;
  /** A document with more pages than this is refused. */
  readonly maxPagesInFile: number;
  /** Longest side of a PDF page. */
  readonly maxPageInches: number;
  /** Shortest side of an image. */
  readonly minImagePixels: number;
  /** Longest side of an image. */
  readonly maxImagePixels: number;
  /** Area of one image, or of all the pages of one file together when decoded. */
  readonly maxPixels: number;
  /** Bytes of one picture once unpacked. */
  readonly maxDecompressedBytes: number;
  /** Characters of text on one PDF page. */
  readonly maxCharactersPerPage: number;
  /** Drawn objects looked at on one PDF page. */
  readonly maxObjectsPerPage: number;
  /** Time for the whole document, looked at between steps. */
  readonly maxMilliseconds: number;
}

/** The published limits of Form Recognizer v2 where it has one. */
export const defaultReadLimits: ReadLimits = Object.freeze({
  maxBytes: 50 * 1024 * 1024,
  maxPages: 200,
  maxPagesInFile: 2000,
  maxPageInches: 17,
  minImagePixels: 50,
  maxImagePixels: 10_000,
  maxPixels: 100_000_000,
  maxDecompressedBytes: 400 * 1024 * 1024,
  maxCharactersPerPage: 200_000,
  maxObjectsPerPage: 50_000,
  maxMilliseconds: 120_000,
});
