import type { FieldDefinition, FieldText, FieldValue } from '../types.ts';
import { parseCountryRegion } from './countryRegion.ts';
import { type DateOrder, orderOfFormat, parseDate } from './date.ts';
import { parseNumber } from './number.ts';
import { parsePhoneNumber } from './phoneNumber.ts';
import { parseTime } from './time.ts';

/** The text understood as the field's type; the value is left out where that fails, as the service does. */
export function fieldValue(definition: FieldDefinition, found: FieldText, order?: DateOrder): FieldValue {
  const { type, format } = definition;
  switch (type) {
    case 'number':
      return withValue({ type, ...found }, parseNumber(found.text, format));
    case 'integer': {
      const value = parseNumber(found.text, format);
      return withValue({ type, ...found }, value !== undefined && Number.isSafeInteger(value) ? value : undefined);
    }
    case 'date':
      return withValue({ type, ...found }, parseDate(found.text, orderOfFormat(format) ?? order ?? 'mdy'));
    case 'time':
      return withValue({ type, ...found }, parseTime(found.text));
    case 'phoneNumber':
      return withValue({ type, ...found }, parsePhoneNumber(found.text));
    case 'countryRegion':
      return withValue({ type, ...found }, parseCountryRegion(found.text));
    case 'selectionMark': {
      const state = markState(found.text);
      return { type, ...found, text: state, value: state };
    }
    case 'string':
      return { type, ...found, value: stringValue(found.text, format) };
    // Tables are put together from cells; a label on the table as a whole can only be text.
    case 'array':
    case 'object':
      return { type: 'string', ...found, value: found.text };
    default:
      return type satisfies never;
  }
}

/** What reading took for text is a cross or a tick, unless it looks like the empty box or ring itself. */
function markState(text: string): 'selected' | 'unselected' {
  return /^(unselected|[oO0□☐○◯_-]|\[\s*\]|\(\s*\))?$/u.test(text.trim()) ? 'unselected' : 'selected';
}

function stringValue(text: string, format: FieldDefinition['format']): string {
  if (format === 'no-whitespaces') return text.replace(/\s+/g, '');
  return format === 'alphanumeric' ? text.replace(/[^\p{L}\p{N}]/gu, '') : text;
}

function withValue<Field extends object, Value>(field: Field, value: Value | undefined): Field & { value?: Value } {
  return value === undefined ? field : { ...field, value };
}
