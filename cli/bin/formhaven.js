#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { handOver } from './runtime.js';

if (!(await handOver(fileURLToPath(import.meta.url), process.argv.slice(2)))) {
  const main = new URL('../dist/main.js', import.meta.url);
  if (!existsSync(main)) {
    console.error('formhaven is not built yet: run `npm run build` first.');
    process.exitCode = 1;
  } else {
    const { main: run } = await import(main.href);
    process.exitCode = await run(process.argv);
  }
}
