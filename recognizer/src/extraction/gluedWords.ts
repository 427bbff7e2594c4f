/**
 * The parts of a word that reading, or the form, has glued together: a key and its value (`Date:21/03/2018`, `Total$8.20`), or a
 * span of dates (`05/24/20-05/26/20`, of which reading may have cut off a part). Most words have one part.
 */
export function partsOfWord(text: string): string[] {
  const dates = /^(\d{1,2}\/\d{1,2}\/\d{2,4})?([-–~])(\d{1,2}\/\d{1,2}\/\d{2,4})?$/.exec(text);
  if (dates && text.length > 1) return dates.slice(1).filter((part) => part !== undefined);
  // Letters run into an amount (`Total$8.20`, `Total8.20`), but not a currency (`RM9.00`) or a code (`INV12345`).
  const amount = /^(\p{L}{4,})(\p{Sc}\d[\d.,]*|\d[\d.,]*[.,]\d{2})$/u.exec(text);
  if (amount) return amount.slice(1);
  // A time run into the year before it (`201818:24`).
  const dated = /^((?:.*\D)?(?:19|20)\d{2})(\d{2}:\d{2}(?::\d{2})?)$/.exec(text);
  if (dated) return dated.slice(1);
  const keyed = /^([\p{L}\p{M}#.()/&'’-]{2,}[:：])([\p{L}\p{N}\p{Sc}(+\-.,#].*)$/u.exec(text);
  const [, key = '', value = ''] = keyed ?? [];
  const isKey = (key.match(/\p{L}/gu)?.length ?? 0) >= 2 && !/^(https?|mailto|ftp):$/i.test(key);
  return isKey ? [key, value] : [text];
}
