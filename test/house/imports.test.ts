import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

// "`ls` is the architecture": who may know whom, as docs/architecture.md says, read from the imports themselves by the parser
// that reads the tests.

const ROOT = join(import.meta.dirname, '..', '..');

/** Packages of the project and those of them each may import. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  recognizer: [],
  server: ['contract', 'recognizer'],
  dr: ['contract'],
  gateway: ['contract'],
  console: ['contract'],
  cli: ['contract', 'recognizer', 'server', 'dr', 'gateway', 'console'],
};

/** Inside the server: folders, and files of its root by name, with what each may import. Data flows from top to bottom. */
const VOCABULARY = ['failure.ts', 'requests.ts', 'seal.ts', 'train-result.ts', 'whole-seconds.ts'];
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  http: ['operations', 'models', 'analysis', 'copy', 'ports', ...VOCABULARY],
  operations: ['models', 'analysis', 'copy', 'ports', ...VOCABULARY],
  copy: ['models', 'ports', ...VOCABULARY],
  analysis: ['models', 'ports', ...VOCABULARY],
  models: ['ports', ...VOCABULARY],
  ports: VOCABULARY,
  adapters: ['ports', ...VOCABULARY],
};
/** The only file that names an adapter. */
const COMPOSITION_ROOT = 'compose.ts';

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** Erased by the compiler: nothing is loaded. */
  readonly isType: boolean;
}

const sources = Object.keys(PACKAGES).flatMap((name) =>
  globSync(`${name}/src/**/*.ts`, { cwd: ROOT })
    .filter((file) => !/\.(test|suite|fixture)\.ts$/.test(file))
    .map((file) => file.replaceAll('\\', '/')),
);
const imports = sources.flatMap(importsOf);

function importsOf(file: string): readonly Import[] {
  const found: Import[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node as readonly unknown[]) visit(item);
    if (typeof node !== 'object' || node === null || !('type' in node)) return;
    const { source } = node as { readonly source?: { readonly value?: unknown } | null };
    if (typeof source?.value === 'string') {
      found.push({ from: file, specifier: source.value, isType: isErased(node) });
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(readFileSync(join(ROOT, file), 'utf8'), { lang: 'ts' }));
  return found;
}

function isErased(node: object): boolean {
  return (
    ('importKind' in node && node.importKind === 'type') ||
    ('exportKind' in node && node.exportKind === 'type') ||
    ('type' in node && node.type === 'TSImportType')
  );
}

/** The file a relative import leads to, from the root of the repository. */
function fileOf({ from, specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return relative(ROOT, resolve(ROOT, dirname(from), specifier)).replaceAll('\\', '/');
}

function packageOf(file: string): string {
  return file.slice(0, file.indexOf('/'));
}

/** Folder below `server/src`, or the file's own name where it lies there. */
function layerOf(file: string): string {
  return file.split('/')[2] ?? '';
}

function named({ from, specifier }: Import): string {
  return `${from} imports ${specifier}`;
}

describe('packages', () => {
  test('were all read', () => {
    expect(sources.length).toBeGreaterThan(100);
    for (const name of ['contract', 'recognizer', 'server', 'cli']) expect(sources.map(packageOf)).toContain(name);
    // An import the parser does not see would make every rule below hold.
    expect(imports).toContainEqual({
      from: 'server/src/compose.ts',
      specifier: './adapters/sqlite/open-sqlite-store.ts',
      isType: false,
    });
  });

  test('import only the packages of the project that they may know', () => {
    const wrong = imports.filter(({ from, specifier }) => {
      const name = /^@formhaven\/([^/]+)/.exec(specifier)?.[1];
      return name !== undefined && PACKAGES[packageOf(from)]?.includes(name) !== true;
    });
    expect(wrong.map(named)).toEqual([]);
  });

  test('reach into each other only through what they export', () => {
    const wrong = imports.filter((one) => {
      const file = fileOf(one);
      return file !== undefined && !file.startsWith(`${packageOf(one.from)}/src/`);
    });
    expect(wrong.map(named)).toEqual([]);
  });

  test('declare what they import', () => {
    const undeclared = imports.filter(({ from, specifier }) => {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) return false;
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      return !declaredBy(packageOf(from)).has(name);
    });
    expect(undeclared.map(named)).toEqual([]);
  });
});

describe('the server', () => {
  const inside = imports.flatMap((one) => {
    const to = fileOf(one);
    return to?.startsWith('server/src/') === true && one.from.startsWith('server/src/') ? [{ ...one, to }] : [];
  });

  test.each(Object.entries(LAYERS))('%s knows only what lies below it', (layer, below) => {
    const wrong = inside.filter(
      ({ from, to }) => layerOf(from) === layer && layerOf(to) !== layer && !below.includes(layerOf(to)),
    );
    expect(wrong.map(named)).toEqual([]);
  });

  test('names adapters only in its composition root', () => {
    const wrong = inside.filter(
      ({ from, to }) =>
        layerOf(to) === 'adapters' && layerOf(from) !== 'adapters' && layerOf(from) !== COMPOSITION_ROOT,
    );
    expect(wrong.map(named)).toEqual([]);
  });

  test('has words of its own that know no layer', () => {
    const wrong = inside.filter(
      ({ from, to }) => VOCABULARY.includes(layerOf(from)) && !VOCABULARY.includes(layerOf(to)),
    );
    expect(wrong.map(named)).toEqual([]);
  });
});

test('no file leads back to itself when it is loaded', () => {
  const graph = new Map<string, string[]>();
  for (const one of imports) {
    const to = fileOf(one);
    if (to === undefined || one.isType) continue;
    graph.set(one.from, [...(graph.get(one.from) ?? []), to]);
  }
  expect(cyclesIn(graph)).toEqual([]);
});

function declaredBy(name: string): ReadonlySet<string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, name, 'package.json'), 'utf8')) as Readonly<
    Record<'dependencies' | 'optionalDependencies' | 'peerDependencies', Readonly<Record<string, string>> | undefined>
  >;
  return new Set(
    [manifest.dependencies, manifest.optionalDependencies, manifest.peerDependencies].flatMap((list) =>
      Object.keys(list ?? {}),
    ),
  );
}

/** Each cycle once, as the path along which it was met. */
function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}
