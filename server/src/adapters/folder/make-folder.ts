import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Makes a folder and those above it so that they survive a power cut. Documents lie in them: only the owner may look. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // From the deepest new one up to the one that was there before.
  const above = dirname(resolve(first));
  for (let path = resolve(folder); path !== above; path = dirname(path)) await syncFolder(path);
  await syncFolder(above);
}

/** Makes what was created, renamed or removed directly in the folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such thing: its journal orders the entries of a folder by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
