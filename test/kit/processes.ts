import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { TestRegion } from './regions.ts';
import { pollUntil } from './work.ts';

// The processes of regions, as the operating system sees them.

/** Direct children that are running; a zombie is not. */
export function childrenOf(pid: number): readonly number[] {
  return process.platform === 'linux' ? childrenInProc(pid) : childrenByPs(pid);
}

/** The process and everything below it. */
export function treeOf(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || statOf(pid) !== undefined;
}

/** The region's worker; waits for one where the last has just died. */
export async function workerOf(region: TestRegion): Promise<number> {
  const [worker] = await pollUntil(
    async () => childrenOf(pidOf(region)),
    (children) => children.length > 0,
  );
  if (worker === undefined) throw new Error(`region ${region.name} has no worker`);
  return worker;
}

/** SIGKILL to the API process and its worker at one blow, as when the machine is lost. */
export async function killWhole(region: TestRegion): Promise<void> {
  const { child } = region;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  for (const pid of treeOf(pidOf(region))) killIfAlive(pid);
  await gone;
}

export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already, which is what was wanted.
  }
}

function pidOf(region: TestRegion): number {
  const { pid } = region.child;
  if (pid === undefined) throw new Error(`region ${region.name} has no process`);
  return pid;
}

function childrenInProc(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate)?.parent === pid);
}

/** Undefined for a process that is gone or a zombie. */
function statOf(pid: number): { readonly parent: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // proc(5): pid (name) state ppid …; the name may hold anything.
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : { parent: Number(parent) };
}

function childrenByPs(pid: number): readonly number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state]) => Number(parent) === pid && state?.startsWith('Z') === false)
    .map(([child]) => Number(child));
}
