// Broken, encrypted, turned and hostile files: every one has an expected outcome (`expect` of NAME.gt.json).
//   node bench/reading/hostile.mjs FOLDER        (after npm run build)
import fs from 'node:fs';
import path from 'node:path';
import { RecognizerError, read } from '../../recognizer/dist/index.js';

const folder = process.argv[2];
let wrong = 0;
const files = fs.readdirSync(folder).filter((f) => f.endsWith('.gt.json') && f.includes(process.argv[3] ?? ''));
for (const f of files.sort()) {
  const { expect } = JSON.parse(fs.readFileSync(path.join(folder, f), 'utf8'));
  const start = performance.now();
  let outcome;
  const problems = [];
  try {
    const { pages } = await read(fs.readFileSync(path.join(folder, f.replace(/\.gt\.json$/, ''))));
    outcome = `accepted, ${pages.length} pages, ${pages[0]?.width} x ${pages[0]?.height}, angle ${pages[0]?.angle}`;
    const text = pages.flatMap((p) => p.lines.map((l) => l.text)).join('\n');
    if (expect.outcome === 'reject') problems.push('should be refused');
    if (expect.pages && expect.pages !== pages.length && expect.pages <= 200) problems.push(`${expect.pages} pages`);
    if (expect.width && (expect.width !== pages[0].width || expect.height !== pages[0].height)) problems.push('size');
    if (expect.angle !== undefined && Math.abs(expect.angle - pages[0].angle) > 1)
      problems.push(`angle ${expect.angle}`);
    for (const part of expect.contains ?? []) if (!text.includes(part)) problems.push(`lacks "${part}"`);
    if (expect.empty && text) problems.push('should be empty');
  } catch (error) {
    outcome = error instanceof RecognizerError ? `refused: ${error.code}` : `CRASHED: ${error?.stack ?? error}`;
    if (expect.outcome === 'accept') problems.push('should be accepted');
    if (!(error instanceof RecognizerError)) problems.push('not a RecognizerError');
  }
  if (problems.length) wrong++;
  const ms = Math.round(performance.now() - start);
  const mb = Math.round(process.memoryUsage.rss() / 1e6);
  console.log(
    `${problems.length ? 'WRONG' : 'ok'}  ${f.slice(0, 50)}  ${expect.outcome}  ${outcome}  ${ms} ms  ${mb} MB  ${problems.join('; ')}`,
  );
}
console.log(`${files.length} files, ${wrong} wrong`);
process.exitCode = Math.min(1, wrong);
