import type { Deadline } from './deadline.ts';
import type { ReadLimits } from './limits.ts';
import type { OwnModels } from './ocr/models.ts';
import type { PageSelection } from './page-selection.ts';

export interface ReadOptions {
  readonly limits?: Partial<ReadLimits>;
  /** Pages to read; all where absent. */
  readonly pages?: PageSelection;
  /** `basic`: lines from top to bottom, left to right; `natural`: column by column, as a person would read. */
  readonly readingOrder?: 'basic' | 'natural';
  /** BCP 47, as a hint for the recognition of pictures of text. */
  readonly language?: string;
  /** Called after each page. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** The user's own models for pictures of text. */
  readonly ocr?: OwnModels;
}

/** What every step of reading one document needs to know. */
export interface ReadJob {
  readonly limits: ReadLimits;
  readonly deadline: Deadline;
  readonly options: ReadOptions;
}
