import type { SamplePage } from './form.ts';
import { tableLabel } from './learned.ts';
import { joinedText, median, type PageWord } from './pageModel.ts';
import { type Bounds, boundsOf } from './span.ts';
import type { FieldDefinition } from './types.ts';
import { coarseShape, type TextClass, textClass } from './wordText.ts';

/** A table with any number of rows, as it was labelled in the samples. */
export interface TableSlot {
  readonly field: FieldDefinition;
  readonly columns: readonly string[];
  readonly examples: readonly TableExample[];
}

/** The labelled rows of one sample page. */
export interface TableExample {
  /** Index into the form's pages. */
  readonly page: number;
  readonly rows: readonly ExampleRow[];
  readonly box: Bounds;
  /** Words of the printed line above the first row. */
  readonly header: readonly number[];
  /** Widest distance between lines that belong to the table, in word heights. */
  readonly leading: number;
  /** Usual distance from a row to the next, in word heights; absent with a single row. */
  readonly rowGap?: number;
}

export interface ExampleRow {
  readonly box: Bounds;
  readonly cells: ReadonlyMap<string, ExampleCell>;
}

export interface ExampleCell {
  readonly box: Bounds;
  readonly textClass: TextClass;
  readonly shape: string;
  readonly isFirstLine: boolean;
  readonly isMultiLine: boolean;
}

export function tableSlot(
  field: FieldDefinition,
  pages: readonly SamplePage[],
  fields: readonly FieldDefinition[],
): TableSlot {
  const columns = (field.fields ?? []).map((column) => column.name);
  return { field, columns, examples: pages.flatMap((page, p) => exampleOn(page, p, field, fields)) };
}

function exampleOn(
  page: SamplePage,
  index: number,
  field: FieldDefinition,
  fields: readonly FieldDefinition[],
): TableExample[] {
  const labelled = new Map<number, Map<string, readonly number[]>>();
  for (const { label, words } of page.labels) {
    const cell = tableLabel(label, fields);
    if (cell?.definition !== field || words.length === 0) continue;
    const row = Number(cell.row);
    labelled.set(row, (labelled.get(row) ?? new Map<string, readonly number[]>()).set(cell.column, words));
  }
  if (labelled.size === 0) return [];
  const rows = [...labelled.values()].map((cells) => exampleRow(page, cells)).sort((a, b) => a.box.y0 - b.box.y0);
  const all = [...labelled.values()].flatMap((cells) => [...cells.values()].flat());
  const box = boundsOf(page.model, all);
  const gaps = rows.slice(1).map((row, i) => (row.box.y0 - (rows[i]?.box.y1 ?? 0)) / page.model.h);
  const example = { page: index, rows, box, header: headerAbove(page, box), leading: widestLeading(page, all) };
  return [gaps.length > 0 ? { ...example, rowGap: median(gaps) } : example];
}

function exampleRow(page: SamplePage, labelled: ReadonlyMap<string, readonly number[]>): ExampleRow {
  const { model } = page;
  const box = boundsOf(model, [...labelled.values()].flat());
  const cells = new Map<string, ExampleCell>();
  for (const [column, words] of labelled) {
    const own = boundsOf(model, words);
    const text = joinedText(model, words);
    cells.set(column, {
      box: own,
      textClass: textClass(text),
      shape: coarseShape(text),
      isFirstLine: own.y0 < box.y0 + 0.6 * model.h,
      isMultiLine: own.y1 - own.y0 > 1.8 * model.h,
    });
  }
  return { box, cells };
}

/** With one sample nothing is known to be printed, and all that has no label is taken for it. */
function isPrinted(page: SamplePage, i: number): boolean {
  const isKnown = page.printed.some((share) => share > 0);
  return !page.labelsOf.has(i) && !page.model.words[i]?.mark && (!isKnown || (page.printed[i] ?? 0) >= 0.5);
}

function headerAbove(page: SamplePage, box: Bounds): number[] {
  const { words, h } = page.model;
  const above = words.flatMap((word, i) => {
    const isAbove = word.y1 <= box.y0 + 0.3 * h && word.x1 > box.x0 - 2 * h && word.x0 < box.x1 + 2 * h;
    return isAbove && isPrinted(page, i) ? [{ i, centre: (word.y0 + word.y1) / 2 }] : [];
  });
  const lowest = Math.max(...above.map((word) => word.centre));
  return above.filter((word) => word.centre >= lowest - 0.6 * h).map((word) => word.i);
}

function widestLeading(page: SamplePage, indices: readonly number[]): number {
  const lines = indices.map((i) => page.model.words[i] as PageWord).sort((a, b) => a.y0 - b.y0);
  let bottom = lines[0]?.y1 ?? 0;
  let widest = 0;
  for (const { y0, y1 } of lines) {
    widest = Math.max(widest, (y0 - bottom) / page.model.h);
    bottom = Math.max(bottom, y1);
  }
  return widest;
}
