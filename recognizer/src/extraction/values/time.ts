/**
 * A time of day as `hh:mm:ss`: `9:05 pm`, `21.05`, `9 AM`, `오후 9:05`, `21h05`.
 *
 * @returns undefined where the text is no time
 */
export function parseTime(text: string): string | undefined {
  const t = text.normalize('NFKC').toLowerCase();
  const match =
    /(?<![\d:])(\d{1,2})\s*(?:[:.h시]\s*(\d{2})\s*분?(?:\s*[:.]?\s*(\d{2})\s*초?)?)\s*([ap]\.?\s*m\b\.?)?/.exec(t) ??
    /(?<![\d:])(\d{1,2})()()\s*([ap]\.?\s*m\b\.?)/.exec(t);
  if (!match) return undefined;
  let hour = Number(match[1]);
  const [minute, second] = [Number(match[2] || 0), Number(match[3] || 0)];
  const half = match[4]?.[0] ?? (t.includes('오후') ? 'p' : t.includes('오전') ? 'a' : undefined);
  if (half && hour > 12 && half === 'a') return undefined;
  if (half === 'p' && hour < 12) hour += 12;
  if (half === 'a' && hour === 12) hour = 0;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return [hour, minute, second].map((part) => String(part).padStart(2, '0')).join(':');
}
