import type { Found } from './extract.ts';
import type { Slot } from './form.ts';
import type { PageWord } from './pageModel.ts';
import { rounded } from './similarity.ts';
import { readWords } from './span.ts';
import type { PageView } from './view.ts';

interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

/**
 * The value of a field whose place was drawn by hand: what is not printed on the form within the box of the most similar
 * sample, laid on this page. The confidence is how well the boxes of all samples agree.
 */
export function findRegion(views: readonly PageView[], slot: Slot): Found | undefined {
  let best: { page: number; view: PageView; weight: number; box: Box } | undefined;
  const boxes: { page: number; box: Box; weight: number }[] = [];
  for (const [page, view] of views.entries()) {
    for (const link of view.links) {
      for (const region of slot.regions) {
        if (region.page !== link.index) continue;
        const [x0, y0, x1, y1] = region.box;
        const { map } = link.alignment;
        const [left, top] = map(x0 / 10, y0 / 10);
        const [right, bottom] = map(x1 / 10, y1 / 10);
        const box = { x0: left, y0: top, x1: Math.max(right, left + 1), y1: Math.max(bottom, top + 1) };
        const weight = link.weight * link.fit;
        boxes.push({ page, box, weight });
        if (!best || weight > best.weight) best = { page, view, weight, box };
      }
    }
  }
  if (!best) return undefined;
  const { view, box, page, weight } = best;
  const inside = view.page.words.flatMap((word, i) =>
    (view.printed[i] ?? 0) < view.threshold && isInside(word, box) ? [i] : [],
  );
  if (inside.length === 0) return undefined;
  const onPage = boxes.filter((other) => other.page === page);
  const agreement = onPage.reduce((sum, other) => sum + other.weight * overlap(other.box, box), 0);
  const all = onPage.reduce((sum, other) => sum + other.weight, 0);
  return { page, ...readWords(view.page, inside), confidence: rounded((0.4 + 0.55 * (agreement / all)) * weight) };
}

function isInside(word: PageWord, box: Box): boolean {
  const [x, y] = [(word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2];
  return x > box.x0 && x < box.x1 && y > box.y0 && y < box.y1;
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0);
  const height = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0);
  if (width <= 0 || height <= 0) return 0;
  const size = (box: Box) => (box.x1 - box.x0) * (box.y1 - box.y0);
  return (width * height) / (size(a) + size(b) - width * height);
}
