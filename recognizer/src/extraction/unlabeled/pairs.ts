import { joinedText, type PageModel } from '../pageModel.ts';
import { findBlocks } from './blocks.ts';
import { type Link, linkBlocks } from './link.ts';
import { staticWords } from './staticText.ts';
import { tableAreas } from './tableArea.ts';

export interface PagePairs {
  readonly links: readonly Link[];
  /** Texts of the headers of tables. */
  readonly headers: readonly string[];
}

/** The pairs of keys and values on a page, from the share of the form's other pages that have each word printed. */
export function pairsOn(page: PageModel, share: Float64Array): PagePairs {
  const fixed = staticWords(page, share);
  const areas = tableAreas(page, fixed);
  const inTable = new Set(areas.flatMap((area) => [...area.words]));
  const links = linkBlocks(
    page,
    findBlocks(page, fixed, (i) => inTable.has(i)),
  );
  const headers = areas.flatMap((area) => area.header.map((cell) => textOf(page, cell)));
  return { links, headers };
}

export function textOf(page: PageModel, words: readonly number[]): string {
  return joinedText(page, words);
}
