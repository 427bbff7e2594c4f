import type { PageText } from './pageModel.ts';
import type { FieldDefinition } from './types.ts';
import type { DateOrder } from './values/date.ts';

// What a labelled model keeps: the samples, as words and boxes, and which words were labelled. Nothing is fitted per model;
// training only finds out what is printed on every form.

export interface LearnedForms {
  readonly samples: readonly LearnedSample[];
  /** Of date fields whose samples show which part is the day. */
  readonly dateOrders: Readonly<Record<string, DateOrder>>;
}

export interface LearnedSample {
  readonly name: string;
  readonly pages: readonly LearnedPage[];
}

export interface LearnedPage extends PageText {
  /** Per word a digit: in how many tenths of the other samples (9 for all) it stands at the same place without a label. */
  readonly printed: string;
  /**
   * Words without a label at a place where other samples label a field that this page lacks: more likely a forgotten label
   * than print. They say nothing about what is printed.
   */
  readonly doubtful: readonly number[];
  readonly labels: readonly LearnedLabel[];
}

export interface LearnedLabel {
  /** A field's name, or `table/row/column` as labelled. */
  readonly label: string;
  /** Word indices on the page; may be empty for a drawn region or where reading found nothing. */
  readonly words: readonly number[];
  /** What was drawn, in tenths; for regions and for labels without words. */
  readonly box?: readonly [number, number, number, number];
}

/** The parts of `table/row/column`, or undefined for the label of a plain field. */
export function tableLabel(label: string, fields: readonly FieldDefinition[]) {
  const parts = label.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const [table, row, column] = parts;
  if (parts.length !== 3 || table === undefined || row === undefined || column === undefined) return undefined;
  const definition = fields.find(
    (field) => field.name === table && (field.type === 'array' || field.type === 'object'),
  );
  return definition ? { definition, row, column } : undefined;
}

/** The label of a table cell, as the labelling tool writes it. */
export function cellLabel(table: string, row: string, column: string): string {
  return [table, row, column].map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
}
