import { arrayAt, isRecord, type JsonRecord, recordAt, stringAt, wrong } from './jsonPath.ts';
import type { FieldDefinition, FieldFormat, FieldType } from './types.ts';

const types: ReadonlySet<string> = new Set<FieldType>([
  'string',
  'number',
  'integer',
  'date',
  'time',
  'phoneNumber',
  'countryRegion',
  'selectionMark',
  'array',
  'object',
]);
const formats: ReadonlySet<string> = new Set<FieldFormat>([
  'not-specified',
  'currency',
  'decimal',
  'decimal-comma-seperated',
  'no-whitespaces',
  'alphanumeric',
  'dmy',
  'mdy',
  'ymd',
]);

/**
 * The labelling tool's `fields.json`. Tables have their columns (`array`) or their rows with columns (`object`) in `fields`,
 * with the file's `definitions` filled in.
 *
 * @throws RecognizerError `invalidTrainingSet`, naming the place
 */
export function parseFieldsFile(json: unknown): FieldDefinition[] {
  const file = recordAt(json, 'fields.json');
  const definitions = isRecord(file.definitions) ? file.definitions : {};
  const names = new Set<string>();
  return arrayAt(file.fields, 'fields.json: fields').map((field, i) => {
    const at = `fields.json: fields[${i}]`;
    const parsed = parseField(field, at, definitions);
    if (names.has(parsed.name)) throw wrong(at, `defines the field '${parsed.name}' a second time`);
    names.add(parsed.name);
    return parsed;
  });
}

function parseField(value: unknown, at: string, definitions: JsonRecord): FieldDefinition {
  const field = recordAt(value, at);
  const name = stringAt(field.fieldKey, `${at}.fieldKey`);
  if (name === '') throw wrong(`${at}.fieldKey`, 'must not be empty');
  const type = fieldType(field.fieldType ?? 'string', `${at}.fieldType`);
  const format = fieldFormat(field.fieldFormat);
  if (type === 'array') return { name, type, format, fields: columnsOf(field.itemType, `${at}.itemType`, definitions) };
  if (type !== 'object') return { name, type, format };
  const rows = arrayAt(field.fields, `${at}.fields`).map((row, i): FieldDefinition => {
    const rowAt = `${at}.fields[${i}]`;
    const parts = recordAt(row, rowAt);
    return {
      name: stringAt(parts.fieldKey, `${rowAt}.fieldKey`),
      type: 'object',
      format: 'not-specified',
      fields: columnsOf(parts.fieldType, `${rowAt}.fieldType`, definitions),
    };
  });
  return { name, type, format, fields: rows };
}

function columnsOf(typeName: unknown, at: string, definitions: JsonRecord): FieldDefinition[] {
  const definition = definitions[stringAt(typeName, at)];
  if (!isRecord(definition)) throw wrong(at, `names '${String(typeName)}', which definitions does not have`);
  const columnsAt = `fields.json: definitions.${String(typeName)}.fields`;
  return arrayAt(definition.fields, columnsAt).map((column, i) => {
    const parts = recordAt(column, `${columnsAt}[${i}]`);
    const type = fieldType(parts.fieldType ?? 'string', `${columnsAt}[${i}].fieldType`);
    if (type === 'array' || type === 'object') throw wrong(`${columnsAt}[${i}]`, 'puts a table into a table cell');
    const name = stringAt(parts.fieldKey, `${columnsAt}[${i}].fieldKey`);
    return { name, type, format: fieldFormat(parts.fieldFormat) };
  });
}

function fieldType(value: unknown, at: string): FieldType {
  const type = stringAt(value, at);
  if (!types.has(type)) throw wrong(at, `is '${type}', which is no field type of Form Recognizer v2`);
  return type as FieldType;
}

/** A format only guides how a text is understood; one we do not know is as good as none. */
function fieldFormat(value: unknown): FieldFormat {
  return typeof value === 'string' && formats.has(value) ? (value as FieldFormat) : 'not-specified';
}
