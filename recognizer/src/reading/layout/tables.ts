import { area, type Box, intersectionArea } from '../box.ts';
import { openTables } from './open-tables.ts';
import { ruledTables } from './ruled-tables.ts';
import type { Rulings } from './rulings.ts';
import type { FoundTable, TableWord } from './table-grid.ts';

/** All tables of a level page, from top to bottom: the drawn ones, and among the remaining words those without lines. */
export function findTables(
  words: readonly TableWord[],
  { rulings, textHeight, pageWidth }: { rulings: Rulings; textHeight: number; pageWidth: number },
): FoundTable[] {
  const ruled = outermost(ruledTables(rulings, words, textHeight).filter(isTable));
  const inRuled = (box: Box) => ruled.some((table) => intersectionArea(table.box, box) > 0.5 * area(box));
  const open = openTables(
    words.filter((word) => !inRuled(word.box)),
    { rulings, textHeight, pageWidth },
  ).filter((table) => !ruled.some((other) => intersectionArea(other.box, table.box) > 0));
  return [...ruled, ...open].toSorted((a, b) => a.box.y0 - b.box.y0 || a.box.x0 - b.box.x0);
}

/** Two rows or columns at least, and something written in several of the cells. */
function isTable({ cells, rowCount, columnCount }: FoundTable): boolean {
  const filled = cells.filter((cell) => cell.words.length > 0).length;
  return cells.length >= 4 && rowCount >= 2 && columnCount >= 2 && filled >= 3;
}

/** Grids inside a cell of another grid are part of it. */
function outermost(tables: readonly FoundTable[]): FoundTable[] {
  return tables.filter(
    (table) =>
      !tables.some(
        (other) =>
          other !== table &&
          intersectionArea(other.box, table.box) > 0.9 * area(table.box) &&
          area(other.box) > area(table.box),
      ),
  );
}
