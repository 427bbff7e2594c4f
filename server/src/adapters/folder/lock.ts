import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from './make-folder.ts';

/** A lock nobody refers to any more would be closed by the garbage collector, and with that given back. */
const held = new Set<DatabaseSync>();

/** Somebody else uses the folder. `message` says who. */
export class FolderLocked extends Error {
  override readonly name = 'FolderLocked';
}

/**
 * Takes a folder for this process alone, or throws {@link FolderLocked} within a second. The lock ends with the process,
 * however that ends: it is an exclusive transaction on a database `lock.db`, which is a file lock of the operating system. The
 * file `lock.txt` beside it only tells people who holds it. Neither file is ever opened otherwise in the process that holds the
 * lock: closing a second descriptor of a file drops the process's locks on it (POSIX).
 * `what` completes "… is used by".
 */
export async function acquireFolderLock(folder: string, options: { readonly what: string }): Promise<AsyncDisposable> {
  await makeFolder(folder);
  const note = join(folder, 'lock.txt');
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (!isLocked(cause)) throw cause;
    throw new FolderLocked(
      `${folder} is used by ${(await readHolder(note)) ?? 'another process'}. Stop it first, or choose another folder.`,
      { cause },
    );
  }
  held.add(database);
  await writeFile(note, `${options.what}, process ${process.pid}, since ${new Date().toISOString()}\n`, {
    mode: 0o600,
  });
  return {
    async [Symbol.asyncDispose]() {
      if (!held.delete(database)) return;
      await rm(note, { force: true });
      database.close();
    },
  };
}

/** The holder writes its note just after it has the lock; until then the note is absent or that of a process long gone. */
async function readHolder(note: string): Promise<string | undefined> {
  for (let left = 5; left > 0; left -= 1) {
    const text = await readFile(note, 'utf8').catch(() => '');
    const pid = /process (\d+)/.exec(text)?.[1];
    if (pid !== undefined && isAlive(Number(pid))) return text.trim();
    await sleep(100);
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function isLocked(error: unknown): boolean {
  // SQLITE_BUSY, and SQLITE_LOCKED for another connection of this process.
  return error instanceof Error && 'errcode' in error && [5, 6].includes(Number(error.errcode) & 0xff);
}
