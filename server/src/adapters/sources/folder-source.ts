import { constants } from 'node:fs';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SourceError, type SourceFile } from '../../ports/sources.ts';
import { asFolder, byName, isDirectlyUnder } from './directly-under.ts';
import { readLimited, tooLarge } from './read-limited.ts';

const MAX_FILES = 100_000;

/** Whether a source names a folder of this machine rather than something to be fetched. */
export function isFolderSource(source: string): boolean {
  return isAbsolute(source) || /^file:/i.test(source);
}

/**
 * Files of a folder under one of the roots, after every symbolic link on the way was followed. Links inside it count as what they
 * point to, as long as that lies under a root too. @throws SourceError
 */
export async function listFolder(
  source: string,
  filter: { readonly prefix: string; readonly includeSubFolders: boolean },
  parts: { readonly roots: readonly string[]; readonly signal: AbortSignal },
): Promise<readonly SourceFile[]> {
  const roots = await Promise.all(parts.roots.map((root) => realpath(root).catch(() => resolve(root))));
  const folder = await openFolder(source, [...roots, ...parts.roots.map((root) => resolve(root))], roots);
  const reader: FolderReader = { folder, roots, signal: parts.signal };

  // Names below are relative to the folder and have `/` between segments, whatever the platform.
  const { prefix } = filter;
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  // No file of the folder has such a name, and a path made of one would lead elsewhere.
  if (
    start
      .split('/')
      .slice(0, -1)
      .some((segment) => segment === '' || segment === '.' || segment === '..')
  )
    return [];
  let found = await listBelow(reader, start, filter.includeSubFolders ? 'all' : 'direct', prefix);
  const asked = asFolder(prefix);
  if (found.length === 0 && !filter.includeSubFolders && asked !== undefined) {
    found = await listBelow(reader, asked, 'direct', asked);
  }
  return found.sort(byName);
}

interface FolderReader {
  readonly folder: string;
  readonly roots: readonly string[];
  readonly signal: AbortSignal;
}

/** `allowed` are the roots as written and as resolved: what lies outside is not even said to exist or not. */
async function openFolder(source: string, allowed: readonly string[], roots: readonly string[]): Promise<string> {
  const path = asPath(source);
  const real = await realpath(path).catch(() => undefined);
  const isAllowed = real === undefined ? allowed.some((root) => isInside(path, root)) : isUnderRoot(real, roots);
  if (!isAllowed) {
    throw new SourceError(
      'notAllowed',
      'The source is a local folder that lies under none of the folders training may read (FORMHAVEN_TRAINING_ROOTS).',
    );
  }
  if (real === undefined || !(await stat(real)).isDirectory()) {
    throw new SourceError('refused', 'The source is no folder, or cannot be read.');
  }
  return real;
}

function asPath(source: string): string {
  try {
    const path = /^file:/i.test(source) ? fileURLToPath(source) : source;
    if (!path.includes('\0')) return resolve(path);
  } catch {
    // Falls through: another machine's file, or an encoded slash.
  }
  throw new SourceError('malformed', 'The source is no path of a local folder.');
}

async function listBelow(
  reader: FolderReader,
  below: string,
  depth: 'direct' | 'all',
  prefix: string,
): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  // A link to a folder above itself would never end.
  const seen = new Set<string>();
  const visit = async (names: string): Promise<void> => {
    reader.signal.throwIfAborted();
    const folder = await realpath(join(reader.folder, names)).catch(() => undefined);
    if (folder === undefined || seen.has(folder) || !isUnderRoot(folder, reader.roots)) return;
    seen.add(folder);
    for (const entry of await readdir(folder).catch(() => [])) {
      const name = names + entry;
      const real = await realpath(join(folder, entry)).catch(() => undefined);
      if (real === undefined || !isUnderRoot(real, reader.roots)) continue;
      const found = await stat(real).catch(() => undefined);
      if (found?.isDirectory()) {
        if (depth === 'all' && (`${name}/`.startsWith(prefix) || prefix.startsWith(`${name}/`)))
          await visit(`${name}/`);
      } else if (found?.isFile() && (depth === 'all' ? name.startsWith(prefix) : isDirectlyUnder(name, prefix))) {
        if (files.length >= MAX_FILES) {
          throw new SourceError('tooLarge', `The folder holds more than ${MAX_FILES} files. Narrow the prefix.`);
        }
        files.push(localFile(reader, name, found.size));
      }
    }
  };
  await visit(below);
  return files;
}

function localFile(reader: FolderReader, name: string, size: number): SourceFile {
  return {
    name,
    size,
    async read(maxBytes) {
      reader.signal.throwIfAborted();
      // Resolved anew, and opened without following a link that has taken its place since.
      const real = await realpath(join(reader.folder, name)).catch(() => undefined);
      if (real !== undefined && !isUnderRoot(real, reader.roots)) {
        throw new SourceError('notAllowed', `${name} leads out of the folders training may read.`);
      }
      const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
      const handle = real === undefined ? undefined : await open(real, flags).catch(() => undefined);
      if (handle === undefined) throw new SourceError('refused', `${name} cannot be read.`);
      try {
        const found = await handle.stat();
        if (!found.isFile()) throw new SourceError('refused', `${name} is no file.`);
        if (found.size > maxBytes) throw tooLarge(name, maxBytes);
        return await readLimited(handle.createReadStream({ autoClose: false }), maxBytes, name);
      } finally {
        await handle.close();
      }
    },
  };
}

function isUnderRoot(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => isInside(path, root));
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
