// What the characters of a text say about its kind, whatever it means: normal form, shape, class, edit distance.

/**
 * NFKD without diacritics, lower case, outer punctuation stripped; Hangul is put together again. Empty for pure punctuation.
 */
export function normalForm(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
}

/** More letters than digits. */
export function isAlphabetic(text: string): boolean {
  let letters = 0;
  for (const c of text) letters += /\p{L}/u.test(c) ? 1 : /\p{N}/u.test(c) ? -1 : 0;
  return letters > 0;
}

/** Length for "long enough to be told apart": a Hangul syllable or Han character says as much as two Latin letters. */
export function weightOfText(text: string): number {
  let weight = 0;
  for (const c of text)
    weight += /[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(c) ? 2 : 1;
  return weight;
}

/** Runs of capitals `A`, small letters `a`, letters without case `w`, digits `9`, all else as it is: `25/12/2018` is `9/9/9`. */
export function coarseShape(text: string): string {
  return shapeOf(text, () => '9');
}

/** As {@link coarseShape}, but digit runs of up to four keep their length. */
export function fineShape(text: string): string {
  return shapeOf(text, (length) => (length <= 4 ? '9'.repeat(length) : '9+'));
}

function shapeOf(text: string, digits: (length: number) => string): string {
  let shape = '';
  let last = '';
  let run = 0;
  const flush = () => {
    if (last === '9') shape += digits(run);
    run = 0;
  };
  for (const c of text) {
    const kind = kindOf(c);
    if (kind === 'A' || kind === 'a' || kind === 'w' || kind === '9') {
      if (kind === last) run++;
      else {
        flush();
        run = 1;
        if (kind !== '9') shape += kind;
      }
    } else {
      flush();
      shape += kind;
    }
    last = kind;
  }
  flush();
  return shape;
}

function kindOf(c: string): string {
  if (c >= '0' && c <= '9') return '9';
  if (c >= 'a' && c <= 'z') return 'a';
  if (c >= 'A' && c <= 'Z') return 'A';
  if (/\p{Lu}/u.test(c)) return 'A';
  if (/\p{Ll}/u.test(c)) return 'a';
  if (/\p{L}/u.test(c)) return 'w';
  if (/\p{Nd}/u.test(c)) return '9';
  return c;
}

export type TextClass = 'date' | 'decimal' | 'number' | 'code' | 'mixed' | 'text' | 'mark';

const months = /jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec/i;

export function textClass(text: string): TextClass {
  if (!/\d/.test(text)) return 'text';
  if (/^\D{0,3}\d{1,4}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,4}\b/.test(text)) return 'date';
  if (months.test(text) && /^\W*(\d{1,4}\W{0,3}\p{L}{3,9}|\p{L}{3,9}\W{0,3}\d{1,2})\W{0,3}\d{2,4}\W*$/u.test(text))
    return 'date';
  if (/^[^\d\p{L}]*(\p{L}{1,3}\.?\s*)?[-(]?\s*\d[\d,.' ]*[.,]\d{1,2}\s*[)%-]?$/u.test(text)) return 'decimal';
  if (/^[^\d\p{L}]*(\p{L}{1,3}\.?\s*)?[-(]?\s*\d[\d,.' ]*[)%-]?$/u.test(text)) return 'number';
  return /\p{L}/u.test(text) ? 'mixed' : 'code';
}

/** Shares of capitals, other letters, digits and all else among the characters that are not spaces. */
export type CharacterShares = readonly [capital: number, small: number, digit: number, other: number];

export function characterShares(text: string): CharacterShares {
  let [capital, small, digit, other] = [0, 0, 0, 0];
  for (const c of text) {
    if (c === ' ') continue;
    const kind = kindOf(c);
    if (kind === 'A') capital++;
    else if (kind === 'a' || kind === 'w') small++;
    else if (kind === '9') digit++;
    else other++;
  }
  const all = Math.max(1, capital + small + digit + other);
  return [capital / all, small / all, digit / all, other / all];
}

/** Levenshtein's distance, or `limit + 1` as soon as it is known to be over `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (a === b) return 0;
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      const cost = Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
      current.push(cost);
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    previous = current;
  }
  return Math.min(previous[b.length] ?? 0, limit + 1);
}
