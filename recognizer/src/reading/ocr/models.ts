import { englishKeys, readKeys } from './keys.ts';
import type { LineReader } from './recognize.ts';
import { bundledModel, loadNetwork, type Network } from './runtime.ts';
import type { TesseractOptions } from './tesseract.ts';

/** A user's own model files (ONNX, of the PP-OCR kind: DB detection and CTC recognition), by path. */
export interface OwnModels {
  readonly detection?: string;
  readonly recognition?: string;
  /** The characters of `recognition`, one a line. Needed with it. */
  readonly keys?: string;
  /** Read lines of other scripts with the user's own tesseract. */
  readonly tesseract?: TesseractOptions;
}

export interface OcrModels {
  readonly detector: Network;
  readonly reader: LineReader;
  /** Asked about the lines the first is unsure of. */
  readonly secondReader: LineReader | undefined;
  readonly upsideDown: Network;
  readonly tesseract: TesseractOptions | undefined;
}

const loaded = new Map<string, Promise<OcrModels>>();

/** What tesseract calls the languages of other scripts. Where it or their data is not installed, nothing changes. */
const tesseractLanguages: Readonly<Record<string, string>> = { ja: 'jpn', ko: 'kor', zh: 'chi_sim' };

/** The models, loaded once in each thread. `language` (BCP 47) asks for tesseract where the networks cannot help. */
export async function ocrModels(own: OwnModels = {}, language?: string): Promise<OcrModels> {
  const models = await networks(own);
  const data = tesseractLanguages[language?.toLowerCase().split('-')[0] ?? ''];
  if (own.tesseract || own.recognition !== undefined || data === undefined) return models;
  return { ...models, tesseract: { command: 'tesseract', languages: `${data}+eng` } };
}

function networks(own: OwnModels): Promise<OcrModels> {
  const key = JSON.stringify([own.detection, own.recognition, own.keys, own.tesseract]);
  let models = loaded.get(key);
  if (!models) {
    models = load(own);
    loaded.set(key, models);
    // A failed start (a file that is not there yet) may be tried again.
    models.catch(() => loaded.delete(key));
  }
  return models;
}

async function load(own: OwnModels): Promise<OcrModels> {
  if ((own.recognition === undefined) !== (own.keys === undefined)) {
    throw new Error('ocr.recognition and ocr.keys belong together: one is set without the other');
  }
  const [detector, network, second, upsideDown] = await Promise.all([
    loadNetwork(own.detection ?? bundledModel('detect.onnx')),
    loadNetwork(own.recognition ?? bundledModel('recognize.onnx')),
    own.recognition === undefined ? loadNetwork(bundledModel('recognize-again.onnx')) : undefined,
    loadNetwork(bundledModel('upside-down.onnx')),
  ]);
  const keys = own.keys === undefined ? englishKeys : readKeys(own.keys);
  return {
    detector,
    reader: { network, keys },
    secondReader: second && { network: second, keys: englishKeys },
    upsideDown,
    tesseract: own.tesseract,
  };
}
