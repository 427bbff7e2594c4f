import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

// A gateway as a process of its own: it must outlive the regions it stands in front of.

export interface GatewayProcess {
  readonly endpoint: string;
  readonly child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const STOP_MILLISECONDS = 15_000;

/** Starts `formhaven gateway` with these settings and waits until it serves. */
export async function startGatewayProcess(settings: Readonly<Record<string, string>>): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../bin/formhaven.js', import.meta.url)), 'gateway'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // As with regions: the supervisor alone decides the order of the end.
    detached: true,
  });
  const ended = once(child, 'exit').then(() => undefined);
  const ready = new Promise<string>((resolve) => {
    child.on('message', (message: unknown) => {
      if (typeof message === 'object' && message !== null && 'endpoint' in message) resolve(String(message.endpoint));
    });
  });
  const endpoint = await Promise.race([ready, ended]);
  if (endpoint === undefined) throw new Error('the gateway did not start');
  return {
    endpoint,
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
