import type { FieldFormat } from '../types.ts';

export type DateOrder = 'dmy' | 'mdy' | 'ymd';

const names = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/**
 * A date as `YYYY-MM-DD`. Two-digit years before 70 are of this century. `order` decides where day and month could be
 * either; a part over 12 decides by itself.
 *
 * @returns undefined where the text is no date
 */
export function parseDate(text: string, order: DateOrder = 'mdy'): string | undefined {
  const t = text.normalize('NFKC').toLowerCase().trim();
  const yearFirst = /(?<!\d)(\d{4})\s*[-/.년年 ]\s*(\d{1,2})\s*[-/.월月 ]\s*(\d{1,2})(?!\d)/.exec(t);
  if (yearFirst) return calendarDate(yearFirst[1], yearFirst[2], yearFirst[3]);
  const parts = /(?<!\d)(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*['’]?(\d{4}|\d{2})(?!\d)/.exec(t);
  if (parts) {
    const [, a = '', b = '', c = ''] = parts;
    if (order === 'ymd' && c.length === 2) return calendarDate(a, b, c);
    const [month, day] = (order === 'dmy' && Number(b) <= 12) || Number(a) > 12 ? [b, a] : [a, b];
    return calendarDate(c, month, day);
  }
  const dayFirst =
    /(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[\s\-/.,]*(?:of\s+)?(\p{L}{3})\p{L}*[\s\-/.,'’]*(\d{4}|\d{2})(?!\d)/u.exec(t);
  if (dayFirst) return calendarDate(dayFirst[3], monthOf(dayFirst[2]), dayFirst[1]);
  const monthFirst = /(\p{L}{3})\p{L}*[\s\-/.]*(\d{1,2})(?:st|nd|rd|th)?[\s,\-/.'’]+(\d{4}|\d{2})(?!\d)/u.exec(t);
  if (monthFirst) return calendarDate(monthFirst[3], monthOf(monthFirst[1]), monthFirst[2]);
  const compact = /^\D*(\d{4})(\d{2})(\d{2})\D*$/.exec(t);
  return compact ? calendarDate(compact[1], compact[2], compact[3]) : undefined;
}

/** The order that the samples' dates prove: a part over 12 is the day. Undefined where none does, or where they disagree. */
export function learnDateOrder(texts: readonly string[]): DateOrder | undefined {
  let dayFirst = 0;
  let monthFirst = 0;
  for (const text of texts) {
    const parts = /(?<!\d)(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})(?!\d)/.exec(text.normalize('NFKC'));
    if (!parts) continue;
    if (Number(parts[1]) > 12 && Number(parts[2]) <= 12) dayFirst++;
    if (Number(parts[2]) > 12 && Number(parts[1]) <= 12) monthFirst++;
  }
  if (dayFirst === monthFirst) return undefined;
  return dayFirst > monthFirst ? 'dmy' : 'mdy';
}

export function orderOfFormat(format: FieldFormat): DateOrder | undefined {
  return format === 'dmy' || format === 'mdy' || format === 'ymd' ? format : undefined;
}

function monthOf(name: string | undefined): string {
  return String(names.indexOf(name ?? '') + 1);
}

function calendarDate(yearText = '', monthText = '', dayText = ''): string | undefined {
  const [month, day] = [Number(monthText), Number(dayText)];
  const short = Number(yearText);
  const year = yearText.length === 4 ? short : short + (short < 70 ? 2000 : 1900);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  if (days === undefined || day < 1 || day > days) return undefined;
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
