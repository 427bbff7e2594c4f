import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestRegion, TestRegions } from '../kit/regions.ts';

// `formhaven` as a spawned process over two real regions.

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'formhaven.js');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Configured {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  run(...args: readonly string[]): Promise<Ran>;
  /** Runs on; its events are the lines of its output. */
  start(...args: readonly string[]): Running;
}

export interface Running {
  readonly child: ChildProcess;
  lines(): readonly string[];
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** A `formhaven.yaml` from the first region to the second. */
export async function configure(
  regions: TestRegions,
  [from, to]: readonly [TestRegion, TestRegion],
  more: {
    readonly policy?: string;
    readonly top?: string;
    /** For both regions. */
    readonly region?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Configured> {
  const file = join(regions.dataFolder, 'formhaven.yaml');
  const entry = (region: TestRegion): string =>
    [
      `  ${region.name}:`,
      `    endpoint: ${region.endpoint}`,
      `    resourceId: ${region.resourceId}`,
      `    key: { env: KEY_${region.name.toUpperCase()} }`,
      ...(more.region === undefined ? [] : [more.region]),
    ].join('\n');
  await writeFile(
    file,
    [
      'version: 1',
      'pollEvery: 2s',
      more.top ?? '',
      'regions:',
      entry(from),
      entry(to),
      'policies:',
      '  all:',
      `    from: ${from.name}`,
      `    to: ${to.name}`,
      '    rpo: 5m',
      more.policy ?? '',
      '',
    ].join('\n'),
  );
  const env = {
    ...process.env,
    FORMHAVEN_CONFIG: file,
    [`KEY_${from.name.toUpperCase()}`]: from.key1,
    [`KEY_${to.name.toUpperCase()}`]: to.key1,
    ...more.env,
  };
  const start = (...args: readonly string[]): Running & { readonly output: { stdout: string; stderr: string } } => {
    const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    return {
      child,
      output,
      lines: () => output.stdout.split('\n').filter((line) => line !== ''),
      async kill(signal) {
        if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
        const gone = once(child, 'exit');
        child.kill(signal);
        await gone;
        return child.exitCode;
      },
    };
  };
  return {
    file,
    env,
    start,
    async run(...args) {
      const running = start(...args);
      await once(running.child, 'close');
      return { code: running.child.exitCode, ...running.output };
    },
  };
}
