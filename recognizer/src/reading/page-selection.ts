/** Ranges of pages from 1, both ends included, as a parsed `pages=1-3,5`. An open end reaches to the last page. */
export type PageSelection = readonly { readonly first: number; readonly last?: number }[];

export function isSelected(page: number, selection: PageSelection | undefined): boolean {
  if (selection === undefined || selection.length === 0) return true;
  return selection.some(({ first, last }) => page >= first && (last === undefined || page <= last));
}

/** The pages to read of a document with `count` pages, at most `most` of them. */
export function selectedPages(
  count: number,
  { selection, most }: { selection: PageSelection | undefined; most: number },
): number[] {
  const pages: number[] = [];
  for (let page = 1; page <= count && pages.length < most; page++) if (isSelected(page, selection)) pages.push(page);
  return pages;
}
