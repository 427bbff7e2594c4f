import { spawn } from 'node:child_process';
import type { Deadline } from '../deadline.ts';
import type { Raster } from '../image/raster.ts';
import { encodeTiff } from '../image/tiff-pages.ts';

/** Tesseract as installed by the user, for scripts the bundled networks do not know. */
export interface TesseractOptions {
  /** The command, usually `tesseract`. */
  readonly command: string;
  /** As its option `-l` takes them: `kor+eng`. */
  readonly languages: string;
}

/** A word tesseract read on a line, in pixels of the crop. */
export interface TesseractWord {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** 0 to 1. */
  readonly confidence: number;
}

/** Syllables nearer than this, in heights of the line, are of one word: it parts Hangul too often. */
const narrowGap = 0.2;
const mostOutput = 16 * 1024 * 1024;

/**
 * Reads straightened lines with one run of tesseract: they go in as the pages of one TIFF on its standard input, each
 * taken as a single line. Lines it cannot read come out empty; where it does not run at all, all do.
 */
export async function readWithTesseract(
  crops: readonly Raster[],
  { command, languages }: TesseractOptions,
  deadline: Deadline,
): Promise<TesseractWord[][]> {
  const words: TesseractWord[][] = crops.map(() => []);
  if (crops.length === 0) return words;
  const margin = 8;
  const output = await run(
    command,
    ['stdin', 'stdout', '--psm', '7', '-l', languages, 'tsv'],
    encodeTiff(crops.map((crop) => withMargin(crop, margin))),
    deadline,
  );
  // level page block paragraph line word left top width height confidence text
  for (const row of output.split('\n')) {
    const [level, page, , , , , left, , width, , confidence, text] = row.split('\t');
    if (level !== '5' || !text?.trim()) continue;
    const line = words[Number(page) - 1];
    const crop = crops[Number(page) - 1];
    if (!line || !crop) continue;
    const word = {
      text: text.trim(),
      from: Number(left) - margin,
      to: Number(left) + Number(width) - margin,
      confidence: Math.min(0.999, Math.max(0.001, Number(confidence) / 100)),
    };
    const last = line.at(-1);
    if (last && word.from - last.to < narrowGap * crop.height) line[line.length - 1] = joined(last, word);
    else line.push(word);
  }
  return words;
}

function joined(a: TesseractWord, b: TesseractWord): TesseractWord {
  return { text: a.text + b.text, from: a.from, to: b.to, confidence: Math.min(a.confidence, b.confidence) };
}

/** Letters at the very edge are read worse. */
function withMargin({ width, height, data }: Raster, margin: number): Raster {
  const out = new Uint8Array((width + 2 * margin) * (height + 2 * margin)).fill(255);
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(y * width, (y + 1) * width), (y + margin) * (width + 2 * margin) + margin);
  }
  return { width: width + 2 * margin, height: height + 2 * margin, data: out };
}

function run(command: string, args: readonly string[], input: Uint8Array, deadline: Deadline): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, OMP_THREAD_LIMIT: '1' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const watch = setInterval(() => {
      if (deadline.isOver()) child.kill('SIGKILL');
    }, 100);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostOutput) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    // A command that is missing or ends early: the lines stay as the networks read them.
    child.stdin.on('error', () => {});
    child.on('error', () => {
      clearInterval(watch);
      resolve('');
    });
    child.on('close', () => {
      clearInterval(watch);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    child.stdin.end(input);
  });
}
