import { readFileSync } from 'node:fs';

/** Classes of the English PP-OCR readers in their order; the space stands twice, as in their own list. */
export const englishKeys: readonly string[] = [
  ...'0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~!"#$%&\'()*+,-./',
  ' ',
  ' ',
];

/** A list of keys, one a line, as the PaddleOCR models of any language come with; the space is added as last. */
export function readKeys(file: string): string[] {
  return [...readFileSync(file, 'utf8').replace(/\r/g, '').replace(/\n$/, '').split('\n'), ' '];
}
