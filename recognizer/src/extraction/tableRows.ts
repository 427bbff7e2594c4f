import { joinedText, median, type PageModel, type PageWord } from './pageModel.ts';
import { type Bounds, boundsOf, readWords } from './span.ts';
import type { TableExample, TableSlot } from './tableExample.ts';
import type { PageLink, PageView } from './view.ts';
import { coarseShape, type TextClass, textClass } from './wordText.ts';

/** Cells of a record by column. */
export type FoundRow = ReadonlyMap<string, FoundCell>;

export interface FoundCell {
  /** Index into the document's pages. */
  readonly page: number;
  readonly words: readonly number[];
  readonly text: string;
}

/**
 * The rows of a table of varying length, over all pages that show its header. The region lies between the printed line above
 * the first row and the first printed words below the last; its visual lines are cut into columns by dynamic programming
 * and joined to records by the columns that normally stand in a record's first line.
 */
export function findRows(views: readonly PageView[], slot: TableSlot): FoundRow[] {
  const rows: FoundRow[] = [];
  for (const [page, view] of views.entries()) {
    const linked = linkedExamples(view, slot);
    const region = tableRegion(view, linked, rows.length === 0);
    if (!region) continue;
    const columns = learnColumns(view, linked, slot.columns);
    rows.push(...recordsIn(view, page, region, columns));
  }
  return rows;
}

interface LinkedExample {
  readonly example: TableExample;
  readonly link: PageLink;
}

function linkedExamples(view: PageView, slot: TableSlot): LinkedExample[] {
  const links = new Map(view.links.map((link) => [link.index, link]));
  return slot.examples.flatMap((example) => {
    const link = links.get(example.page);
    return link ? [{ example, link }] : [];
  });
}

interface TableRegion extends Bounds {
  /** Line gap that ends the table, in word heights. */
  readonly maxLeading: number;
  /** Text closer than this to the line above goes on with it. */
  readonly sameRow: number;
}

function tableRegion(view: PageView, linked: readonly LinkedExample[], isFirst: boolean): TableRegion | undefined {
  const { page } = view;
  const starts: number[] = [];
  let hasHeader = false;
  for (const { example, link } of linked) {
    const found = example.header.flatMap((i) => {
      const match = link.alignment.toOther[i] ?? -1;
      return match >= 0 ? [match] : [];
    });
    if (found.length > 0 && found.length * 2 >= example.header.length) {
      hasHeader = true;
      starts.push(boundsOf(page, found).y1);
    } else starts.push(link.alignment.map(example.box.x0, example.box.y0)[1] - 0.7 * page.h);
  }
  const isBestPage = linked.some(({ link }) => link.fit * link.weight >= 0.5);
  if (linked.length === 0 || (!hasHeader && !(isFirst && isBestPage))) return undefined;
  const top = median(starts);
  const edges = linked.map(({ example: { box }, link: { alignment } }) => [
    alignment.map(box.x0, box.y0)[0],
    alignment.map(box.x1, box.y0)[0],
  ]);
  return {
    x0: Math.min(...edges.map(([left = 0]) => left)) - 3 * page.h,
    x1: Math.max(...edges.map(([, right = 0]) => right)) + 3 * page.h,
    y0: top - 0.2 * page.h,
    y1: printedBelow(view, linked, top),
    maxLeading: 1.6 * Math.max(...linked.map(({ example }) => example.leading)) + 1,
    sameRow: Math.min(1.2, 0.5 * median(linked.flatMap(({ example }) => example.rowGap ?? []))),
  };
}

/** Top of the first word that many samples have printed below their last row. */
function printedBelow(view: PageView, linked: readonly LinkedExample[], top: number): number {
  const all = linked.reduce((sum, { link }) => sum + link.weight, 0);
  let first = Infinity;
  for (const [i, word] of view.page.words.entries()) {
    if (word.mark || (word.y0 + word.y1) / 2 <= top || word.y0 >= first) continue;
    let share = 0;
    for (const { example, link } of linked) {
      const match = link.alignment.toSample[i] ?? -1;
      const own = link.page.model.words[match];
      if (own && !link.page.labelsOf.has(match) && (own.y0 + own.y1) / 2 > example.box.y1) share += link.weight;
    }
    if (share >= 0.4 * all) first = word.y0;
  }
  return first;
}

interface Column {
  readonly name: string;
  readonly edge: 'left' | 'centre' | 'right';
  readonly at: number;
  readonly x0: number;
  readonly x1: number;
  readonly classes: ReadonlyMap<TextClass, number>;
  readonly shapes: ReadonlyMap<string, number>;
  readonly isText: boolean;
  /** How strongly a value in this column says that a record begins. */
  readonly startWeight: number;
}

function learnColumns(view: PageView, linked: readonly LinkedExample[], names: readonly string[]): Column[] {
  const rowCount = linked.reduce((sum, { example }) => sum + example.rows.length, 0);
  const columns = names.flatMap((name): Column[] => {
    const cells = linked.flatMap(({ example, link }) =>
      example.rows.flatMap((row) => {
        const cell = row.cells.get(name);
        if (!cell) return [];
        const { map } = link.alignment;
        return [{ ...cell, left: map(cell.box.x0, cell.box.y0)[0], right: map(cell.box.x1, cell.box.y0)[0] }];
      }),
    );
    if (cells.length === 0) return [];
    const edges = [
      { edge: 'left', values: cells.map((cell) => cell.left) },
      { edge: 'right', values: cells.map((cell) => cell.right) },
      { edge: 'centre', values: cells.map((cell) => (cell.left + cell.right) / 2) },
    ] as const;
    const spreads = edges.map(({ edge, values }) => {
      const at = median(values);
      return { edge, at, spread: values.reduce((sum, v) => sum + Math.abs(v - at), 0) / values.length };
    });
    const best = spreads.reduce((a, b) => (b.spread < a.spread - 0.05 * view.page.h ? b : a));
    const share = (test: (cell: (typeof cells)[number]) => boolean) => cells.filter(test).length / cells.length;
    const presence = cells.length / rowCount;
    return [
      {
        name,
        edge: best.edge,
        at: best.at,
        x0: Math.min(...cells.map((cell) => cell.left)),
        x1: Math.max(...cells.map((cell) => cell.right)),
        classes: shares(cells.map((cell) => cell.textClass)),
        shapes: shares(cells.map((cell) => cell.shape)),
        isText: share((cell) => cell.textClass === 'text' || cell.textClass === 'mixed') > 0.5,
        startWeight: presence * share((cell) => cell.isFirstLine) * (1 - 0.9 * share((cell) => cell.isMultiLine)),
      },
    ];
  });
  return columns.sort((a, b) => a.x0 + a.x1 - b.x0 - b.x1);
}

function shares<Key>(values: readonly Key[]): Map<Key, number> {
  const found = new Map<Key, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1 / values.length);
  return found;
}

function recordsIn(view: PageView, page: number, region: TableRegion, columns: readonly Column[]): FoundRow[] {
  const { page: model } = view;
  const inside = model.words.flatMap((word, i) => {
    const [x, y] = [(word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2];
    const isInside = y > region.y0 && y < region.y1 && x > region.x0 && x < region.x1 && !word.mark;
    return isInside && (view.printed[i] ?? 0) < view.threshold ? [i] : [];
  });
  const startSum = columns.reduce((sum, column) => sum + column.startWeight, 0);
  const records: Map<string, number[]>[] = [];
  let bottom = region.y0;
  for (const line of visualLines(model, inside)) {
    const box = boundsOf(model, line);
    const gap = (box.y0 - bottom) / model.h;
    if (records.length > 0 && gap > region.maxLeading) break;
    const cells = cutLine(model, line, columns);
    if (cells.size === 0) continue;
    const start =
      columns.reduce((sum, column) => sum + (cells.has(column.name) ? column.startWeight : 0), 0) / (startSum || 1);
    const isTextOnly = columns.every((column) => !cells.has(column.name) || column.isText);
    const last = records.at(-1);
    const goesOn = last !== undefined && isTextOnly && start < 0.9 && gap < region.sameRow;
    if ((start >= 0.5 && !goesOn) || (start >= 0.3 && !(last && isTextOnly && gap < 1.2))) records.push(cells);
    else if (last && isTextOnly && gap < 1.2) {
      for (const [column, words] of cells) last.set(column, [...(last.get(column) ?? []), ...words]);
    } else if (last) break;
    else continue;
    bottom = Math.max(bottom, box.y1);
  }
  return records.map(
    (record) => new Map([...record].map(([column, words]) => [column, { page, ...readWords(model, words) }])),
  );
}

function visualLines(page: PageModel, indices: readonly number[]): number[][] {
  const centre = (i: number) => ((page.words[i]?.y0 ?? 0) + (page.words[i]?.y1 ?? 0)) / 2;
  const lines: { centre: number; words: number[] }[] = [];
  for (const i of [...indices].sort((a, b) => centre(a) - centre(b) || a - b)) {
    const line = lines.at(-1);
    if (line && centre(i) - line.centre <= 0.55 * page.h) {
      line.words.push(i);
      line.centre += (centre(i) - line.centre) / line.words.length;
    } else lines.push({ centre: centre(i), words: [i] });
  }
  return lines.map(({ words }) => words.sort((a, b) => (page.words[a]?.x0 ?? 0) - (page.words[b]?.x0 ?? 0) || a - b));
}

const skipCost = 0.8;

/** The best way to give runs of the line's words to columns from left to right, leaving words out at a cost. */
function cutLine(page: PageModel, line: readonly number[], columns: readonly Column[]): Map<string, number[]> {
  interface Step {
    readonly score: number;
    readonly cells: readonly (readonly [column: number, from: number, to: number])[];
  }
  const best: (Step | undefined)[][] = line.map(() => []);
  best.push([]);
  const improve = (i: number, c: number, step: Step) => {
    const row = best[i];
    if (row && (row[c]?.score ?? -Infinity) < step.score - 1e-9) row[c] = step;
  };
  // Index 0 stands for "no column yet".
  improve(0, 0, { score: 0, cells: [] });
  for (const i of line.keys()) {
    for (let c = 0; c <= columns.length; c++) {
      const step = best[i]?.[c];
      if (!step) continue;
      improve(i + 1, c, { score: step.score - skipCost, cells: step.cells });
      for (let to = i + 1; to <= Math.min(line.length, i + 40); to++) {
        const words = line.slice(i, to);
        for (let next = c; next < columns.length; next++) {
          const score = cellScore(page, line, { words, from: i, to }, columns[next] as Column);
          improve(to, next + 1, { score: step.score + score, cells: [...step.cells, [next, i, to]] });
        }
      }
    }
  }
  const final = (best[line.length] ?? []).reduce<Step | undefined>(
    (a, b) => (b && b.score > (a?.score ?? -Infinity) ? b : a),
    undefined,
  );
  return new Map((final?.cells ?? []).map(([c, from, to]) => [columns[c]?.name ?? '', line.slice(from, to)]));
}

function cellScore(
  page: PageModel,
  line: readonly number[],
  cell: { readonly words: readonly number[]; readonly from: number; readonly to: number },
  column: Column,
): number {
  const { h } = page;
  const box = boundsOf(page, cell.words);
  const own = column.edge === 'left' ? box.x0 : column.edge === 'right' ? box.x1 : (box.x0 + box.x1) / 2;
  const overlap = Math.max(0, Math.min(box.x1, column.x1) - Math.max(box.x0, column.x0)) / Math.max(1, box.x1 - box.x0);
  const text = joinedText(page, cell.words);
  let inner = 0;
  for (let k = cell.from + 1; k < cell.to; k++) inner += Math.max(0, gapBefore(page, line, k) - 1.1);
  const cuts = [cell.from, cell.to].filter((k) => k > 0 && k < line.length && gapBefore(page, line, k) < 0.6).length;
  return (
    1.5 * Math.exp(-Math.abs(own - column.at) / (2.5 * h)) +
    overlap +
    (column.classes.get(textClass(text)) ?? 0) +
    0.6 * (column.shapes.get(coarseShape(text)) ?? 0) -
    inner -
    cuts -
    (overlap < 0.25 ? 1.5 : 0)
  );
}

function gapBefore(page: PageModel, line: readonly number[], k: number): number {
  const [a, b] = [page.words[line[k - 1] ?? -1], page.words[line[k] ?? -1]] as (PageWord | undefined)[];
  return a && b ? (b.x0 - a.x1) / page.h : Infinity;
}
