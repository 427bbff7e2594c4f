import type { Line, Page } from '../../recognizer/src/document.ts';
import type { FieldDefinition, Label, Sample } from '../../recognizer/src/extraction/types.ts';
import { randomNumbers } from './disturb.ts';

/** A made-up form of about 900 words with 20 fields, filled in differently by each seed: for measuring time, not quality. */
export function denseSample(seed: number): Sample {
  const random = randomNumbers(seed);
  const form = randomNumbers(1);
  const word = (numbers: () => number) =>
    Array.from({ length: 3 + Math.floor(numbers() * 7) }, () =>
      String.fromCharCode(97 + Math.floor(numbers() * 26)),
    ).join('');
  const lines: Line[] = [];
  const labels: Label[] = [];
  for (let row = 0; row < 75; row++) {
    let x = 0.5;
    const y = 0.5 + row * 0.135;
    const words: Line['words'][number][] = [];
    const put = (text: string) => {
      const width = text.length * 0.055;
      words.push({ text, confidence: 1, polygon: [x, y, x + width, y, x + width, y + 0.1, x, y + 0.1] });
      x += width + 0.05;
    };
    for (let k = 0; k < 12; k++) {
      const isValue = row % 4 === 1 && k === 6;
      put(isValue ? String(Math.floor(random() * 1e6)) : word(form));
      const last = words.at(-1);
      if (!isValue || !last) continue;
      const box = last.polygon.map((v, i) => v / (i % 2 === 0 ? 8.5 : 11)) as unknown as Line['polygon'];
      labels.push({ label: `field ${row}`, isRegion: false, values: [{ page: 1, text: last.text, boxes: [box] }] });
    }
    lines.push({ text: words.map((w) => w.text).join(' '), polygon: [0.5, y, x, y, x, y + 0.1, 0.5, y + 0.1], words });
  }
  const page: Page = {
    number: 1,
    angle: 0,
    width: 8.5,
    height: 11,
    unit: 'inch',
    lines,
    selectionMarks: [],
    tables: [],
  };
  return { name: `dense ${seed}`, pages: [page], labels };
}

export function denseFields(sample: Sample): FieldDefinition[] {
  return sample.labels.map(({ label }) => ({ name: label, type: 'string', format: 'not-specified' }));
}
