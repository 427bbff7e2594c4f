import type {
  ElementRef,
  LengthUnit,
  Line,
  Page,
  Polygon,
  SelectionMark,
  Table,
  TableCell,
  Word,
} from '../document.ts';
import { arrayAt, isRecord, type JsonRecord, numberAt, recordAt, stringAt, wrong } from './jsonPath.ts';
import { polygonAt } from './labelsFile.ts';

/**
 * A stored layout answer (`<document>.ocr.json`): of v2.0, v2.1 or v3 and later, the whole operation or `analyzeResult` alone.
 * Boxes are in the page's unit, as stored.
 *
 * @throws RecognizerError `invalidTrainingSet`, naming the place
 */
export function parseOcrFile(json: unknown): Page[] {
  const file = recordAt(json, 'ocr.json');
  const result = isRecord(file.analyzeResult) ? file.analyzeResult : file;
  if (result.readResults !== undefined) return pagesOfV2(result);
  if (result.pages !== undefined) return pagesOfV3(result);
  throw wrong('ocr.json', 'has neither readResults (v2) nor pages (v3)');
}

function pagesOfV2(result: JsonRecord): Page[] {
  const tables = new Map<number, Table[]>();
  for (const [i, pageResult] of arrayAt(result.pageResults ?? [], 'ocr.json: pageResults').entries()) {
    const at = `ocr.json: pageResults[${i}]`;
    const parts = recordAt(pageResult, at);
    const number = numberAt(parts.page, `${at}.page`);
    const found = arrayAt(parts.tables ?? [], `${at}.tables`).map((t, k) => tableOfV2(t, `${at}.tables[${k}]`, number));
    tables.set(number, [...(tables.get(number) ?? []), ...found]);
  }
  return arrayAt(result.readResults, 'ocr.json: readResults').map((page, i) => {
    const at = `ocr.json: readResults[${i}]`;
    const parts = recordAt(page, at);
    const number = numberAt(parts.page ?? i + 1, `${at}.page`);
    return {
      ...pageFrame(parts, at, number),
      lines: arrayAt(parts.lines ?? [], `${at}.lines`).map((line, k) => lineOfV2(line, `${at}.lines[${k}]`)),
      selectionMarks: arrayAt(parts.selectionMarks ?? [], `${at}.selectionMarks`).map((mark, k) =>
        markAt(mark, `${at}.selectionMarks[${k}]`),
      ),
      tables: tables.get(number) ?? [],
    };
  });
}

function lineOfV2(value: unknown, at: string): Line {
  const line = recordAt(value, at);
  const words = arrayAt(line.words ?? [], `${at}.words`).map((word, i) => wordAt(word, `${at}.words[${i}]`));
  const text = stringAt(line.text ?? words.map((w) => w.text).join(' '), `${at}.text`);
  const polygon = polygonAt(line.boundingBox, `${at}.boundingBox`);
  const appearance = isRecord(line.appearance) && isRecord(line.appearance.style) ? line.appearance.style : undefined;
  if (!appearance) return { text, polygon, words };
  const name = appearance.name === 'handwriting' ? 'handwriting' : 'other';
  return { text, polygon, words, style: { name, confidence: confidenceOf(appearance) } };
}

function tableOfV2(value: unknown, at: string, page: number): Table {
  const table = recordAt(value, at);
  const cells = arrayAt(table.cells ?? [], `${at}.cells`).map((cell, i): TableCell => {
    const cellAt = `${at}.cells[${i}]`;
    const parts = recordAt(cell, cellAt);
    return {
      rowIndex: numberAt(parts.rowIndex, `${cellAt}.rowIndex`),
      columnIndex: numberAt(parts.columnIndex, `${cellAt}.columnIndex`),
      rowSpan: numberAt(parts.rowSpan ?? 1, `${cellAt}.rowSpan`),
      columnSpan: numberAt(parts.columnSpan ?? 1, `${cellAt}.columnSpan`),
      text: stringAt(parts.text ?? '', `${cellAt}.text`),
      polygon: polygonAt(parts.boundingBox, `${cellAt}.boundingBox`),
      isHeader: parts.isHeader === true,
      elements: arrayAt(parts.elements ?? [], `${cellAt}.elements`).flatMap((e) => elementOf(e, page)),
    };
  });
  const polygon =
    table.boundingBox === undefined
      ? around(cells.map((c) => c.polygon))
      : polygonAt(table.boundingBox, `${at}.boundingBox`);
  return {
    rowCount: numberAt(table.rows, `${at}.rows`),
    columnCount: numberAt(table.columns, `${at}.columns`),
    polygon,
    cells,
  };
}

function elementOf(pointer: unknown, page: number): ElementRef[] {
  const word = /\/lines\/(\d+)\/words\/(\d+)$/.exec(String(pointer));
  if (word) return [{ kind: 'word', page, line: Number(word[1]), word: Number(word[2]) }];
  const mark = /\/selectionMarks\/(\d+)$/.exec(String(pointer));
  return mark ? [{ kind: 'selectionMark', page, mark: Number(mark[1]) }] : [];
}

function pagesOfV3(result: JsonRecord): Page[] {
  return arrayAt(result.pages, 'ocr.json: pages').map((page, i) => {
    const at = `ocr.json: pages[${i}]`;
    const parts = recordAt(page, at);
    const number = numberAt(parts.pageNumber ?? i + 1, `${at}.pageNumber`);
    const words = arrayAt(parts.words ?? [], `${at}.words`).map((word, k) => spannedWord(word, `${at}.words[${k}]`));
    const lines = arrayAt(parts.lines ?? [], `${at}.lines`).map((line, k) => spannedLine(line, `${at}.lines[${k}]`));
    return {
      ...pageFrame(parts, at, number),
      lines: linesWithWords(lines, words),
      selectionMarks: arrayAt(parts.selectionMarks ?? [], `${at}.selectionMarks`).map((mark, k) =>
        markAt(mark, `${at}.selectionMarks[${k}]`),
      ),
      tables: [],
    };
  });
}

interface SpannedWord {
  readonly word: Word;
  readonly offset: number;
}

function spannedWord(value: unknown, at: string): SpannedWord {
  const span = isRecord(value) && isRecord(value.span) ? value.span : {};
  return { word: wordAt(value, at), offset: numberAt(span.offset ?? 0, `${at}.span.offset`) };
}

interface SpannedLine {
  readonly text: string;
  readonly polygon: Polygon;
  readonly spans: readonly (readonly [number, number])[];
}

function spannedLine(value: unknown, at: string): SpannedLine {
  const line = recordAt(value, at);
  const spans = arrayAt(line.spans ?? [], `${at}.spans`).map((span, i): [number, number] => {
    const { offset, length } = recordAt(span, `${at}.spans[${i}]`);
    const start = numberAt(offset, `${at}.spans[${i}].offset`);
    return [start, start + numberAt(length, `${at}.spans[${i}].length`)];
  });
  return { text: stringAt(line.content ?? '', `${at}.content`), polygon: boxOf(line, at), spans };
}

/** v3 lists words beside the lines and joins the two by their places in the content. A word of no line becomes one of its own. */
function linesWithWords(lines: readonly SpannedLine[], words: readonly SpannedWord[]): Line[] {
  const perLine: Word[][] = lines.map(() => []);
  const alone: Line[] = [];
  for (const { word, offset } of words) {
    const index = lines.findIndex((line) => line.spans.some(([from, to]) => offset >= from && offset < to));
    const own = perLine[index];
    if (own) own.push(word);
    else alone.push({ text: word.text, polygon: word.polygon, words: [word] });
  }
  const filled = lines.map((line, i): Line => ({ text: line.text, polygon: line.polygon, words: perLine[i] ?? [] }));
  return [...filled.filter((line) => line.words.length > 0), ...alone];
}

function pageFrame(page: JsonRecord, at: string, number: number) {
  const width = numberAt(page.width, `${at}.width`);
  const height = numberAt(page.height, `${at}.height`);
  if (width <= 0 || height <= 0) throw wrong(at, 'has no size');
  const unit: LengthUnit = page.unit === 'inch' ? 'inch' : 'pixel';
  return { number, angle: numberAt(page.angle ?? 0, `${at}.angle`), width, height, unit };
}

function wordAt(value: unknown, at: string): Word {
  const word = recordAt(value, at);
  const text = stringAt(word.text ?? word.content, `${at}.text`);
  return { text, polygon: boxOf(word, at), confidence: confidenceOf(word) };
}

function markAt(value: unknown, at: string): SelectionMark {
  const mark = recordAt(value, at);
  if (mark.state !== 'selected' && mark.state !== 'unselected')
    throw wrong(`${at}.state`, "must be 'selected' or 'unselected'");
  return { state: mark.state, polygon: boxOf(mark, at), confidence: confidenceOf(mark) };
}

function boxOf(part: JsonRecord, at: string): Polygon {
  return part.polygon === undefined
    ? polygonAt(part.boundingBox, `${at}.boundingBox`)
    : polygonAt(part.polygon, `${at}.polygon`);
}

function confidenceOf(part: JsonRecord): number {
  return typeof part.confidence === 'number' && Number.isFinite(part.confidence) ? part.confidence : 1;
}

function around(polygons: readonly Polygon[]): Polygon {
  if (polygons.length === 0) return [0, 0, 0, 0, 0, 0, 0, 0];
  const xs = polygons.flatMap((p) => [p[0], p[2], p[4], p[6]]);
  const ys = polygons.flatMap((p) => [p[1], p[3], p[5], p[7]]);
  const [x0, y0, x1, y1] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  return [x0, y0, x1, y0, x1, y1, x0, y1];
}
