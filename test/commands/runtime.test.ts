import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pollUntil } from '../kit/work.ts';

// A copy of the runtime stands for the Node that happens to be installed: another file, whatever its version.

const WITH_RUNTIME = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'with-runtime.js');

let folder: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formhaven-runtime-'));
  installed = join(folder, 'node');
  await copyFile(process.execPath, installed);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(source: string, ...args: string[]): Promise<ChildProcess> {
  const script = join(folder, `script-${Math.random().toString(36).slice(2)}.mjs`);
  await writeFile(script, source);
  return spawn(installed, [WITH_RUNTIME, script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function output(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new TypeError('its output is piped');
  return text(child.stdout);
}

test('a script runs with the Node the project brings along, with its arguments and its exit code', async () => {
  const child = await start(
    'console.log(JSON.stringify([process.execPath, process.argv.slice(2)])); process.exitCode = 7;',
    'one',
    '--two',
  );
  const exited = once(child, 'exit');
  expect(JSON.parse(await output(child))).toEqual([await realpath(process.execPath), ['one', '--two']]);
  expect(await exited).toEqual([7, null]);
});

test('a signal to whoever was started reaches the script', async () => {
  const child = await start(
    'process.on("SIGTERM", () => { console.log("drained"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000);',
  );
  const said = output(child);
  await once(child.stdout ?? child, 'readable');
  child.kill('SIGTERM');
  expect(await said).toBe('up\ndrained\n');
  expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(0);
});

test('a script ends when whoever was started is killed', async () => {
  const child = await start('console.log(process.pid); setInterval(() => {}, 1000);');
  const [first] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  const pid = Number(first.toString());
  child.kill('SIGKILL');
  await pollUntil(
    async () => isRunning(pid),
    (running) => !running,
  );
  expect(isRunning(pid)).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
