import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import type { v2 } from '@formhaven/contract';
import { type OverlayField, overlay, type Page, type Polygon } from '@formhaven/recognizer';
import { createLocalRecognizer, type LocalRecognizer, parseLocalModel } from '@formhaven/server';
import Table from 'cli-table3';
import { endSignal } from '../end-signal.ts';

// `read`, `train` and `analyze`: recognition on this machine, without a server. Results go to standard output, progress to
// standard error where a person looks.

const MEGABYTE = 1024 * 1024;

/** `formhaven read FILE`: what stands in a file. */
export function readCommand(): Command<[string]> {
  return new Command('read')
    .description('read a PDF, JPEG, PNG, TIFF or BMP: text, tables and selection marks')
    .argument('<file>', 'the document')
    .option('--json', 'print the v2.1 analyzeResult')
    .option('--text', 'print the lines, page by page (default)')
    .option('--overlay <png>', 'draw what was read over the pages; further pages go to NAME-2.png and so on')
    .option('--reading-order <order>', 'basic or natural', 'basic')
    .option('--language <code>', 'hint for pictures of text, such as ko')
    .exitOverride()
    .action(async (file, options) => {
      if (options.readingOrder !== 'basic' && options.readingOrder !== 'natural') {
        throw new Error('--reading-order takes basic or natural.');
      }
      const readingOrder = options.readingOrder;
      await withRecognizer(`reading ${basename(file)}`, async (recognizer, signal) => {
        const document = await readFile(file);
        const { pages, analyzeResult } = await recognizer.read(
          document,
          { readingOrder, language: options.language },
          signal,
        );
        if (options.overlay !== undefined) await writeOverlay(options.overlay, document, pages);
        if (options.json === true) console.log(JSON.stringify(analyzeResult, undefined, 2));
        else if (options.text === true || options.overlay === undefined) console.log(textOf(pages));
      });
    });
}

/** `formhaven train FOLDER`: a model from a folder of samples. */
export function trainCommand(): Command<[string]> {
  return new Command('train')
    .description('train a model from a folder of sample forms, with the label files beside them where there are some')
    .argument(
      '<folder>',
      'folder with about five sample forms, and fields.json, *.labels.json, *.ocr.json for labelled training',
    )
    .requiredOption('--output <model>', 'file to write the model to')
    .option('--no-labels', 'train without labels even where there are label files')
    .option('--include-sub-folders', 'take the documents of folders below as well', false)
    .option('--json', 'print the training result as JSON')
    .exitOverride()
    .action(async (folder, options) => {
      await withRecognizer(`training on ${folder}`, async (recognizer, signal) => {
        const useLabelFile = options.labels && (await isLabeled(folder));
        const model = await recognizer.train(
          folder,
          { useLabelFile, includeSubFolders: options.includeSubFolders },
          signal,
        );
        const text = JSON.stringify(model);
        await writeFile(options.output, text);
        if (options.json === true) {
          console.log(JSON.stringify(model.trainResult, undefined, 2));
          return;
        }
        const { trainingDocuments, fields } = model.trainResult;
        for (const document of trainingDocuments) {
          for (const error of document.errors) console.log(`${document.name}: ${error.message}`);
        }
        if (fields !== undefined) {
          const table = plainTable(['field', 'accuracy', 'samples that disagree']);
          for (const field of fields) {
            table.push([field.name, field.accuracy?.toFixed(2) ?? 'unknown', field.disagreeing.join(', ')]);
          }
          console.log(table.toString());
          const hint = labelsToLookAt(fields);
          if (hint !== undefined) console.log(hint);
        }
        for (const [index, keys] of (model.clusters ?? []).entries()) {
          console.log(`Form type ${index}: ${keys.join(' · ')}`);
        }
        console.log(
          `${trainingDocuments.length} documents, ${(text.length / MEGABYTE).toFixed(2)} MB, written to ${options.output}`,
        );
      });
    });
}

/** `formhaven analyze MODEL FILE`: the fields of a form. */
export function analyzeCommand(): Command<[string, string]> {
  return new Command('analyze')
    .description('find the fields of a form with a model written by `formhaven train`')
    .argument('<model>', 'the model file')
    .argument('<file>', 'the form')
    .option('--json', 'print the v2.1 analyzeResult')
    .option('--overlay <png>', 'draw what was found over the pages; further pages go to NAME-2.png and so on')
    .exitOverride()
    .action(async (modelFile, file, options) => {
      await withRecognizer(`analyzing ${basename(file)}`, async (recognizer, signal) => {
        const model = parseLocalModel(await readFile(modelFile, 'utf8'));
        const document = await readFile(file);
        const { pages, analyzeResult } = await recognizer.analyze(model, basename(modelFile), document, signal);
        if (options.overlay !== undefined) {
          await writeOverlay(options.overlay, document, pages, boxesOf(analyzeResult));
        }
        console.log(options.json === true ? JSON.stringify(analyzeResult, undefined, 2) : foundTable(analyzeResult));
      });
    });
}

async function withRecognizer(
  title: string,
  run: (recognizer: LocalRecognizer, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const signal = endSignal();
  const startedAt = performance.now();
  const timer = process.stderr.isTTY
    ? setInterval(() => {
        process.stderr.write(`\r${title} … ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
      }, 1000)
    : undefined;
  try {
    await using recognizer = createLocalRecognizer();
    await run(recognizer, signal);
  } finally {
    clearInterval(timer);
    if (timer !== undefined) process.stderr.write('\r\x1b[K');
  }
}

async function isLabeled(folder: string): Promise<boolean> {
  try {
    await readFile(`${folder}/fields.json`);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Which document's labels are most likely wrong: the one that surprises the others in most fields. */
function labelsToLookAt(
  fields: readonly { readonly name: string; readonly disagreeing: readonly string[] }[],
): string | undefined {
  const byDocument = new Map<string, string[]>();
  for (const { name, disagreeing } of fields) {
    for (const document of disagreeing) byDocument.set(document, [...(byDocument.get(document) ?? []), name]);
  }
  const [worst] = [...byDocument].sort(([a, ofA], [b, ofB]) => ofB.length - ofA.length || (a < b ? -1 : 1));
  if (worst === undefined) return undefined;
  const [document, names] = worst;
  const shown = names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
  return `Look first at the labels of ${shown} in ${document}: the other samples would have found something else there.`;
}

function textOf(pages: readonly Page[]): string {
  return pages.map((page) => page.lines.map((line) => line.text).join('\n')).join('\n\n');
}

async function writeOverlay(
  file: string,
  document: Uint8Array,
  pages: readonly Page[],
  fields: readonly OverlayField[] = [],
): Promise<void> {
  const pictures = await overlay(document, pages, { fields });
  for (const [index, picture] of pictures.entries()) {
    await writeFile(index === 0 ? file : file.replace(/(\.png)?$/i, `-${index + 1}.png`), picture);
  }
}

/** Where the fields stand; of an unlabelled model the values, named after their keys. */
function boxesOf(result: v2.AnalyzeResult): OverlayField[] {
  const boxes: OverlayField[] = [];
  const add = (name: string, field: v2.FieldValue | null) => {
    if (field === null) return;
    if (field.type === 'array')
      for (const [index, item] of (field.valueArray ?? []).entries()) add(`${name}[${index}]`, item);
    else if (field.type === 'object') {
      for (const [key, item] of Object.entries(field.valueObject ?? {})) add(`${name}.${key}`, item);
    } else addBox(boxes, name, field);
  };
  for (const document of result.documentResults ?? []) {
    for (const [name, field] of Object.entries(document.fields)) add(name, field);
  }
  for (const page of result.pageResults ?? []) {
    for (const { key, value } of page.keyValuePairs ?? []) addBox(boxes, key.text, { ...value, page: page.page });
  }
  return boxes;
}

function addBox(
  boxes: OverlayField[],
  name: string,
  { page, boundingBox }: Pick<v2.FieldValue, 'page' | 'boundingBox'>,
): void {
  if (typeof page !== 'number' || boundingBox?.length !== 8) return;
  boxes.push({ name, page, polygon: boundingBox as unknown as Polygon });
}

function foundTable(result: v2.AnalyzeResult): string {
  const rows: string[][] = [];
  for (const document of result.documentResults ?? []) {
    for (const [name, field] of Object.entries(document.fields)) addField(rows, name, field);
  }
  if (rows.length > 0) {
    const table = plainTable(['field', 'text', 'value', 'confidence', 'page']);
    table.push(...rows);
    return table.toString();
  }
  const table = plainTable(['key', 'value', 'confidence', 'page']);
  for (const page of result.pageResults ?? []) {
    for (const pair of page.keyValuePairs ?? []) {
      table.push([pair.key.text, pair.value.text, pair.confidence.toFixed(3), String(page.page)]);
    }
  }
  return table.length === 0 ? 'Nothing was found.' : table.toString();
}

function addField(rows: string[][], name: string, field: v2.FieldValue | null): void {
  if (field === null) {
    rows.push([name, '', '', '', '']);
  } else if (field.type === 'array') {
    for (const [index, item] of (field.valueArray ?? []).entries()) addField(rows, `${name}[${index}]`, item);
  } else if (field.type === 'object') {
    for (const [key, item] of Object.entries(field.valueObject ?? {})) addField(rows, `${name}.${key}`, item);
  } else {
    rows.push([name, field.text ?? '', valueText(field), field.confidence?.toFixed(3) ?? '', String(field.page ?? '')]);
  }
}

function valueText(field: Exclude<v2.FieldValue, { type: 'array' | 'object' }>): string {
  for (const [member, value] of Object.entries(field)) {
    if (member.startsWith('value') && (typeof value === 'string' || typeof value === 'number')) return String(value);
  }
  return '';
}

function plainTable(head: readonly string[]): Table.Table {
  return new Table({ head: [...head], style: { head: [], border: [], compact: true } });
}
