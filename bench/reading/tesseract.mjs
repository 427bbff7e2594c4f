// CPU and word F1 beside native tesseract (its fast data, one thread), file by file in turn, so that a busy machine
// slows both alike. The ratio is the median over the files.
//   node bench/reading/tesseract.mjs FOLDER [--every K]        (after npm run build; needs the tesseract command)
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { read } from '../../recognizer/dist/index.js';
import * as m from './metrics.mjs';

const { values: o, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: 'string', default: '1' } },
});
const files = positionals
  .flatMap((root) => fs.readdirSync(root, { recursive: true }).map((f) => path.join(root, f)))
  .filter((f) => f.endsWith('.gt.json') && /\.(jpe?g|png|tiff?)\.gt\.json$/.test(f))
  .sort()
  .filter((_, i) => i % Number(o.every) === 0);
const ratios = [];
const ours = { truth: 0, read: 0, hit: 0 };
const theirs = { truth: 0, read: 0, hit: 0 };
await read(fs.readFileSync(files[0].replace(/\.gt\.json$/, '')));
for (const f of files) {
  const { pages: truth } = JSON.parse(fs.readFileSync(f, 'utf8'));
  const image = f.replace(/\.gt\.json$/, '');
  const before = process.cpuUsage();
  const { pages } = await read(fs.readFileSync(image));
  const used = process.cpuUsage(before);
  const own = (used.user + used.system) / 1e6;
  const run = spawnSync('bash', ['-c', 'time tesseract "$0" - --psm 3 -l eng', image], {
    env: { ...process.env, OMP_THREAD_LIMIT: '1', LC_ALL: 'C' },
    encoding: 'utf8',
  });
  const seconds = [...run.stderr.matchAll(/(?:user|sys)\s+(\d+)m([\d.]+)s/g)];
  const other = seconds.reduce((sum, [, minutes, rest]) => sum + 60 * Number(minutes) + Number(rest), 0);
  ratios.push(own / other);
  const [page] = truth;
  const words = page.words?.length ? page.words.map((w) => w.text) : page.lines.flatMap((l) => m.tokens(l.text));
  const norm = page.textCase === 'upper' ? m.norms.nocase : m.norms.exact;
  add(
    ours,
    m.bag(
      words,
      pages.flatMap((p) => p.lines.flatMap((l) => l.words.map((w) => w.text))),
      norm,
    ),
  );
  add(theirs, m.bag(words, m.tokens(run.stdout), norm));
}
console.log(
  `${files.length} files: CPU ${m.median(ratios).toFixed(2)} times tesseract's (median); ` +
    `word F1 ${(100 * m.prf(ours).f1).toFixed(1)}, tesseract ${(100 * m.prf(theirs).f1).toFixed(1)}`,
);

function add(a, b) {
  for (const k of Object.keys(a)) a[k] += b[k];
}
