import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';

/** Another process for a test, running a file of this folder. */
export interface Child<Message> extends AsyncDisposable {
  readonly pid: number;
  /** What it has sent so far. */
  readonly messages: readonly Message[];
  /** Resolves when it has sent that many messages. Rejects where it ends before. */
  sent(count: number): Promise<void>;
  /** As the operating system ends a process: no handler runs. */
  kill(): Promise<void>;
}

/** `Message` is what the file sends; nobody else speaks on this channel. */
export function startChild<Message>(file: URL, ...args: readonly string[]): Child<Message> {
  const child: ChildProcess = fork(file, args, {
    execArgv: ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const messages: Message[] = [];
  let output = '';
  child.on('message', (message) => messages.push(message as Message));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    if (hasEnded()) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    pid: child.pid ?? 0,
    messages,
    async sent(count) {
      await vi.waitUntil(() => messages.length >= count || hasEnded(), { timeout: 30_000, interval: 5 });
      if (messages.length < count) throw new Error(`the other process ended early:\n${output}`);
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
