import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Line, Page, Polygon, SelectionMark, Word } from '../../recognizer/src/document.ts';
import { parseFieldsFile, parseLabelsFile, parseOcrFile } from '../../recognizer/src/extraction/index.ts';
import type { FieldDefinition, Label, Sample } from '../../recognizer/src/extraction/types.ts';

/** A document with what it says and what should be found on it. */
export interface Document extends Sample {
  readonly template: string;
  readonly gold: Gold;
  /** The truth is written in capitals whatever the document has. */
  readonly isUpperCase: boolean;
}

/** Texts by field, and for tables by row and column. */
export interface Gold {
  readonly fields: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
}

export interface Folder {
  readonly fields: readonly FieldDefinition[];
  readonly documents: readonly Document[];
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
}

/** A labelling-tool folder; words come from `ocr.json` or, where there is none, from the truth in `gt.json`. */
export function labelledFolder(folder: string): Folder {
  const fields = existsSync(join(folder, 'fields.json')) ? parseFieldsFile(readJson(join(folder, 'fields.json'))) : [];
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.labels.json'))
    .map((file) => file.slice(0, -'.labels.json'.length))
    .sort();
  const documents = names.map((name): Document => {
    const { labels } = parseLabelsFile(readJson(join(folder, `${name}.labels.json`)));
    return {
      name,
      template: folder,
      pages: pagesOf(folder, name),
      labels,
      gold: goldOfLabels(labels),
      isUpperCase: isUpperCase(folder, name),
    };
  });
  return { fields, documents };
}

/**
 * The same documents with their first table labelled as one of varying length, from the cells of the truth. The columns are
 * named after the header.
 */
export function withTableLabels(folder: string, documents: readonly Document[]): Folder {
  const names = new Set<string>();
  const labelled = documents.flatMap((document): Document[] => {
    const truth = readJson(join(folder, `${document.name}.gt.json`)) as Truth;
    const table = truth.tables?.[0];
    const page = document.pages[(table?.page ?? 1) - 1];
    if (!table || !page) return [];
    const header = new Map(table.cells.filter((cell) => cell.row === 0).map((cell) => [cell.column, cell.text]));
    const labels = table.cells.flatMap((cell): Label[] => {
      const column = header.get(cell.column);
      if (cell.row === 0 || cell.text === '' || column === undefined || !cell.box) return [];
      names.add(column);
      const factor = truth.pages[0]?.unit === 'point' ? 1 / 72 : 1;
      const box = cell.box.map((v) => v * factor);
      const xs = box.filter((_, i) => i % 2 === 0);
      const ys = box.filter((_, i) => i % 2 === 1);
      const values = page.lines
        .flatMap((line) => line.words)
        .filter(({ polygon: [x1, y1, , , x3, y3] }) => {
          const [x, y] = [(x1 + x3) / 2, (y1 + y3) / 2];
          return x > Math.min(...xs) && x < Math.max(...xs) && y > Math.min(...ys) && y < Math.max(...ys);
        })
        .map(({ text, polygon }) => {
          const fractions = polygon.map((v, i) => v / (i % 2 === 0 ? page.width : page.height)) as unknown as Polygon;
          return { page: page.number, text, boxes: [fractions] };
        });
      return values.length > 0 ? [{ label: `table/${cell.row - 1}/${column}`, isRegion: false, values }] : [];
    });
    return [{ ...document, labels, gold: goldOfLabels(labels) }];
  });
  const columns = [...names].map((name): FieldDefinition => ({ name, type: 'string', format: 'not-specified' }));
  const fields: FieldDefinition[] = [{ name: 'table', type: 'array', format: 'not-specified', fields: columns }];
  return { fields, documents: labelled };
}

/** Documents with a `gt.json` only. */
export function truthFolder(folder: string): Document[] {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.gt.json'))
    .map((file) => file.slice(0, -'.gt.json'.length))
    .sort();
  return names.map((name): Document => {
    const truth = readJson(join(folder, `${name}.gt.json`)) as Truth;
    const fields = Object.entries(truth.fields ?? {}).filter(([, field]) => !field.untrained);
    const gold = { fields: Object.fromEntries(fields.map(([label, field]) => [label, field.text])), tables: {} };
    return {
      name,
      template: truth.template ?? name,
      pages: pagesOf(folder, name),
      labels: [],
      gold,
      isUpperCase: isUpperCase(folder, name),
    };
  });
}

function isUpperCase(folder: string, name: string): boolean {
  const file = join(folder, `${name}.gt.json`);
  return existsSync(file) && (readJson(file) as Truth).pages?.some((page) => page.textCase === 'upper') === true;
}

function pagesOf(folder: string, name: string): Page[] {
  const ocr = join(folder, `${name}.ocr.json`);
  if (existsSync(ocr)) return parseOcrFile(readJson(ocr));
  const answer = join(folder, `${name}.analyze.json`);
  if (existsSync(answer)) return parseOcrFile(readJson(answer));
  return pagesOfTruth(readJson(join(folder, `${name}.gt.json`)) as Truth);
}

function goldOfLabels(labels: readonly Label[]): Gold {
  const fields: Record<string, string> = {};
  const tables: Record<string, Record<string, Record<string, string>>> = {};
  for (const label of labels) {
    const text = label.values
      .map((value) => value.text)
      .join(' ')
      .trim();
    if (text === '') continue;
    const [table = '', row = '', column] = label.label
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (column === undefined) fields[label.label] = text;
    else {
      tables[table] ??= {};
      const rows = tables[table];
      rows[row] ??= {};
      rows[row][column] = text;
    }
  }
  return { fields, tables };
}

interface Truth {
  readonly template?: string | null;
  readonly set?: string;
  readonly pages: readonly {
    readonly page: number;
    readonly width: number;
    readonly height: number;
    readonly unit: string;
    readonly textCase?: string;
    readonly lines?: readonly TruthText[] | null;
    readonly words?: readonly TruthText[] | null;
    readonly marks?: readonly { readonly state: 'selected' | 'unselected'; readonly box: number[] }[] | null;
  }[];
  readonly tables?: readonly {
    readonly page?: number;
    readonly cells: readonly {
      readonly row: number;
      readonly column: number;
      readonly text: string;
      readonly box?: number[] | null;
    }[];
  }[];
  readonly fields?: Readonly<Record<string, { readonly text: string; readonly untrained?: boolean }>>;
}

interface TruthText {
  readonly text: string;
  readonly box?: number[];
  readonly ignore?: boolean;
}

function pagesOfTruth(truth: Truth): Page[] {
  return (truth.pages ?? []).map((page): Page => {
    // Points become inches, as reading would give them.
    const factor = page.unit === 'point' ? 1 / 72 : 1;
    const polygon = (box: number[]) => box.map((v) => v * factor) as unknown as Polygon;
    const lines = (page.words?.length ? page.words : (page.lines ?? [])).flatMap((line): Line[] => {
      if (!line.box || line.ignore) return [];
      const words = page.words?.length
        ? [{ text: line.text, polygon: polygon(line.box), confidence: 1 }]
        : wordsOfLine(line.text, polygon(line.box));
      return words.length > 0 ? [{ text: line.text, polygon: polygon(line.box), words }] : [];
    });
    const selectionMarks = (page.marks ?? []).map(
      (mark): SelectionMark => ({
        state: mark.state,
        polygon: polygon(mark.box),
        confidence: 1,
      }),
    );
    return {
      number: page.page,
      angle: 0,
      width: page.width * factor,
      height: page.height * factor,
      unit: page.unit === 'pixel' ? 'pixel' : 'inch',
      lines,
      selectionMarks,
      tables: [],
    };
  });
}

/** A line of known text cut at spaces, widths in proportion to the characters. */
function wordsOfLine(text: string, polygon: Polygon): Word[] {
  const words: Word[] = [];
  const put = (part: string, from: number) => {
    const corner = (x: number, y: number, towardsX: number, towardsY: number, share: number) =>
      [x + (towardsX - x) * share, y + (towardsY - y) * share] as const;
    const [x1, y1, x2, y2, x3, y3, x4, y4] = polygon;
    const [start, end] = [from / text.length, (from + part.length) / text.length];
    const box: Polygon = [
      ...corner(x1, y1, x2, y2, start),
      ...corner(x1, y1, x2, y2, end),
      ...corner(x4, y4, x3, y3, end),
      ...corner(x4, y4, x3, y3, start),
    ];
    words.push({ text: part, polygon: box, confidence: 1 });
  };
  for (const match of text.matchAll(/\S+/g)) put(match[0], match.index);
  return words;
}
