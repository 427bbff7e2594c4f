import type { CanaryFindings } from '../sides/side.ts';

/** The first field that differs, by document and path, without its value: documents are nobody's business in a log. */
export function findingsDifference(a: readonly CanaryFindings[], b: readonly CanaryFindings[]): string | undefined {
  if (a.length !== b.length) return `${a.length} canaries on one side, ${b.length} on the other`;
  for (const [index, { name, found }] of a.entries()) {
    const other = b[index];
    if (other?.name !== name) return `canary ${name} on one side only`;
    for (const path of new Set([...Object.keys(found), ...Object.keys(other.found)])) {
      if ((found[path] ?? null) !== (other.found[path] ?? null)) return `${path} differs on ${name}`;
    }
  }
  return undefined;
}
