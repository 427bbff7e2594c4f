import type { Box } from '../box.ts';

/** A word as tables see it: level box in pixels, and its place in the page's lines. */
export interface TableWord {
  readonly text: string;
  readonly box: Box;
  readonly line: number;
  readonly word: number;
}

/** A table in pixels of the level page. */
export interface FoundTable {
  readonly box: Box;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly cells: readonly FoundCell[];
}

export interface FoundCell {
  readonly row: number;
  readonly column: number;
  readonly rowSpan: number;
  readonly columnSpan: number;
  readonly box: Box;
  readonly words: readonly TableWord[];
}
