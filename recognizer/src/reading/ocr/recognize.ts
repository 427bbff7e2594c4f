import type { Raster } from '../image/raster.ts';
import type { Network } from './runtime.ts';

/** A network that reads lines, and the characters its classes stand for. */
export interface LineReader {
  readonly network: Network;
  /** Without the blank, which is class 0. */
  readonly keys: readonly string[];
}

/** A character with its probability and where along the line it was seen, in pixels of the crop. */
export interface ReadCharacter {
  readonly text: string;
  readonly probability: number;
  readonly from: number;
  readonly to: number;
}

/** Height the networks are trained for, and the pixels one of their steps covers. */
export const cropHeight = 48;
const pixelsPerStep = 8;

/**
 * Reads a straightened line: the most probable class of each step, repetitions joined, blanks dropped (Graves et al.,
 * "Connectionist temporal classification", 2006).
 */
export async function recognizeLine(crop: Raster, { network, keys }: LineReader): Promise<ReadCharacter[]> {
  const { width, height } = crop;
  const { data, shape } = await network.run(normalized(crop), [1, 3, height, width]);
  const steps = shape[1] ?? 0;
  const classes = shape[2] ?? 0;
  const perStep = steps > 0 ? width / steps : pixelsPerStep;
  const characters: ReadCharacter[] = [];
  let last = 0;
  let open: { text: string; probability: number; from: number; to: number } | undefined;
  for (let step = 0; step < steps; step++) {
    let best = 0;
    let most = -Infinity;
    for (let k = 0, at = step * classes; k < classes; k++, at++) {
      const value = data[at] ?? 0;
      if (value > most) {
        most = value;
        best = k;
      }
    }
    if (best !== 0 && best === last && open) {
      open.to = (step + 1) * perStep;
      open.probability = Math.max(open.probability, most);
    } else {
      if (open) characters.push(open);
      open =
        best === 0
          ? undefined
          : { text: keys[best - 1] ?? '', probability: most, from: step * perStep, to: (step + 1) * perStep };
    }
    last = best;
  }
  if (open) characters.push(open);
  return characters.filter(({ text }) => text !== '');
}

/** From -1 to 1, the same in all three channels. */
function normalized({ data }: Raster): Float32Array {
  const size = data.length;
  const out = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) out[i] = ((data[i] ?? 0) / 255 - 0.5) / 0.5;
  out.copyWithin(size, 0, size);
  out.copyWithin(2 * size, 0, size);
  return out;
}

/** How sure a reading is: the geometric mean of its characters' probabilities. */
export function certainty(characters: readonly ReadCharacter[]): number {
  if (characters.length === 0) return 0;
  const sum = characters.reduce((total, { probability }) => total + Math.log(Math.max(1e-6, probability)), 0);
  return Math.exp(sum / characters.length);
}
