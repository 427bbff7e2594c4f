// Fits the weights of recognizer/src/reading/ocr/confidence.ts: logistic regression of "the word is right" on its
// evidence. Prints the weights, and the AUROC on the half of the pages that was not fitted.
//   node bench/reading/confidence.mjs FOLDER...        (after npm run build; folders with NAME.gt.json beside NAME)
import fs from 'node:fs';
import path from 'node:path';
import { defaultReadLimits, sniff } from '../../recognizer/dist/index.js';
import { startDeadline } from '../../recognizer/dist/reading/deadline.js';
import { openImage } from '../../recognizer/dist/reading/image/decode.js';
import { confidenceFeatures } from '../../recognizer/dist/reading/ocr/confidence.js';
import { ocrModels } from '../../recognizer/dist/reading/ocr/models.js';
import { readRaster } from '../../recognizer/dist/reading/ocr/read-raster.js';
import * as m from './metrics.mjs';

const files = process.argv
  .slice(2)
  .flatMap((root) => fs.readdirSync(root, { recursive: true }).map((f) => path.join(root, f)))
  .filter((f) => f.endsWith('.gt.json'))
  .sort();
const models = await ocrModels();
const samples = [];
for (const [index, f] of files.entries()) {
  const truth = JSON.parse(fs.readFileSync(f, 'utf8'));
  const bytes = fs.readFileSync(f.replace(/\.gt\.json$/, ''));
  const format = sniff(bytes);
  if (format === 'pdf' || !truth.pages?.length) continue;
  const image = await openImage(bytes, { format, limits: defaultReadLimits, deadline: startDeadline(1e6) });
  const evidence = [];
  const { lines } = await readRaster(await image.decode(1), models, startDeadline(1e6), (e) => evidence.push(e));
  const [page] = truth.pages;
  const fold = page.textCase === 'upper' ? (s) => s.toUpperCase() : (s) => s;
  const words = lines.flatMap((l) => l.words);
  const text = page.words?.length ? page.words : page.lines.flatMap((l) => m.tokens(l.text).map((t) => ({ text: t })));
  const left = new Map();
  for (const w of text) left.set(fold(w.text), (left.get(fold(w.text)) ?? 0) + 1);
  words.forEach((w, i) => {
    const n = left.get(fold(w.text)) ?? 0;
    if (n > 0) left.set(fold(w.text), n - 1);
    samples.push({ x: confidenceFeatures(evidence[i]), y: n > 0 ? 1 : 0, set: truth.set, half: index % 2 });
  });
}
const names = Object.keys(samples[0].x);
const regress = (list) => {
  const w = { bias: 0, ...Object.fromEntries(names.map((n) => [n, 0])) };
  for (let step = 0; step < 4000; step++) {
    const g = Object.fromEntries(Object.keys(w).map((n) => [n, 0]));
    for (const { x, y } of list) {
      const error = y - score(w, x);
      g.bias += error;
      for (const n of names) g[n] += error * x[n];
    }
    for (const n of Object.keys(w)) w[n] += (0.15 * g[n]) / list.length - 1e-5 * w[n];
  }
  return w;
};
const score = (w, x) => 1 / (1 + Math.exp(-names.reduce((sum, n) => sum + w[n] * x[n], w.bias)));
const half = regress(samples.filter((s) => s.half === 0));
for (const set of new Set(samples.map((s) => s.set))) {
  const test = samples.filter((s) => s.half === 1 && s.set === set);
  const at = (y) => test.filter((s) => s.y === y);
  const mean = (s) => s.x.mean;
  console.log(
    set,
    `${test.length} words, AUROC fitted ${m
      .auroc(
        at(1).map((s) => score(half, s.x)),
        at(0).map((s) => score(half, s.x)),
      )
      .toFixed(3)}`,
    `by the mean alone ${m.auroc(at(1).map(mean), at(0).map(mean)).toFixed(3)}`,
  );
}
console.log(JSON.stringify(regress(samples), (_, v) => (typeof v === 'number' ? Math.round(v * 1000) / 1000 : v), 2));
