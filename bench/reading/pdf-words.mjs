// Digital PDFs against the service's own recorded words: F1, boxes, lines.
//   node bench/reading/pdf-words.mjs DATA      (after npm run build)
// DATA holds NAME.pdf beside NAME.pdf.ocr.json or NAME.pdf.analyze.json, at any depth.
import fs from 'node:fs';
import path from 'node:path';
import { read } from '../../recognizer/dist/index.js';

const root = process.argv[2] ?? '.';
const files = fs
  .readdirSync(root, { recursive: true })
  .filter((f) => f.endsWith('.pdf.ocr.json') || f.endsWith('.pdf.analyze.json'))
  .sort();
const total = { truth: 0, read: 0, hit: 0, tight: 0, lines: 0, linesHit: 0, marks: 0, marksHit: 0 };
for (const f of files) {
  const pdf = path.join(root, f.replace(/\.(ocr|analyze)\.json$/, ''));
  const recorded = JSON.parse(fs.readFileSync(path.join(root, f), 'utf8').replace(/^\uFEFF/, ''));
  const truthPages = (recorded.analyzeResult ?? recorded).readResults;
  if (!truthPages) continue;
  const { pages } = await read(fs.readFileSync(pdf));
  const own = { truth: 0, read: 0, hit: 0, tight: 0, lines: 0, linesHit: 0 };
  const missed = [];
  const extra = [];
  for (const [i, truth] of truthPages.entries()) {
    const page = pages[i] ?? { lines: [] };
    const a = truth.lines.flatMap((l) => l.words.map((w) => ({ text: w.text, box: w.boundingBox })));
    const b = page.lines.flatMap((l) => l.words.map((w) => ({ text: w.text, box: w.polygon })));
    const used = new Set();
    for (const word of a) {
      let best = -1;
      let bestIou = -1;
      b.forEach((other, k) => {
        if (used.has(k) || other.text !== word.text) return;
        const v = iou(word.box, other.box);
        if (v > bestIou) [best, bestIou] = [k, v];
      });
      if (best >= 0) {
        used.add(best);
        own.hit++;
        if (bestIou >= 0.98) own.tight++;
      } else missed.push(word.text);
    }
    b.forEach((word, k) => {
      if (!used.has(k)) extra.push(word.text);
    });
    own.truth += a.length;
    own.read += b.length;
    const bag = new Map();
    for (const l of page.lines) bag.set(l.text, (bag.get(l.text) ?? 0) + 1);
    for (const l of truth.lines) {
      own.lines++;
      if (bag.get(l.text) > 0) {
        own.linesHit++;
        bag.set(l.text, bag.get(l.text) - 1);
      }
    }
  }
  for (const k of Object.keys(own)) total[k] += own[k];
  console.log(f, JSON.stringify(own), 'missed', missed.slice(0, 6).join(' '), '| extra', extra.slice(0, 6).join(' '));
}
const p = total.hit / total.read;
const r = total.hit / total.truth;
console.log(
  `words ${total.truth}: P ${(100 * p).toFixed(2)} R ${(100 * r).toFixed(2)} F1 ${((200 * p * r) / (p + r)).toFixed(2)}, ` +
    `IoU >= 0.98: ${((100 * total.tight) / total.hit).toFixed(2)} %; lines the same: ${((100 * total.linesHit) / total.lines).toFixed(1)} %`,
);

function iou(p, q) {
  const a = bounds(p);
  const b = bounds(q);
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return 0;
  const area = (x) => (x[2] - x[0]) * (x[3] - x[1]);
  return (w * h) / (area(a) + area(b) - w * h);
}
function bounds(p) {
  const xs = [p[0], p[2], p[4], p[6]];
  const ys = [p[1], p[3], p[5], p[7]];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
