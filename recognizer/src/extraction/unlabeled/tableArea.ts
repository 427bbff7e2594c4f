import { type PageModel, rowsOf } from '../pageModel.ts';
import { boundsOf } from '../span.ts';

/** A printed header with rows of values below. */
export interface TableArea {
  readonly header: readonly (readonly number[])[];
  readonly words: ReadonlySet<number>;
}

/**
 * Tables of what was filled in: a row of at least two printed texts, directly below it two or more lines that have values
 * under at least two of these. Their words answer to columns, not to keys.
 */
export function tableAreas(page: PageModel, fixed: Uint8Array): TableArea[] {
  const { h } = page;
  const texts = page.words.flatMap((word, i) => (word.mark ? [] : [i]));
  const rows = rowsOf(page, texts).map((row) => ({ row, box: boundsOf(page, row) }));
  const areas: TableArea[] = [];
  const taken = new Set<number>();
  for (const [r, { row, box }] of rows.entries()) {
    const header = cells(
      page,
      row.filter((i) => fixed[i] === 1),
    );
    if (header.length < 2 || row.some((i) => fixed[i] === 0 || taken.has(i))) continue;
    const columns = header.map((cell) => boundsOf(page, cell));
    const words = new Set<number>();
    let lines = 0;
    let bottom = box.y1;
    let leading = Infinity;
    for (const next of rows.slice(r + 1)) {
      const gap = next.box.y0 - bottom;
      if (gap > Math.min(2.5 * h, 1.6 * leading + h)) break;
      const variable = next.row.filter((i) => fixed[i] === 0);
      const values = cells(page, variable).map((cell) => boundsOf(page, cell));
      const filled = columns.filter((column) =>
        values.some((v) => v.x0 < column.x1 + 2 * h && v.x1 > column.x0 - 2 * h),
      ).length;
      const hasKey =
        cells(
          page,
          next.row.filter((i) => fixed[i] === 1),
        ).length > 0;
      if (filled < 2 || (hasKey && lines === 0)) break;
      lines++;
      leading = Math.min(leading, Math.max(0, gap));
      bottom = Math.max(bottom, next.box.y1);
      for (const i of next.row) words.add(i);
    }
    if (lines < 2) continue;
    for (const i of [...row, ...words]) taken.add(i);
    areas.push({ header, words: new Set([...row, ...words]) });
  }
  return areas;
}

/** A row cut at gaps. */
function cells(page: PageModel, row: readonly number[]): number[][] {
  const found: number[][] = [];
  for (const i of row) {
    const before = found.at(-1)?.at(-1);
    const gap = before === undefined ? Infinity : ((page.words[i]?.x0 ?? 0) - (page.words[before]?.x1 ?? 0)) / page.h;
    if (gap <= 1.1) found.at(-1)?.push(i);
    else found.push([i]);
  }
  return found;
}
