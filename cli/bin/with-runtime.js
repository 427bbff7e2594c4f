// `node with-runtime.js SCRIPT …`: runs a script with the Node that this project brings along.

import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { handOver } from './runtime.js';

const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('with-runtime.js takes the script to run, and its arguments.');
  process.exitCode = 2;
} else if (!(await handOver(fileURLToPath(import.meta.url), [script, ...args]))) {
  process.argv.splice(1, 2, resolve(script));
  await import(pathToFileURL(resolve(script)).href);
}
