import type { AnalyzedForm, FieldDefinition, FieldValue } from '../../recognizer/src/extraction/types.ts';
import { parseDate } from '../../recognizer/src/extraction/values/date.ts';
import { parseNumber } from '../../recognizer/src/extraction/values/number.ts';
import { editDistance } from '../../recognizer/src/extraction/wordText.ts';
import type { Document } from './data.ts';

// A field counts as a true positive when found and labelled value agree. A wrong value is a false positive and a false
// negative; a value where nothing is labelled a false positive; nothing where something is labelled a false negative.

export interface Counts {
  tp: number;
  fp: number;
  fn: number;
}

export interface Judged {
  readonly confidence: number;
  readonly isRight: boolean;
}

export interface Score {
  readonly value: Counts;
  readonly exact: Counts;
  /** As `value`, but for spaces, signs, case and a fifth of the letters: what is left are other places, not misread text. */
  readonly place: Counts;
  readonly cells: Counts;
  readonly judged: Judged[];
  readonly misses: {
    document: string;
    field: string;
    want: string | null;
    got: string | null;
    confidence: number | null;
  }[];
}

export function emptyScore(): Score {
  const counts = (): Counts => ({ tp: 0, fp: 0, fn: 0 });
  return { value: counts(), exact: counts(), place: counts(), cells: counts(), judged: [], misses: [] };
}

export function f1({ tp, fp, fn }: Counts): number {
  return tp + fp + fn > 0 ? (2 * tp) / (2 * tp + fp + fn) : 1;
}

const fold = (text: string) => text.normalize('NFKC').replace(/\s+/g, ' ').trim();
const looseForm = (text: string) =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');

function isSame(definition: FieldDefinition | undefined, want: string, got: string): boolean {
  if (fold(want) === fold(got)) return true;
  if (definition?.type === 'number' || definition?.type === 'integer') {
    const [a, b] = [parseNumber(want), parseNumber(got)];
    return a !== undefined && b !== undefined && Math.abs(a - b) < 1e-6;
  }
  if (definition?.type === 'date') {
    const order = definition.format === 'dmy' || definition.format === 'ymd' ? definition.format : 'mdy';
    const [a, b] = [parseDate(want, order), parseDate(got, order)];
    return a !== undefined && a === b;
  }
  return false;
}

function isMisread(want: string, got: string): boolean {
  const [a, b] = [looseForm(want), looseForm(got)];
  const limit = Math.floor(Math.max(a.length, b.length) / 5);
  return editDistance(a, b, limit) <= limit;
}

function count(counts: Counts, want: string | undefined, got: string | undefined, isRight: boolean): void {
  if (isRight) counts.tp++;
  else {
    if (got !== undefined) counts.fp++;
    if (want !== undefined) counts.fn++;
  }
}

export function textOf(
  value: FieldValue | null | undefined,
): { text: string; confidence: number | undefined } | undefined {
  if (!value || value.type === 'array' || value.type === 'object') return undefined;
  return { text: value.text, confidence: value.confidence };
}

export function scoreDocument(
  score: Score,
  document: Document,
  form: AnalyzedForm,
  fields: readonly FieldDefinition[],
): void {
  for (const field of fields) {
    if (field.type === 'array' || field.type === 'object') {
      scoreTable(score, document, form.fields[field.name], field);
      continue;
    }
    const want = document.gold.fields[field.name];
    const got = textOf(form.fields[field.name]);
    if (want === undefined && got === undefined) continue;
    const isExact = want !== undefined && got !== undefined && fold(want) === fold(got.text);
    const said = document.isUpperCase ? got?.text.toUpperCase() : got?.text;
    const isRight = want !== undefined && said !== undefined && isSame(field, want, said);
    const isNear = want !== undefined && said !== undefined && isMisread(want, said);
    count(score.exact, want, got?.text, isExact);
    count(score.place, want, got?.text, isRight || isNear);
    count(score.value, want, got?.text, isRight);
    if (got?.confidence !== undefined) score.judged.push({ confidence: got.confidence, isRight });
    if (!isRight) {
      const miss = { want: want ?? null, got: got?.text ?? null, confidence: got?.confidence ?? null };
      score.misses.push({ document: document.name, field: field.name, ...miss });
    }
  }
}

type Row = Readonly<Record<string, string>>;

function scoreTable(
  score: Score,
  document: Document,
  value: FieldValue | null | undefined,
  field: FieldDefinition,
): void {
  const gold = document.gold.tables[field.name] ?? {};
  const columns = field.type === 'array' ? field.fields : field.fields?.[0]?.fields;
  const same = (column: string, want: string, got: string) =>
    isSame(
      columns?.find((c) => c.name === column),
      want,
      got,
    );
  const cellsOf = (row: FieldValue | null): Row => {
    if (row?.type !== 'object') return {};
    const cells = Object.entries(row.value).flatMap(([column, cell]) => {
      const text = textOf(cell)?.text;
      return text === undefined ? [] : [[column, text] as const];
    });
    return Object.fromEntries(cells);
  };
  let pairs: [Row | undefined, Row | undefined][] = [];
  if (field.type === 'array') {
    const want = Object.keys(gold)
      .sort((a, b) => Number(a) - Number(b))
      .map((key) => gold[key] ?? {});
    const got = value?.type === 'array' ? value.value.map(cellsOf).filter((row) => Object.keys(row).length > 0) : [];
    pairs = alignRows(want, got, same);
  } else {
    const rows = value?.type === 'object' ? value.value : {};
    pairs = [...new Set([...Object.keys(gold), ...Object.keys(rows)])].map((key) => [
      gold[key],
      cellsOf(rows[key] ?? null),
    ]);
  }
  for (const [want, got] of pairs) {
    for (const column of new Set([...Object.keys(want ?? {}), ...Object.keys(got ?? {})])) {
      const [w, g] = [want?.[column], got?.[column]];
      const isRight = w !== undefined && g !== undefined && same(column, w, g);
      count(score.cells, w, g, isRight);
      if (!isRight) {
        score.misses.push({
          document: document.name,
          field: `${field.name}/${column}`,
          want: w ?? null,
          got: g ?? null,
          confidence: null,
        });
      }
    }
  }
}

/** Monotone alignment of two lists of rows with the most equal cells. */
function alignRows(
  want: readonly Row[],
  got: readonly Row[],
  same: (column: string, want: string, got: string) => boolean,
): [Row | undefined, Row | undefined][] {
  const hits = (a: Row, b: Row) =>
    Object.entries(a).filter(([c, text]) => b[c] !== undefined && same(c, text, b[c])).length;
  const best = Array.from({ length: want.length + 1 }, () => new Float64Array(got.length + 1));
  const at = (i: number, j: number) => best[i]?.[j] ?? 0;
  const together = (i: number, j: number) => at(i + 1, j + 1) + hits(want[i] ?? {}, got[j] ?? {}) + 1e-6;
  for (let i = want.length - 1; i >= 0; i--) {
    for (let j = got.length - 1; j >= 0; j--)
      (best[i] as Float64Array)[j] = Math.max(at(i + 1, j), at(i, j + 1), together(i, j));
  }
  const pairs: [Row | undefined, Row | undefined][] = [];
  let [i, j] = [0, 0];
  while (i < want.length || j < got.length) {
    if (i < want.length && j < got.length && at(i, j) === together(i, j)) pairs.push([want[i++], got[j++]]);
    else if (i < want.length && (j >= got.length || at(i, j) === at(i + 1, j))) pairs.push([want[i++], undefined]);
    else pairs.push([undefined, got[j++]]);
  }
  return pairs;
}

/** Expected calibration error over ten equal bins, area under the ROC curve, precision and coverage at 0.8. */
export function calibration(judged: readonly Judged[]) {
  let ece = 0;
  for (let b = 0; b < 10; b++) {
    const bin = judged.filter((j) => Math.min(9, Math.floor(j.confidence * 10)) === b);
    if (bin.length === 0) continue;
    const right = bin.filter((j) => j.isRight).length / bin.length;
    const said = bin.reduce((sum, j) => sum + j.confidence, 0) / bin.length;
    ece += (bin.length / judged.length) * Math.abs(right - said);
  }
  const [right, wrong] = [judged.filter((j) => j.isRight), judged.filter((j) => !j.isRight)];
  let wins = 0;
  for (const r of right)
    for (const w of wrong) wins += r.confidence > w.confidence ? 1 : r.confidence === w.confidence ? 0.5 : 0;
  const sure = judged.filter((j) => j.confidence >= 0.8);
  return {
    n: judged.length,
    ece,
    auc: right.length > 0 && wrong.length > 0 ? wins / (right.length * wrong.length) : 1,
    precisionAt80: sure.length > 0 ? sure.filter((j) => j.isRight).length / sure.length : 1,
    coverageAt80: sure.length / Math.max(1, judged.length),
  };
}
