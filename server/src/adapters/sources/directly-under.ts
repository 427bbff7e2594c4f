/**
 * Whether a name lies directly under a prefix rather than in a folder below it. A prefix is a string, not a folder: `a/b` has
 * `a/bc.pdf` directly under it.
 */
export function isDirectlyUnder(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && !name.includes('/', prefix.length);
}

/**
 * A prefix that is the name of a folder without its slash has nothing directly under it, though whoever wrote it means the
 * folder: then the folder is looked into. Undefined where the prefix cannot be meant so.
 */
export function asFolder(prefix: string): string | undefined {
  return prefix === '' || prefix.endsWith('/') ? undefined : `${prefix}/`;
}

/** By the code units of their names, in every place and language alike. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
