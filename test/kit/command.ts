import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

// The `formhaven` command as a process, as people run it.

const BIN = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'formhaven.js');

export interface Command {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves with what it has printed once `isEnough` says so; rejects when the command ends before. */
  printed(isEnough: (stdout: string) => boolean): Promise<string>;
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `settings` are environment variables; those of the caller that are about Formhaven are left out. */
export function startCommand(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Command {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FORMHAVEN_')));
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...inherited, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid, stdout: out, stderr: err } = child;
  if (pid === undefined || out === null || err === null) throw new Error('the command could not be started');
  let stdout = '';
  let stderr = '';
  out.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  err.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return {
    child,
    pid,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    printed(isEnough) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (!isEnough(stdout)) return;
          out.off('data', look);
          resolve(stdout);
        };
        out.on('data', look);
        look();
        void ended.then(() => reject(new Error(`the command ended before it printed that:\n${stdout}\n${stderr}`)));
      });
    },
  };
}

export function runCommand(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return startCommand(args, settings).ended;
}
