import { boxOf } from '../box.ts';
import { lineBox, type TextLine } from '../page-text.ts';

/**
 * Share of the layer's words that are seen where the layer has them. 1 where the layer says nothing that could be
 * checked. Characters are compared as pairs (Dice, "Measures of the amount of ecologic association", 1945), so that a
 * misread letter does not make a word foreign.
 */
export function agreement(layer: readonly TextLine[], seen: readonly TextLine[]): number {
  const lines = seen.map((line) => ({ box: lineBox(line), text: line.words.map((word) => word.text).join('') }));
  let checked = 0;
  let found = 0;
  for (const { words } of layer) {
    for (const word of words) {
      const letters = word.text.replace(/[^\p{L}\p{N}]/gu, '');
      if (letters.length < 3) continue;
      checked++;
      const box = boxOf(word.polygon);
      const cx = (box.x0 + box.x1) / 2;
      const cy = (box.y0 + box.y1) / 2;
      const reach = box.y1 - box.y0;
      const here = lines.filter(
        (line) =>
          cx >= line.box.x0 - reach &&
          cx <= line.box.x1 + reach &&
          cy >= line.box.y0 - reach &&
          cy <= line.box.y1 + reach,
      );
      if (here.some((line) => sharedPairs(letters, line.text) >= 0.5)) found++;
    }
  }
  return checked === 0 ? 1 : found / checked;
}

/** Share of the pairs of letters of a word that also stand in the text. */
function sharedPairs(word: string, text: string): number {
  const small = word.toLowerCase();
  const all = text.toLowerCase();
  let shared = 0;
  for (let i = 0; i + 1 < small.length; i++) if (all.includes(small.slice(i, i + 2))) shared++;
  return shared / (small.length - 1);
}
