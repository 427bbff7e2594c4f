import type { Page } from '../document.ts';
import { type Extraction, extract, type Found } from './extract.ts';
import { definitionOf, type Form, makeForm, plainWorkshop } from './form.ts';
import { cellLabel } from './learned.ts';
import { learnedForms } from './modelFile.ts';
import { elementRefs, type Frame, frameOf, type PageModel, pageText, polygonOnPage } from './pageModel.ts';
import { boundsOf } from './span.ts';
import type { AnalyzedForm, FieldDefinition, FieldText, FieldValue, LabeledModel } from './types.ts';
import { fieldValue } from './values/fieldValue.ts';

/** The fields of a document. */
export function analyzeLabeled(model: LabeledModel, pages: readonly Page[]): AnalyzedForm {
  const form = makeForm(model.fields, learnedForms(model), plainWorkshop);
  const frames = pages.map(frameOf);
  const models = pages.map((page, p) => plainWorkshop.model(pageText(page, frames[p] as Frame)));
  const extraction = extract(form, models, plainWorkshop);
  const context = { form, pages, frames, models, extraction };
  const numbers = pages.map((page) => page.number);
  return {
    pageRange: [Math.min(...numbers), Math.max(...numbers)],
    docTypeConfidence: extraction.likeness,
    fields: Object.fromEntries(model.fields.map((field) => [field.name, fieldOf(field, context)])),
  };
}

interface Context {
  readonly form: Form;
  readonly pages: readonly Page[];
  readonly frames: readonly Frame[];
  readonly models: readonly PageModel[];
  readonly extraction: Extraction;
}

function fieldOf(field: FieldDefinition, context: Context): FieldValue | null {
  if (field.type === 'array') return rowsOf(field, context);
  if (field.type === 'object') return fixedTable(field, context);
  const found = context.extraction.values.get(field.name);
  if (!found) return null;
  return present(field.name, found, context);
}

function rowsOf(table: FieldDefinition, context: Context): FieldValue | null {
  const rows = context.extraction.tables.get(table.name) ?? [];
  if (rows.length === 0) return null;
  const value = rows.map((row): FieldValue => {
    const cells = (table.fields ?? []).map((column): [string, FieldValue | null] => {
      const cell = row.get(column.name);
      const label = cellLabel(table.name, '0', column.name);
      return [column.name, cell ? present(label, { ...cell, confidence: 1 }, context, { isCell: true }) : null];
    });
    return { type: 'object', value: Object.fromEntries(cells) };
  });
  return { type: 'array', value };
}

function fixedTable(table: FieldDefinition, context: Context): FieldValue | null {
  let isEmpty = true;
  const rows = (table.fields ?? []).map((row): [string, FieldValue] => {
    const cells = (row.fields ?? []).map((column): [string, FieldValue | null] => {
      const label = cellLabel(table.name, row.name, column.name);
      const found = context.extraction.values.get(label);
      if (!found) return [column.name, null];
      isEmpty = false;
      return [column.name, present(label, found, context, { isCell: true })];
    });
    return [row.name, { type: 'object', value: Object.fromEntries(cells) }];
  });
  return isEmpty ? null : { type: 'object', value: Object.fromEntries(rows) };
}

function present(label: string, found: Found, context: Context, { isCell = false } = {}): FieldValue | null {
  const definition = definitionOf(label, context.form.fields);
  const text = fieldText(found, context, isCell);
  return definition && text ? fieldValue(definition, text, context.form.learned.dateOrders[label]) : null;
}

function fieldText(found: Found, { pages, frames, models }: Context, isCell: boolean): FieldText | undefined {
  const page = pages[found.page];
  const model = models[found.page];
  const frame = frames[found.page];
  if (!page || !frame || !model) return undefined;
  const { x0, y0, x1, y1 } = boundsOf(model, found.words);
  const refs = elementRefs(page);
  const elements = found.words.flatMap((i) => refs[i] ?? []);
  const text = { text: found.text, page: page.number, polygon: polygonOnPage(page, frame, [x0, y0, x1, y1]), elements };
  return isCell ? text : { ...text, confidence: Math.round(found.confidence * 1000) / 1000 };
}
