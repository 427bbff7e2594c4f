// Selection marks against the service's own recorded answers, and tables against a truth (NAME.gt.json beside NAME).
//   node bench/reading/layout.mjs DATA [--match TEXT] [--verbose]        (after npm run build)
// Marks: paired by the distance of their middles; those the service itself gives under 0.5 are neutral.
// Tables: F1 of neighbouring pairs of cell texts (as in ICDAR 2013), micro and as the mean over documents; a table that
// nobody asked for counts against the precision.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { read } from '../../recognizer/dist/index.js';
import * as m from './metrics.mjs';

const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: { match: { type: 'string', default: '' }, verbose: { type: 'boolean', default: false } },
});
const files = positionals
  .flatMap((root) => fs.readdirSync(root, { recursive: true }).map((f) => path.join(root, f)))
  .filter((f) => f.endsWith('.gt.json') && f.includes(o.match))
  .sort();
const zero = () => ({ truth: 0, read: 0, hit: 0 });
const marks = zero();
const states = zero();
const adjacent = zero();
const perDocument = [];
let tables = 0;
let same = 0;
for (const f of files) {
  const truth = JSON.parse(fs.readFileSync(f, 'utf8'));
  const stem = f.replace(/\.gt\.json$/, '');
  const recorded = [`${stem}.ocr.json`, `${stem}.analyze.json`].find((x) => fs.existsSync(x));
  if (!truth.tables?.length && !recorded) continue;
  const { pages } = await read(fs.readFileSync(stem));
  if (recorded) {
    const json = JSON.parse(fs.readFileSync(recorded, 'utf8').replace(/^\uFEFF/, ''));
    for (const t of (json.analyzeResult ?? json).readResults ?? []) {
      if (t.selectionMarks) scoreMarks(t, pages.find((p) => p.number === t.page) ?? { selectionMarks: [] }, f);
    }
  }
  if (truth.tables?.length) {
    const own = zero();
    const mine = pages.flatMap((p) => p.tables.map((t) => toTable(t)));
    const left = new Set(mine);
    for (const t of truth.tables) {
      tables++;
      const table = {
        rows: t.rowCount,
        columns: t.columnCount,
        cells: t.cells.map((c) => ({
          r: c.row,
          c: c.column,
          rs: c.rowSpan ?? 1,
          cs: c.columnSpan ?? 1,
          text: norm(c.text),
        })),
      };
      const words = table.cells.flatMap((c) => m.tokens(c.text));
      let best;
      let bestF1 = 0.2;
      for (const other of left) {
        const f1 = m.prf(
          m.bag(
            words,
            other.cells.flatMap((c) => m.tokens(c.text)),
            (s) => s,
          ),
        ).f1;
        if (f1 > bestF1) [best, bestF1] = [other, f1];
      }
      left.delete(best);
      if (best && best.rows === table.rows && best.columns === table.columns) same++;
      const a = adjacency(table);
      const b = best ? adjacency(best) : new Set();
      own.truth += a.size;
      own.read += b.size;
      for (const k of a) if (b.has(k)) own.hit++;
      if (o.verbose) {
        const hits = [...a].filter((k) => b.has(k)).length;
        console.log(
          path.basename(f),
          `page ${t.page}`,
          `${table.rows}x${table.columns} read`,
          best ? `${best.rows}x${best.columns}` : 'none',
          `${hits}/${a.size}/${b.size}`,
        );
      }
    }
    for (const t of left) own.read += adjacency(t).size;
    if (o.verbose && left.size)
      console.log(path.basename(f), 'too many:', [...left].map((t) => `${t.rows}x${t.columns}`).join(' '));
    for (const k of Object.keys(own)) adjacent[k] += own[k];
    perDocument.push(m.prf(own).f1);
    console.log(
      path.basename(f),
      `tables ${truth.tables.length} read ${mine.length} adjacency F1 ${(100 * m.prf(own).f1).toFixed(1)}`,
    );
  }
}
const show = (c) =>
  Object.values(m.prf(c))
    .map((v) => (100 * v).toFixed(1))
    .join(' / ');
if (marks.truth > 0) console.log(`marks ${marks.truth}: P/R/F1 ${show(marks)}; with state ${show(states)}`);
if (tables > 0) {
  console.log(
    `tables ${tables}: same shape ${same}, adjacency P/R/F1 ${show(adjacent)}, mean of documents ${(100 * m.mean(perDocument)).toFixed(1)}`,
  );
}

function scoreMarks(t, p, name) {
  const place = (b, q) => {
    const [x0, y0, x1, y1] = m.bounds(b.map((v, i) => v / (i % 2 ? q.height : q.width)));
    return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, s: Math.max(x1 - x0, y1 - y0) };
  };
  const a = t.selectionMarks.map((k) => ({ ...k, ...place(k.boundingBox, t) }));
  const b = p.selectionMarks.map((k) => ({ ...k, ...place(k.polygon, p) }));
  const used = new Set();
  for (const mark of a) {
    const near = b
      .map((k, i) => [Math.hypot(k.x - mark.x, k.y - mark.y), i])
      .filter(([d, i]) => !used.has(i) && d <= 0.6 * Math.max(mark.s, b[i].s))
      .sort((x, y) => x[0] - y[0])[0];
    if (near) used.add(near[1]);
    if (mark.confidence < 0.5) continue;
    marks.truth++;
    states.truth++;
    if (!near) {
      if (o.verbose)
        console.log(path.basename(name), 'missed mark', mark.state, mark.confidence, mark.boundingBox.join(' '));
      continue;
    }
    marks.hit++;
    marks.read++;
    states.read++;
    if (b[near[1]].state === mark.state) states.hit++;
    else if (o.verbose) console.log(path.basename(name), 'other state', mark.state, mark.boundingBox.join(' '));
  }
  b.forEach((k, i) => {
    if (used.has(i)) return;
    marks.read++;
    states.read++;
    if (o.verbose) console.log(path.basename(name), 'extra mark', k.state, k.confidence, k.polygon.join(' '));
  });
}

function toTable(t) {
  return {
    rows: t.rowCount,
    columns: t.columnCount,
    cells: t.cells.map((c) => ({
      r: c.rowIndex,
      c: c.columnIndex,
      rs: c.rowSpan,
      cs: c.columnSpan,
      text: norm(c.text),
    })),
  };
}

function norm(text) {
  return (text ?? '')
    .replace(/:(un)?selected:/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Pairs of texts beside and under each other; blank cells are looked over. */
function adjacency(t) {
  const grid = new Map();
  for (const c of t.cells) {
    for (let r = 0; r < c.rs; r++) for (let k = 0; k < c.cs; k++) grid.set(`${c.r + r},${c.c + k}`, c);
  }
  const pairs = new Set();
  for (const c of t.cells) {
    if (!c.text) continue;
    for (const [dr, dc] of [
      [0, 1],
      [1, 0],
    ]) {
      let r = c.r + (dr ? c.rs : 0);
      let k = c.c + (dc ? c.cs : 0);
      while (r < t.rows && k < t.columns) {
        const next = grid.get(`${r},${k}`);
        if (next && next !== c && next.text) {
          pairs.add(`${dr ? 'v' : 'h'}|${c.text}|${next.text}`);
          break;
        }
        r += dr;
        k += dc;
      }
    }
  }
  return pairs;
}
