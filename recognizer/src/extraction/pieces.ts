import { type PageModel, rowsOf } from './pageModel.ts';
import { boundsOf } from './span.ts';

/**
 * Cuts the words of a label where the text is not continuous: a next word that is neither the right neighbour nor on the next
 * line. An address in two boxes or a number typed into combs is several pieces, each at a place of its own.
 */
export function pieces(page: PageModel, words: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const row of rowsOf(page, words)) {
    let run: number[] = [];
    for (const i of row) {
      const before = run.at(-1);
      if (before === undefined) run = [i];
      else if (page.right[before] === i && (page.gapRight[before] ?? Infinity) < 6) run.push(i);
      else {
        runs.push(run);
        run = [i];
      }
    }
    if (run.length > 0) runs.push(run);
  }
  const found: { words: number[]; lastRun: number[] }[] = [];
  for (const run of runs) {
    const box = boundsOf(page, run);
    const above = found.find((piece) => {
      const last = boundsOf(page, piece.lastRun);
      const isOnNextLine = box.y0 - last.y1 < 1.6 * page.h && box.y0 + box.y1 > last.y0 + last.y1 + page.h * 0.8;
      return isOnNextLine && box.x0 < last.x1 && box.x1 > last.x0;
    });
    if (above) {
      above.words.push(...run);
      above.lastRun = run;
    } else found.push({ words: [...run], lastRun: run });
  }
  return found.map((piece) => piece.words);
}
