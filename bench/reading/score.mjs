// Reads documents that have a truth (NAME.gt.json beside NAME) and measures words, boxes and confidences.
//   node bench/reading/score.mjs FOLDER [--every K] [--from I] [--match TEXT] [--per-file] [--save FOLDER]
//     [--tesseract kor+eng] [--pictures]
// bag: words of a page as a multiset (SROIE task 2); cer: edit distance inside the truth's lines, or words where it has
// no lines; boxes: found at IoU 0.5, and found with the same text. Run `npm run build` before.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { read } from '../../recognizer/dist/index.js';
import * as m from './metrics.mjs';

const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    match: { type: 'string', default: '' },
    'per-file': { type: 'boolean', default: false },
    save: { type: 'string' },
    tesseract: { type: 'string' },
    pictures: { type: 'boolean', default: false },
  },
});
const files = positionals
  .flatMap((folder) => fs.readdirSync(folder, { recursive: true }).map((f) => path.join(folder, f)))
  .filter((f) => f.endsWith('.gt.json') && f.includes(o.match) && !(o.pictures && f.endsWith('.pdf.gt.json')))
  .sort()
  .filter((_, i) => i % Number(o.every) === Number(o.from));

const zero = () => ({ truth: 0, read: 0, hit: 0 });
const sum = { exact: zero(), nocase: zero(), alnum: zero(), found: zero(), both: zero() };
const add = (a, b) => {
  for (const k of Object.keys(a)) a[k] += b[k];
};
let edits = 0;
let characters = 0;
const ious = [];
const angles = [];
const right = [];
const wrong = [];
let cpu = 0;
let pageCount = 0;
for (const f of files) {
  const truth = JSON.parse(fs.readFileSync(f, 'utf8'));
  if (!truth.pages?.length) continue;
  const bytes = fs.readFileSync(f.replace(/\.gt\.json$/, ''));
  const start = process.cpuUsage();
  const { pages } = await read(
    bytes,
    o.tesseract ? { ocr: { tesseract: { command: 'tesseract', languages: o.tesseract } } } : {},
  );
  const used = process.cpuUsage(start);
  cpu += (used.user + used.system) / 1e6;
  if (o.save) fs.writeFileSync(path.join(o.save, `${path.basename(f, '.gt.json')}.json`), JSON.stringify(pages));
  const own = zero();
  for (const t of truth.pages) {
    if (!t.textComplete) continue;
    pageCount++;
    const p = pages.find((x) => x.number === t.page);
    if (t.angle !== undefined && p) angles.push(Math.abs(t.angle - p.angle));
    const words = (p?.lines ?? []).flatMap((l) => l.words).map((w) => ({ ...w, box: fractions(w.polygon, p) }));
    const lines = (t.lines ?? []).filter((l) => !l.ignore);
    const tw = t.words?.length ? t.words.map((w) => w.text).flatMap(m.tokens) : lines.flatMap((l) => m.tokens(l.text));
    const pw = words.flatMap((w) => m.tokens(w.text));
    for (const n of Object.keys(m.norms)) add(sum[n], m.bag(tw, pw, m.norms[n]));
    add(own, m.bag(tw, pw, t.textCase === 'upper' ? m.norms.nocase : m.norms.exact));
    const regions = (t.words?.length ? t.words : lines).filter((r) => r.box);
    const fold = t.textCase === 'upper' ? (s) => s.toUpperCase() : (s) => s;
    const taken = new Set();
    for (const r of regions) {
      const b = m.bounds(fractions(r.box, t));
      const inside = words
        .filter((w) => {
          const q = m.bounds(w.box);
          const x = (q[0] + q[2]) / 2;
          const y = (q[1] + q[3]) / 2;
          return !taken.has(w) && x >= b[0] && x <= b[2] && y >= b[1] && y <= b[3];
        })
        .sort((x, y) => m.bounds(x.box)[0] - m.bounds(y.box)[0]);
      for (const w of inside) taken.add(w);
      const text = fold(inside.map((w) => w.text).join(' '));
      edits += m.editDistance(fold(r.text), text);
      characters += [...r.text].length;
    }
    if (t.words?.length) {
      const tb = t.words.filter((w) => w.box).map((w) => ({ ...w, box: fractions(w.box, t) }));
      const pairs = m.matchBoxes(tb, words, 0.5);
      const good = new Set(pairs.filter(([, i, j]) => tb[i].text === words[j].text).map(([, , j]) => j));
      ious.push(...pairs.map(([v]) => v));
      add(sum.found, { truth: tb.length, read: words.length, hit: pairs.length });
      add(sum.both, { truth: tb.length, read: words.length, hit: good.size });
      words.forEach((w, j) => {
        (good.has(j) ? right : wrong).push(w.confidence);
      });
    } else {
      const left = new Map();
      for (const w of tw) left.set(fold(w), (left.get(fold(w)) ?? 0) + 1);
      for (const w of words) {
        const n = left.get(fold(w.text)) ?? 0;
        if (n > 0) left.set(fold(w.text), n - 1);
        (n > 0 ? right : wrong).push(w.confidence);
      }
    }
  }
  if (o['per-file']) console.log(path.basename(f), (100 * m.prf(own).f1).toFixed(1));
}
const f1 = (c) => (100 * m.prf(c).f1).toFixed(1);
console.log(
  `${files.length} files, ${pageCount} pages, ${(cpu / Math.max(1, pageCount)).toFixed(2)} CPU s a page\n` +
    `bag F1 exact ${f1(sum.exact)} nocase ${f1(sum.nocase)} alnum ${f1(sum.alnum)}  CER ${((100 * edits) / characters).toFixed(2)}\n` +
    (sum.found.truth > 0 ? `found ${f1(sum.found)} both ${f1(sum.both)} mean IoU ${m.mean(ious).toFixed(3)}\n` : '') +
    (angles.length > 0
      ? `angle error median ${m.median(angles).toFixed(3)} max ${Math.max(...angles).toFixed(3)}\n`
      : '') +
    `confidence right ${m.mean(right).toFixed(3)} wrong ${m.mean(wrong).toFixed(3)} AUROC ${m.auroc(right, wrong).toFixed(3)}`,
);

function fractions(p, { width, height }) {
  return p.map((v, i) => (i % 2 ? v / height : v / width));
}
