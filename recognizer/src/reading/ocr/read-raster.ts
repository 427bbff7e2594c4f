import type { Polygon } from '../../document.ts';
import type { QuarterTurns } from '../box.ts';
import type { Deadline } from '../deadline.ts';
import { type Raster, turnRaster } from '../image/raster.ts';
import type { TextLine } from '../page-text.ts';
import { confidenceOf, type WordEvidence, wordEvidence } from './confidence.ts';
import { cropRotated } from './crop.ts';
import { detectText, type TextBox } from './detect.ts';
import type { OcrModels } from './models.ts';
import { certainty, cropHeight, type LineReader, type ReadCharacter, recognizeLine } from './recognize.ts';
import { polygonOfPart, type RotatedBox } from './rotated-box.ts';
import { type LineWord, splitWords } from './split-words.ts';
import { readWithTesseract, type TesseractWord } from './tesseract.ts';

/** Under this the second reader is asked too, and the surer of the two is believed. */
const unsure = 0.9;
/** Lines nobody is sure of are ornaments, noise and handwriting beyond reading. */
const leastCertainty = 0.5;
/** Lines with less than this may be of a script the readers do not know. */
const doubtfulLine = 0.93;
const doubtfulCharacter = 0.8;
/** Share of the detector's box above and below the letters. */
const margin = 0.13;
/** Distance of letters the readers are good at, in pixels of the crop; and how narrow they may be, and the squeeze. */
const bestAdvance = 18;
const narrowest = 15;
const mostSqueezed = 0.66;
const widestCrop = cropHeight * 60;

/** Finds and reads all text of a picture, whichever way it lies. `angle` is in degrees, clockwise, in (-180, 180]. */
export async function readRaster(
  raster: Raster,
  models: OcrModels,
  deadline: Deadline,
  /** Told of every word in turn; for fitting the confidences. */
  onEvidence: (evidence: WordEvidence) => void = () => {},
): Promise<{ lines: TextLine[]; angle: number }> {
  const { turns, picture, boxes, angle } = await uprightText(raster, models, deadline);
  const read: ReadLine[] = [];
  const advances: number[] = [];
  for (const box of boxes) {
    deadline.check();
    const line = await readBox(picture, box, { models, squeeze: squeezeFor(advances) });
    read.push(line);
    if (line.advance > 0) advances.push(line.advance);
  }
  const foreign = await foreignWords(read, { models, deadline });
  const back = pointsBack(turns, picture);
  const lines: TextLine[] = [];
  for (const line of read) {
    const { box, turned, crop } = line;
    const words = foreign.get(line) ?? (line.sure < leastCertainty ? [] : sureWords(line, onEvidence));
    if (words.length === 0) continue;
    const top = box.height * margin;
    const bottom = box.height * (1 - margin);
    const scale = box.width / crop.width;
    const polygon = (from: number, to: number) =>
      back(polygonOfPart(box, { from: from * scale, to: to * scale, top, bottom }));
    lines.push({
      words: words.map(({ text, from, to, confidence }) => ({ text, polygon: polygon(from, to), confidence })),
      polygon: polygon(words[0]?.from ?? 0, words.at(-1)?.to ?? crop.width),
      turns: addTurns(turned, inverse(turns)),
    });
  }
  const degrees = (angle * 180) / Math.PI + 90 * inverse(turns);
  return { lines, angle: degrees > 180 ? degrees - 360 : degrees };
}

function sureWords(line: ReadLine, onEvidence: (evidence: WordEvidence) => void): TesseractWord[] {
  return line.words.map(({ text, from, to, characters }) => {
    const evidence = wordEvidence(characters, { line: line.sure, second: line.second, height: line.box.height });
    onEvidence(evidence);
    return { text, from, to, confidence: confidenceOf(evidence) };
  });
}

/**
 * Lines in a script the networks do not know, read by tesseract where it is set up. Those it finds none of in keep
 * what the networks read: they are better at Latin letters and figures.
 */
async function foreignWords(
  read: readonly ReadLine[],
  { models, deadline }: { models: OcrModels; deadline: Deadline },
): Promise<Map<ReadLine, TesseractWord[]>> {
  const found = new Map<ReadLine, TesseractWord[]>();
  if (!models.tesseract) return found;
  const doubtful = read.filter(({ sure, least }) => sure < doubtfulLine || least < doubtfulCharacter);
  const answers = await readWithTesseract(
    doubtful.map(({ crop }) => crop),
    models.tesseract,
    deadline,
  );
  doubtful.forEach((line, i) => {
    const words = answers[i] ?? [];
    if (words.some(({ text }) => /(?!\p{Script=Latin})\p{L}/u.test(text))) found.set(line, words);
  });
  return found;
}

/** Turns the picture until its lines are level and stand on their feet. */
async function uprightText(
  raster: Raster,
  models: OcrModels,
  deadline: Deadline,
): Promise<{ turns: QuarterTurns; picture: Raster; boxes: TextBox[]; angle: number }> {
  let turns: QuarterTurns = 0;
  let picture = raster;
  let found = await detectText(picture, models.detector);
  deadline.check();
  if (isSideways(found.boxes)) {
    turns = 1;
    picture = turnRaster(raster, turns);
    found = await detectText(picture, models.detector);
    deadline.check();
  }
  if (await isUpsideDown(picture, found.boxes, models)) {
    turns = turns === 0 ? 2 : 3;
    picture = turnRaster(raster, turns);
    found = await detectText(picture, models.detector);
    deadline.check();
  }
  return { turns, picture, ...found };
}

function isSideways(boxes: readonly TextBox[]): boolean {
  let level = 0;
  let upright = 0;
  for (const { width, height } of boxes) {
    if (width > 1.5 * height) level += width;
    else if (height > 1.5 * width) upright += height;
  }
  return upright > level;
}

/**
 * Asks a small network about the longest lines; since it errs on single ones, what most of them say is checked by
 * reading a few both ways.
 */
async function isUpsideDown(picture: Raster, boxes: readonly TextBox[], models: OcrModels): Promise<boolean> {
  const asked = boxes
    .filter(({ width, height }) => width > 2 * height)
    .toSorted((a, b) => b.width / b.height - a.width / a.height)
    .slice(0, 12);
  let turned = 0;
  for (const box of asked) {
    const width = 192;
    // The network looks at the first four heights of a line.
    const head = { ...box, ...startOf(box, (width / cropHeight) * box.height) };
    const crop = cropRotated(picture, head, { width, height: cropHeight });
    const input = new Float32Array(3 * width * cropHeight);
    for (let i = 0; i < input.length; i++) input[i] = ((crop.data[i % crop.data.length] ?? 0) / 255 - 0.5) / 0.5;
    const { data } = await models.upsideDown.run(input, [1, 3, cropHeight, width]);
    if ((data[1] ?? 0) > (data[0] ?? 0)) turned++;
  }
  if (asked.length === 0 || turned * 2 < asked.length) return false;
  let upright = 0;
  let inverted = 0;
  for (const box of asked.slice(0, 4)) {
    upright += certainty((await readCrop(picture, box, models.reader)).characters);
    inverted += certainty((await readCrop(picture, { ...box, angle: box.angle + Math.PI }, models.reader)).characters);
  }
  return inverted > upright;
}

function startOf(box: RotatedBox, length: number): RotatedBox {
  if (length >= box.width) return box;
  const shift = (box.width - length) / 2;
  return {
    ...box,
    cx: box.cx - shift * Math.cos(box.angle),
    cy: box.cy - shift * Math.sin(box.angle),
    width: length,
  };
}

interface Reading {
  readonly box: RotatedBox;
  readonly characters: readonly ReadCharacter[];
  readonly crop: Raster;
}

async function readCrop(picture: Raster, box: RotatedBox, reader: LineReader, squeeze = 1): Promise<Reading> {
  const crop = cropOf(picture, box, squeeze);
  return { box, crop, characters: await recognizeLine(crop, reader) };
}

function cropOf(picture: Raster, box: RotatedBox, squeeze = 1): Raster {
  const natural = Math.round((squeeze * cropHeight * box.width) / box.height / 8) * 8;
  return cropRotated(picture, box, { width: Math.min(widestCrop, Math.max(16, natural)), height: cropHeight });
}

interface ReadLine {
  readonly box: RotatedBox;
  readonly words: readonly LineWord[];
  readonly crop: Raster;
  readonly turned: QuarterTurns;
  readonly sure: number;
  /** Probability of the least sure character. */
  readonly least: number;
  /** What the reader that was not believed read, where two were asked. */
  readonly second: string | undefined;
  /** Distance of its letters before squeezing, 0 where it is not known. */
  readonly advance: number;
}

async function readBox(
  picture: Raster,
  box: TextBox,
  { models, squeeze: wanted }: { models: OcrModels; squeeze: number },
): Promise<ReadLine> {
  const isTall = box.height > 1.8 * box.width;
  let squeeze = isTall ? 1 : wanted;
  let best = await readCrop(picture, box, models.reader, squeeze);
  if (squeeze < 1 && advanceOf(best.characters) < narrowest) {
    // A line of narrower letters than the rest.
    squeeze = 1;
    best = await readCrop(picture, box, models.reader);
  }
  let sure = certainty(best.characters);
  let turned: QuarterTurns = 0;
  let second: string | undefined;
  if (isTall) {
    // Perhaps a line along the side of the page: read it downwards and upwards.
    const swapped = { ...box, width: box.height, height: box.width };
    for (const way of [1, 3] as const) {
      const other = await readCrop(picture, { ...swapped, angle: box.angle + (way * Math.PI) / 2 }, models.reader);
      const otherSure = certainty(other.characters);
      if (other.characters.length > best.characters.length && otherSure > sure * (turned === 0 ? 0.9 : 1)) {
        best = other;
        sure = otherSure;
        turned = way;
      }
    }
  }
  if (sure < unsure && models.secondReader) {
    // At its own width, if it was squeezed before.
    const other = squeeze < 1 ? cropOf(picture, best.box) : best.crop;
    const again = { ...best, crop: other, characters: await recognizeLine(other, models.secondReader) };
    const otherSure = certainty(again.characters);
    const isBetter = otherSure > sure;
    second = spelled(isBetter ? best : again);
    if (isBetter) {
      best = again;
      sure = otherSure;
      squeeze = 1;
    }
  }
  return {
    box: best.box,
    words: splitWords(best.characters, best.crop),
    crop: best.crop,
    turned,
    sure,
    least: Math.min(1, ...best.characters.map(({ probability }) => probability)),
    second,
    advance: turned === 0 && best.characters.length > 3 ? advanceOf(best.characters) / squeeze : 0,
  };
}

/** Mean distance of letters that follow each other without a space, in pixels of the crop; 0 where there are none. */
function advanceOf(characters: readonly ReadCharacter[]): number {
  let sum = 0;
  let count = 0;
  characters.forEach((b, i) => {
    const a = characters[i - 1];
    if (!a || a.text === ' ' || b.text === ' ') return;
    sum += (b.from + b.to - a.from - a.to) / 2;
    count++;
  });
  return count > 0 ? sum / count : 0;
}

/**
 * Wide letters are read as well when the line is squeezed, and in less time. How wide they are is known from the lines
 * of the page read before.
 */
function squeezeFor(advances: readonly number[]): number {
  if (advances.length < 3) return 1;
  const sorted = advances.toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1] ?? 0;
  return Math.min(1, Math.max(mostSqueezed, bestAdvance / Math.max(1, middle)));
}

function spelled({ characters, crop }: Reading): string {
  return splitWords(characters, crop)
    .map((word) => word.text)
    .join(' ');
}

/** From the turned picture to the one that was given. */
function pointsBack(turns: QuarterTurns, { width, height }: Raster): (polygon: Polygon) => Polygon {
  const point = (x: number, y: number): [number, number] => {
    switch (turns) {
      case 0:
        return [x, y];
      case 1:
        return [y, width - x];
      case 2:
        return [width - x, height - y];
      case 3:
        return [height - y, x];
    }
  };
  return ([ax, ay, bx, by, cx, cy, dx, dy]) => [...point(ax, ay), ...point(bx, by), ...point(cx, cy), ...point(dx, dy)];
}

function inverse(turns: QuarterTurns): QuarterTurns {
  return turns === 1 ? 3 : turns === 3 ? 1 : turns;
}

function addTurns(a: QuarterTurns, b: QuarterTurns): QuarterTurns {
  const sum = (a + b) % 4;
  return sum === 1 ? 1 : sum === 2 ? 2 : sum === 3 ? 3 : 0;
}
