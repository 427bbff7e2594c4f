import type { FieldFormat } from '../types.ts';

/**
 * `$ 1,200.00` → 1200, `1.234,50` → 1234.5, `RM9.00` → 9, `(12)` and `12-` → -12. The last of `.` and `,` is the decimal sign
 * where both occur; alone, unless exactly three digits follow it or it is repeated. `decimal-comma-seperated` settles it.
 *
 * @returns undefined where the text is no number
 */
export function parseNumber(text: string, format: FieldFormat = 'not-specified'): number | undefined {
  const t = text.normalize('NFKC').trim();
  const match =
    /^([^\d.,+\-−()]{0,6})\s*(\(?)\s*([+\-−]?)\s*([^\d.,]{0,4}?)\s*([.,]?\d[\d.,'’\s]*?)\s*([-−]?)\s*(\)?)\s*([^\d]{0,6})$/u.exec(
      t,
    );
  if (!match) return undefined;
  const [, , open = '', sign = '', , digits = '', trailing = '', close = ''] = match;
  const value = parseDigits(digits.replace(/['’\s]/g, ''), format);
  if (value === undefined) return undefined;
  const isNegative = /[-−]/.test(sign) || trailing !== '' || (open !== '' && close !== '');
  return isNegative ? -value + 0 : value;
}

function parseDigits(digits: string, format: FieldFormat): number | undefined {
  const t = digits.replace(/[.,]+$/, '');
  const point = t.lastIndexOf('.');
  const comma = t.lastIndexOf(',');
  let plain: string;
  if (format === 'decimal-comma-seperated') plain = t.replaceAll('.', '').replace(',', '.');
  else if (point >= 0 && comma >= 0) {
    plain = point > comma ? t.replaceAll(',', '') : t.replaceAll('.', '').replace(',', '.');
  } else if (comma >= 0) plain = isGrouped(t, ',') ? t.replaceAll(',', '') : t.replace(',', '.');
  else plain = point !== t.indexOf('.') && isGrouped(t, '.') ? t.replaceAll('.', '') : t;
  const value = Number(plain);
  return plain !== '' && Number.isFinite(value) ? value : undefined;
}

/** Groups of three after the first. */
function isGrouped(text: string, separator: string): boolean {
  const [head = '', ...groups] = text.split(separator);
  return head.length >= 1 && head.length <= 3 && groups.every((group) => group.length === 3);
}
