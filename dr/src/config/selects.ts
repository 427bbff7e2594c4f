import picomatch from 'picomatch';
import type { Filter } from './config.ts';

/** Whether a filter wants a model. Only models that are ready are ever asked about. */
export function compileFilter(
  filter: Filter,
): (model: { readonly id: string; readonly name: string | undefined }) => boolean {
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids);
  const matchesName = filter.names === undefined ? undefined : picomatch([...filter.names], { dot: true, bash: true });
  const isExcepted =
    filter.exceptNames.length === 0 ? () => false : picomatch([...filter.exceptNames], { dot: true, bash: true });
  return ({ id, name }) => {
    if (name !== undefined && isExcepted(name)) return false;
    if (ids === undefined && matchesName === undefined) return true;
    return ids?.has(id) === true || (name !== undefined && matchesName?.(name) === true);
  };
}
