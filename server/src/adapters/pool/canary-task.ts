import { type Analysis, analyze, type FieldValue, type Page, parseModel } from '@formhaven/recognizer';
import type { CanaryFindings, CanarySet } from '../../ports/canaries.ts';

// What runs in a thread of the canary pool: extraction alone, on pages that were read at training.

/** As tasks.ts wrote it into `canary.json`. */
interface CanaryFile {
  readonly format: 1;
  readonly samples: readonly { readonly name: string; readonly pages: readonly Page[]; readonly analysis: Analysis }[];
}

export interface CanaryTask {
  readonly set: CanarySet;
  readonly samples: number;
}

export default function runCanaries(task: CanaryTask): {
  found: readonly CanaryFindings[];
  expected: readonly CanaryFindings[];
} {
  const model = parseModel(JSON.parse(task.set.model));
  const file = JSON.parse(task.set.canary) as CanaryFile;
  if (file.format !== 1) throw new Error(`the canary set's format ${String(file.format)} is not known to this release`);
  const samples = file.samples.slice(0, task.samples);
  return {
    found: samples.map(({ name, pages }) => ({ name, found: findings(analyze(model, pages)) })),
    expected: samples.map(({ name, analysis }) => ({ name, found: findings(analysis) })),
  };
}

/** Fields and values alone: boxes and confidences are not what a copy has to repeat. */
function findings(analysis: Analysis): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  if (analysis.kind === 'labeled') {
    for (const [index, form] of analysis.forms.entries()) {
      for (const [name, value] of Object.entries(form.fields)) put(found, `${index}/${name}`, value);
    }
    return found;
  }
  for (const page of analysis.pages) {
    found[`${page.page}/cluster`] = page.clusterId === null ? null : String(page.clusterId);
    for (const [index, pair] of page.keyValuePairs.entries()) {
      found[`${page.page}/${index}/${pair.key.text}`] = pair.value.text;
    }
  }
  return found;
}

function put(found: Record<string, string | null>, path: string, value: FieldValue | null): void {
  if (value === null) found[path] = null;
  else if (value.type === 'array') {
    found[path] = String(value.value.length);
    for (const [index, item] of value.value.entries()) put(found, `${path}/${index}`, item);
  } else if (value.type === 'object') {
    for (const [name, item] of Object.entries(value.value)) put(found, `${path}/${name}`, item);
  } else found[path] = `${value.type} ${String(value.value ?? '')} ${value.text}`;
}
