import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const KEY_BYTES = 32;

/**
 * The key under which a region seals secrets of stored requests: `secret.key` in its folder, mode 0600, made once. Losing it
 * costs the requests that have not run yet, no model.
 */
export async function loadSecretKey(dataFolder: string): Promise<Uint8Array> {
  const file = join(dataFolder, 'secret.key');
  const existing = await readKey(file);
  if (existing !== undefined) return existing;
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
  try {
    await handle.writeFile(randomBytes(KEY_BYTES));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    // Unlike rename, link never replaces a key that another process made meanwhile.
    await link(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(temporary);
  }
  const made = await readKey(file);
  if (made === undefined) throw new Error(`${file} vanished while it was made`);
  return made;
}

async function readKey(file: string): Promise<Uint8Array | undefined> {
  try {
    const key = await readFile(file);
    if (key.byteLength !== KEY_BYTES)
      throw new Error(`${file} has ${key.byteLength} bytes instead of ${KEY_BYTES}: restore it.`);
    return key;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
