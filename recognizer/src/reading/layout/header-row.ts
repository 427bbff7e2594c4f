import type { FoundTable } from './table-grid.ts';
import { isFigure } from './text-rows.ts';

/** Share of the filled cells of a column, below its head, that hold figures. */
const figureShare = 0.5;
const mostWords = 6;

/**
 * Whether the first row names the columns: short words in nearly every column and no figure among them, over figures;
 * or, where the table has none, over at least two rows of three columns.
 */
export function hasHeaderRow({ cells, rowCount, columnCount }: FoundTable): boolean {
  if (rowCount < 2 || columnCount < 2) return false;
  const head = cells.filter((cell) => cell.row === 0 && cell.words.length > 0);
  if (head.length < 2 || head.some(({ words }) => isFigure(words) || words.length > mostWords)) return false;
  const named = head.reduce((sum, cell) => sum + cell.columnSpan, 0);
  // The corner over the names of the rows is often blank.
  if (named < columnCount - 1) return false;
  const body = cells.filter((cell) => cell.row > 0 && cell.words.length > 0);
  const hasFigures = head.some(({ column, columnSpan }) => {
    const below = body.filter((cell) => cell.column >= column && cell.column < column + columnSpan);
    return below.length > 0 && below.filter(({ words }) => isFigure(words)).length >= figureShare * below.length;
  });
  return hasFigures || (rowCount >= 3 && named === columnCount && columnCount >= 3);
}
