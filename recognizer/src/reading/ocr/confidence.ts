import { certainty, type ReadCharacter } from './recognize.ts';

/** What speaks for and against a word having been read right. */
export interface WordEvidence {
  /** Geometric mean of the probabilities of its characters, and the smallest. */
  readonly mean: number;
  readonly least: number;
  readonly length: number;
  /** Of the line it stands in. */
  readonly line: number;
  /** Whether the second reader was asked about the line, and read the same word. */
  readonly wasAsked: boolean;
  readonly isAgreed: boolean;
  /** Letters and digits mixed, or punctuation inside: more often misread. */
  readonly isMixed: boolean;
  readonly hasDigits: boolean;
  /** Punctuation at either end: what is most often lost or joined to a neighbour. */
  readonly hasMark: boolean;
  /** Small and capital letters in an order that no word has them. */
  readonly isOdd: boolean;
  /** Height of the line in pixels. */
  readonly height: number;
}

export function wordEvidence(
  characters: readonly ReadCharacter[],
  { line, second, height }: { line: number; second: string | undefined; height: number },
): WordEvidence {
  const text = characters.map((character) => character.text).join('');
  const other = second?.split(' ') ?? [];
  return {
    mean: certainty(characters),
    least: Math.min(...characters.map(({ probability }) => probability)),
    length: characters.length,
    line,
    wasAsked: second !== undefined,
    isAgreed: other.includes(text),
    isMixed: !/^(\p{L}+|[\d.,$%-]+)[.,:;]?$/u.test(text),
    hasDigits: /\d/.test(text),
    hasMark: /^[^\p{L}\p{N}$]|[^\p{L}\p{N}%]$/u.test(text),
    isOdd: /\p{Ll}\p{Lu}|\p{Lu}{2}\p{Ll}|\p{L}\d\p{L}/u.test(text),
    height,
  };
}

/**
 * Networks are surer than they should be. These weights turn the evidence into the share of such words that were right
 * (logistic regression on the words of receipts and forms that were read, see bench/reading/confidence.mjs).
 */
const weights = {
  bias: 0.635,
  mean: -0.046,
  least: 0.404,
  line: 0.006,
  length: -0.036,
  isAsked: -1.396,
  isAgreed: 1.269,
  isMixed: -0.916,
  hasDigits: -0.354,
  hasMark: -0.093,
  isOdd: -0.547,
  isShort: -0.159,
  height: 1.058,
};

export function confidenceOf(evidence: WordEvidence): number {
  const features = confidenceFeatures(evidence);
  let sum = weights.bias;
  for (const [name, value] of Object.entries(features)) sum += value * weights[name as keyof typeof features];
  return Math.round(Math.min(0.999, Math.max(0.001, 1 / (1 + Math.exp(-sum)))) * 1000) / 1000;
}

/** The evidence as numbers that a straight line suits. */
export function confidenceFeatures(evidence: WordEvidence): Omit<typeof weights, 'bias'> {
  const logit = (p: number) => Math.log(Math.max(1e-4, p) / Math.max(1e-4, 1 - p));
  return {
    mean: logit(evidence.mean),
    least: logit(evidence.least),
    line: logit(evidence.line),
    length: Math.log(evidence.length),
    isAsked: evidence.wasAsked ? 1 : 0,
    isAgreed: evidence.isAgreed ? 1 : 0,
    isMixed: evidence.isMixed ? 1 : 0,
    hasDigits: evidence.hasDigits ? 1 : 0,
    hasMark: evidence.hasMark ? 1 : 0,
    isOdd: evidence.isOdd ? 1 : 0,
    isShort: evidence.length === 1 ? 1 : 0,
    height: Math.log(Math.max(4, evidence.height) / 20),
  };
}
