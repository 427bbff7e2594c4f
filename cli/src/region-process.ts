import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// One region as a process of its own, so that it can be lost on its own.

export interface RegionProcess {
  readonly region: string;
  readonly endpoint: string;
  readonly child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Drains, closes, and waits for the end; after the patience it is killed. */
  stop(): Promise<void>;
}

// A region drains for at most 30 s by itself.
const STOP_MILLISECONDS = 40_000;

export class RegionDidNotStart extends Error {
  override readonly name = 'RegionDidNotStart';
}

/**
 * Starts `formhaven serve` with these settings and waits until it serves.
 * @throws RegionDidNotStart with what the process said
 */
export async function startRegion(
  settings: Readonly<Record<string, string>> & { readonly FORMHAVEN_REGION: string },
): Promise<RegionProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../bin/formhaven.js', import.meta.url)), 'serve'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    // Ctrl-C goes to the whole group of the terminal; the supervisor alone decides the order of the end.
    detached: true,
  });
  const said: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.push(text);
    if (said.length > 20) said.shift();
    process.stderr.write(text);
  });
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const ready = new Promise<string>((resolve) => {
    child.on('message', (message: unknown) => {
      if (
        typeof message === 'object' &&
        message !== null &&
        'endpoint' in message &&
        typeof message.endpoint === 'string'
      ) {
        resolve(message.endpoint);
      }
    });
  });
  const outcome = await Promise.race([ready, ended]);
  if (typeof outcome !== 'string') {
    throw new RegionDidNotStart(`region ${settings.FORMHAVEN_REGION} did not start.\n${said.join('').trim()}`.trim());
  }
  return {
    region: settings.FORMHAVEN_REGION,
    endpoint: outcome,
    child,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
      await ended;
      clearTimeout(timer);
    },
  };
}
