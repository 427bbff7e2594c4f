import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeTrainingSources, sourceError } from '../../ports/sources.suite.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { OutboundTrainingSources } from './outbound-training-sources.ts';

const ALL = { prefix: '', includeSubFolders: true };
const never = new AbortController().signal;

describeTrainingSources('A local folder', async (files) => {
  const folder = await freshFolder();
  await write(join(folder.path, 'root'), files);
  await write(folder.path, { 'outside.pdf': 'outside' });
  return {
    sources: allowing(join(folder.path, 'root')),
    source: join(folder.path, 'root'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

describe('A local folder', () => {
  test('is named by its path or its file: URL', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'forms one/a.pdf': 'a' });
    const path = join(folder.path, 'forms one');
    for (const source of [
      path,
      `${path}/`,
      pathToFileURL(path).href,
      pathToFileURL(path).href.replace('file', 'FILE'),
    ]) {
      const files = await allowing(folder.path).list(source, ALL, never);
      expect(files.map(({ name }) => name)).toEqual(['a.pdf']);
    }
  });

  test('is refused outside the allowed roots, in the same words whether it exists or not', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'root/a.pdf': 'a', 'root-too/a.pdf': 'a', 'secret/a.pdf': 'a' });
    const root = join(folder.path, 'root');
    const messages = new Set<string>();
    for (const source of [
      folder.path,
      join(folder.path, 'secret'),
      join(folder.path, 'root-too'),
      join(folder.path, 'absent'),
      `${root}/../secret`,
      `${pathToFileURL(root).href}/%2e%2e/secret`,
      '/',
      '/etc',
    ]) {
      const error = await sourceError(allowing(root).list(source, ALL, never));
      expect(error.code).toBe('notAllowed');
      messages.add(error.message);
    }
    expect(messages.size).toBe(1);
    expect((await sourceError(allowing().list(root, ALL, never))).code).toBe('notAllowed');
  });

  test('is refused where it is absent or a file', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'a.pdf': 'a' });
    for (const name of ['absent', 'absent/below', 'a.pdf']) {
      const listed = allowing(folder.path).list(join(folder.path, name), ALL, never);
      expect((await sourceError(listed)).code).toBe('refused');
    }
  });

  test.each(['file://elsewhere/forms', '/forms\0', 'file:///forms%2fa', 'file:'])(
    'is malformed as %j',
    async (source) => {
      expect((await sourceError(allowing('/forms').list(source, ALL, never))).code).toMatch(/^(malformed|notAllowed)$/);
    },
  );

  test('may be a link, and hold links, that stay under the roots', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'root/forms/a.pdf': 'a', 'root/shared/b.pdf': 'b', 'root/shared/sub/c.pdf': 'c' });
    const root = join(folder.path, 'root');
    await symlink(join(root, 'forms'), join(root, 'current'));
    await symlink('../shared/b.pdf', join(root, 'forms/b.pdf'));
    await symlink('../shared/sub', join(root, 'forms/sub'));
    const files = await allowing(root).list(join(root, 'current'), ALL, never);
    expect(files.map(({ name }) => name)).toEqual(['a.pdf', 'b.pdf', 'sub/c.pdf']);
    expect(Buffer.from((await files[1]?.read(10)) ?? []).toString()).toBe('b');
  });

  test('hides links that lead out, dangle or go round in circles', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'root/a.pdf': 'a', 'secret/b.pdf': 'b' });
    const root = join(folder.path, 'root');
    await symlink(join(folder.path, 'secret/b.pdf'), join(root, 'out.pdf'));
    await symlink(join(folder.path, 'secret'), join(root, 'outside'));
    await symlink('nowhere', join(root, 'dangling.pdf'));
    await symlink('.', join(root, 'circle'));
    const sources = allowing(root);
    expect((await sources.list(root, ALL, never)).map(({ name }) => name)).toEqual(['a.pdf']);
    expect(await sources.list(root, { prefix: 'outside/', includeSubFolders: true }, never)).toEqual([]);
    expect((await sourceError(sources.list(join(root, 'outside'), ALL, never))).code).toBe('notAllowed');
  });

  test('refuses a file that became a link out of it after it was listed', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'root/a.pdf': 'a', 'secret.pdf': 'b' });
    const root = join(folder.path, 'root');
    const [file] = await allowing(root).list(root, ALL, never);
    await rm(join(root, 'a.pdf'));
    await symlink(join(folder.path, 'secret.pdf'), join(root, 'a.pdf'));
    expect((await sourceError(file?.read(10) ?? Promise.resolve())).code).toBe('notAllowed');
    await rm(join(root, 'a.pdf'));
    expect((await sourceError(file?.read(10) ?? Promise.resolve())).code).toBe('refused');
  });

  test('may lie under a root that is a link itself', async () => {
    await using folder = await freshFolder();
    await write(folder.path, { 'volume/forms/a.pdf': 'a' });
    await symlink(join(folder.path, 'volume'), join(folder.path, 'root'));
    const root = join(folder.path, 'root');
    expect(await allowing(root).list(join(root, 'forms'), ALL, never)).toHaveLength(1);
    expect((await sourceError(allowing(root).list(join(root, 'absent'), ALL, never))).code).toBe('refused');
    await rename(join(folder.path, 'volume'), join(folder.path, 'gone'));
    expect((await sourceError(allowing(root).list(join(root, 'forms'), ALL, never))).code).toBe('refused');
  });
});

function allowing(...trainingRoots: readonly string[]): OutboundTrainingSources {
  return new OutboundTrainingSources({ allowPrivateAddresses: false, allowedHosts: undefined, trainingRoots });
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}
