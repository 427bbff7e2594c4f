import { readdirSync, readFileSync } from 'node:fs';
import { parseFieldsFile } from '../fieldsFile.ts';
import { parseLabelsFile } from '../labelsFile.ts';
import { parseOcrFile } from '../ocrFile.ts';
import type { FieldDefinition, Sample } from '../types.ts';

// The labelled public sample forms under test/forms, for tests.

const forms = new URL('../../../../test/forms/', import.meta.url);

export function readSampleJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, forms), 'utf8').replace(/^\uFEFF/, ''));
}

/** @param folder such as `azure-statements/train` */
export function sampleForms(folder: string): { readonly fields: FieldDefinition[]; readonly samples: Sample[] } {
  const files = readdirSync(new URL(`${folder}/`, forms));
  const fields = files.includes('fields.json') ? parseFieldsFile(readSampleJson(`${folder}/fields.json`)) : [];
  const names = files
    .filter((file) => file.endsWith('.labels.json'))
    .map((file) => file.slice(0, -'.labels.json'.length));
  const samples = names.sort().map((name): Sample => {
    const { labels } = parseLabelsFile(readSampleJson(`${folder}/${name}.labels.json`));
    return { name, pages: parseOcrFile(readSampleJson(`${folder}/${name}.ocr.json`)), labels };
  });
  return { fields, samples };
}

/** The labelled text of every field. */
export function labelledTexts(sample: Sample): Record<string, string> {
  return Object.fromEntries(
    sample.labels.map((label) => [label.label, label.values.map((value) => value.text).join(' ')]),
  );
}
