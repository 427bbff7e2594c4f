import { area, type Box, intersectionArea } from '../box.ts';
import type { PdfContent } from './content.ts';
import { type PdfGeometry, pointsPerInch } from './geometry.ts';
import type { PdfWord } from './words.ts';

/**
 * Where the text of a page is taken from.
 *
 * - `layer`: the text layer says what is visible.
 * - `picture`: there is no layer, or one that is not to be believed; the page is read as a picture.
 * - `compare`: a picture fills the page and visible text lies over it; both are read and compared.
 * - `both`: the layer, and the pictures among it.
 */
export type TextSource =
  | { readonly kind: 'layer'; readonly words: readonly PdfWord[] }
  | { readonly kind: 'picture'; readonly dpi: number }
  | { readonly kind: 'compare'; readonly words: readonly PdfWord[]; readonly dpi: number }
  | { readonly kind: 'both'; readonly words: readonly PdfWord[]; readonly regions: readonly Box[] };

/** A picture over more of the page than this is a scan, or the ground the text is printed on. */
const fillsPage = 0.6;
/** Pictures smaller than this share of the page are ornaments: a logo's letters are seldom worth the time. */
const worthReading = 0.02;
/** A layer with more characters nobody can map than this was made by a font without a key. */
const mostUnmapped = 0.3;
const mostRegions = 6;
const ocrDpi = 200;

export function textSource(words: readonly PdfWord[], content: PdfContent, geometry: PdfGeometry): TextSource {
  const page: Box = { x0: 0, y0: 0, x1: geometry.exactWidth, y1: geometry.exactHeight };
  const visible = words.filter((word) => !word.isInvisible);
  const share = (box: Box) => intersectionArea(box, page) / area(page);
  const filling = content.images.filter(({ box }) => share(box) >= fillsPage);
  // Scanners cut a page into strips; together they fill it too.
  const covered = content.images.reduce((sum, { box }) => sum + share(box), 0);
  const isFilled = filling.length > 0 || covered >= 0.9;
  const native = Math.max(0, ...(filling.length > 0 ? filling : content.images).map(({ dpi }) => dpi));
  const dpi = isFilled && native > 0 ? Math.min(300, Math.max(150, native)) : ocrDpi;
  if (visible.length === 0) {
    const hasSomething = content.images.length > 0 || content.paths > 0 || words.length > 0;
    return hasSomething ? { kind: 'picture', dpi } : { kind: 'layer', words: [] };
  }
  if (unreadableShare(visible) > mostUnmapped) return { kind: 'picture', dpi };
  if (isFilled) return { kind: 'compare', words: visible, dpi };
  const regions = content.images
    .filter(({ box, dpi: own }) => share(box) >= worthReading && isLargeEnough(box, own))
    .map(({ box }) => clip(box, page))
    .filter((box) => !visible.some((word) => intersectionArea(word.box, box) > 0.5 * area(word.box)))
    .toSorted((a, b) => area(b) - area(a))
    .slice(0, mostRegions);
  return regions.length > 0 ? { kind: 'both', words: visible, regions } : { kind: 'layer', words: visible };
}

/** Characters without a meaning: not mapped by the font, of the private use area, or the replacement character. */
function unreadableShare(words: readonly PdfWord[]): number {
  let bad = 0;
  let all = 0;
  for (const { text, unmapped } of words) {
    const characters = [...text];
    all += characters.length;
    bad += Math.max(unmapped, characters.filter((c) => /[\p{Co}\p{Cn}\p{Cc}\ufffd]/u.test(c)).length);
  }
  return all > 0 ? bad / all : 0;
}

function isLargeEnough(box: Box, dpi: number): boolean {
  const pixels = (Math.min(box.x1 - box.x0, box.y1 - box.y0) / pointsPerInch) * dpi;
  return pixels >= 30;
}

function clip(box: Box, page: Box): Box {
  return {
    x0: Math.max(box.x0, page.x0),
    y0: Math.max(box.y0, page.y0),
    x1: Math.min(box.x1, page.x1),
    y1: Math.min(box.y1, page.y1),
  };
}
