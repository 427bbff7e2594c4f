import type { Page, Polygon } from '../../recognizer/src/document.ts';

/** A seeded generator of numbers in [0, 1) (mulberry32), so that every run disturbs alike. */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A page as a poor scan: up to 8 % larger or smaller, shifted by 4 %, tilted by 0.7 degrees, boxes shaken, some characters wrong. */
export function disturbPage(page: Page, options: { readonly seed: number; readonly wrongCharacters: number }): Page {
  const random = randomNumbers(options.seed);
  const between = (limit: number) => (2 * random() - 1) * limit;
  const scale = 1 + between(0.08);
  const [shiftX, shiftY] = [between(0.04) * page.width, between(0.04) * page.height];
  const angle = (between(0.7) * Math.PI) / 180;
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const move = (polygon: Polygon): Polygon => {
    const height = Math.abs(polygon[5] - polygon[3]);
    const moved = polygon.map((_, i) => {
      const [x = 0, y = 0] = [polygon[i - (i % 2)], polygon[i - (i % 2) + 1]];
      const place = i % 2 === 0 ? cos * x - sin * y + shiftX : sin * x + cos * y + shiftY;
      return place + between(0.06) * height;
    });
    return moved as unknown as Polygon;
  };
  const spoil = (text: string) =>
    [...text].map((c) => (random() < options.wrongCharacters ? wrongCharacter(c, random) : c)).join('');
  return {
    ...page,
    lines: page.lines.map((line) => ({
      ...line,
      polygon: move(line.polygon),
      words: line.words.map((word) => ({ ...word, text: spoil(word.text), polygon: move(word.polygon) })),
    })),
    selectionMarks: page.selectionMarks.map((mark) => ({ ...mark, polygon: move(mark.polygon) })),
  };
}

const lookAlikes: Readonly<Record<string, string>> = {
  '0': 'O',
  O: '0',
  '1': 'l',
  l: '1',
  '5': 'S',
  S: '5',
  '8': 'B',
  B: '8',
};

function wrongCharacter(character: string, random: () => number): string {
  const alike = lookAlikes[character];
  if (alike !== undefined && random() < 0.5) return alike;
  const letters = /\d/.test(character) ? '0123456789' : 'abcdefghijklmnopqrstuvwxyz';
  return letters[Math.floor(random() * letters.length)] ?? character;
}
