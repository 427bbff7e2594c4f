// What a document says: pages of lines and words, selection marks and tables. Plain data; every part of the
// recognizer and every API generation is made from it.

/**
 * Eight numbers x1,y1 … x4,y4, clockwise from the top left of the text as it is read, in the page's unit, origin at the
 * top left of the page as displayed (after /Rotate and EXIF orientation).
 */
export type Polygon = readonly [number, number, number, number, number, number, number, number];

/** `pixel` for images, `inch` for PDF (Form Recognizer v2.0 onwards). */
export type LengthUnit = 'pixel' | 'inch';

export interface Word {
  readonly text: string;
  readonly polygon: Polygon;
  /** 0 to 1; 1 for text that stands in the file. */
  readonly confidence: number;
}

export interface Line {
  readonly text: string;
  readonly polygon: Polygon;
  readonly words: readonly Word[];
  /** Absent where it cannot be told. */
  readonly style?: { readonly name: 'handwriting' | 'other'; readonly confidence: number };
}

export interface SelectionMark {
  readonly state: 'selected' | 'unselected';
  readonly polygon: Polygon;
  readonly confidence: number;
}

/** Where a piece of text stands: index of the line on its page and of the word in the line, or of the selection mark. */
export type ElementRef =
  | { readonly kind: 'word'; readonly page: number; readonly line: number; readonly word: number }
  | { readonly kind: 'selectionMark'; readonly page: number; readonly mark: number };

export interface TableCell {
  readonly rowIndex: number;
  readonly columnIndex: number;
  readonly rowSpan: number;
  readonly columnSpan: number;
  readonly text: string;
  readonly polygon: Polygon;
  readonly isHeader: boolean;
  readonly elements: readonly ElementRef[];
}

export interface Table {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly polygon: Polygon;
  readonly cells: readonly TableCell[];
}

export interface Page {
  /** From 1, the page's number in the file. */
  readonly number: number;
  /** Degrees, clockwise, in (-180, 180]: how far the text is turned on the page. */
  readonly angle: number;
  readonly width: number;
  readonly height: number;
  readonly unit: LengthUnit;
  /** In reading order. */
  readonly lines: readonly Line[];
  readonly selectionMarks: readonly SelectionMark[];
  readonly tables: readonly Table[];
}
