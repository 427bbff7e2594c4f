import { describe, expect, test } from 'vitest';
import { SourceError, type SourceFile, type TrainingSources } from './sources.ts';

/** A training source of its own for one test, holding the files it was asked for. */
export interface TrainingSourceUnderTest extends AsyncDisposable {
  readonly sources: TrainingSources;
  readonly source: string;
}

const FORMS = {
  'b.pdf': 'bytes of b',
  'a.pdf': 'bytes of a',
  'a.pdf.labels.json': '{}',
  'B.pdf': 'bytes of B',
  'sub/c.pdf': 'bytes of c',
  'sub/deeper/d.pdf': 'bytes of d',
  'sub/deeper/é 한글 #1.pdf': 'bytes of e',
  'subject.pdf': 'bytes of f',
  'other/c.pdf': 'bytes of g',
};

/** What every {@link TrainingSources} owes to those above it, whatever holds the files. */
export function describeTrainingSources(
  name: string,
  open: (files: Readonly<Record<string, string>>) => Promise<TrainingSourceUnderTest>,
): void {
  const list = async (
    at: TrainingSourceUnderTest,
    prefix = '',
    includeSubFolders = false,
  ): Promise<readonly SourceFile[]> =>
    at.sources.list(at.source, { prefix, includeSubFolders }, new AbortController().signal);
  const names = async (...args: Parameters<typeof list>): Promise<string[]> => {
    const files = await list(...args);
    return files.map((file) => file.name);
  };

  describe(`${name} as a training source`, () => {
    test('lists what lies directly in it, ordered by name', async () => {
      await using at = await open(FORMS);
      expect(await names(at)).toEqual(['B.pdf', 'a.pdf', 'a.pdf.labels.json', 'b.pdf', 'subject.pdf']);
    });

    test('lists everything where sub folders are included', async () => {
      await using at = await open(FORMS);
      expect(await names(at, '', true)).toEqual([
        'B.pdf',
        'a.pdf',
        'a.pdf.labels.json',
        'b.pdf',
        'other/c.pdf',
        'sub/c.pdf',
        'sub/deeper/d.pdf',
        'sub/deeper/é 한글 #1.pdf',
        'subject.pdf',
      ]);
    });

    test('names files from the top, whatever the prefix', async () => {
      await using at = await open(FORMS);
      expect(await names(at, 'sub/')).toEqual(['sub/c.pdf']);
      expect(await names(at, 'sub/', true)).toEqual(['sub/c.pdf', 'sub/deeper/d.pdf', 'sub/deeper/é 한글 #1.pdf']);
      expect(await names(at, 'sub/deeper/')).toEqual(['sub/deeper/d.pdf', 'sub/deeper/é 한글 #1.pdf']);
    });

    test('takes the prefix as the beginning of names, with regard to case', async () => {
      await using at = await open(FORMS);
      expect(await names(at, 'a')).toEqual(['a.pdf', 'a.pdf.labels.json']);
      expect(await names(at, 'sub')).toEqual(['subject.pdf']);
      expect(await names(at, 'sub', true)).toEqual([
        'sub/c.pdf',
        'sub/deeper/d.pdf',
        'sub/deeper/é 한글 #1.pdf',
        'subject.pdf',
      ]);
      expect(await names(at, 'sub/deeper/d')).toEqual(['sub/deeper/d.pdf']);
      expect(await names(at, 'SUB/')).toEqual([]);
      expect(await names(at, 'absent')).toEqual([]);
      expect(await names(at, 'absent/', true)).toEqual([]);
    });

    test('looks into a folder that is named without its slash', async () => {
      await using at = await open(FORMS);
      expect(await names(at, 'other')).toEqual(['other/c.pdf']);
      expect(await names(at, 'sub/deeper')).toEqual(['sub/deeper/d.pdf', 'sub/deeper/é 한글 #1.pdf']);
    });

    test('finds nothing outside by a prefix', async () => {
      await using at = await open(FORMS);
      for (const prefix of ['../', '..', 'sub/../', './', '/', '../../etc/']) {
        expect(await names(at, prefix, true)).toEqual([]);
        expect(await names(at, prefix)).toEqual([]);
      }
    });

    test('is empty where there is nothing', async () => {
      await using at = await open({});
      expect(await names(at, '', true)).toEqual([]);
    });

    test('reads its files', async () => {
      await using at = await open(FORMS);
      for (const file of await list(at, '', true)) {
        const bytes = await file.read(1000);
        expect(Buffer.from(bytes).toString()).toBe(FORMS[file.name as keyof typeof FORMS]);
        expect(file.size).toBe(bytes.byteLength);
      }
    });

    test('refuses a file with more bytes than wanted, and reads one with exactly as many', async () => {
      await using at = await open({ 'a.pdf': '0123456789' });
      const [file] = await list(at);
      await expect(file?.read(9)).rejects.toMatchObject({ name: 'SourceError', code: 'tooLarge' });
      expect(await file?.read(10)).toHaveLength(10);
    });

    test('stops with the reason of whoever aborts', async () => {
      await using at = await open(FORMS);
      const reason = new Error('the lease was lost');
      const aborted = AbortSignal.abort(reason);
      await expect(at.sources.list(at.source, { prefix: '', includeSubFolders: true }, aborted)).rejects.toBe(reason);

      const later = new AbortController();
      const files = await at.sources.list(at.source, { prefix: '', includeSubFolders: false }, later.signal);
      later.abort(reason);
      await expect(files[0]?.read(1000)).rejects.toBe(reason);
    });
  });
}

/** The error a source gave; fails the test where it gave none, or another kind of error. */
export async function sourceError(promise: Promise<unknown>): Promise<SourceError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SourceError);
  return error as SourceError;
}
