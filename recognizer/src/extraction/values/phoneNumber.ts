/**
 * `(987) 654-3210` → `+19876543210`, `+44 20 7946 0958` → `+442079460958`. Without a country code only the ten digits of the
 * North American plan are understood: elsewhere the country cannot be told from the text.
 *
 * @returns undefined where the text is no such number
 */
export function parsePhoneNumber(text: string): string | undefined {
  const t = text.normalize('NFKC').replace(/\s*(?:ext|x)\.?\s*\d{1,5}\s*$/i, '');
  const digits = t.replace(/\D/g, '');
  if (/^[^\d+]*\+/.test(t)) return digits.length >= 8 && digits.length <= 15 ? `+${digits}` : undefined;
  if (/^[^\d]*00[1-9]/.test(t) && digits.length >= 10) return `+${digits.slice(2)}`;
  if (digits.length === 10 && /^[2-9]/.test(digits)) return `+1${digits}`;
  return digits.length === 11 && digits.startsWith('1') ? `+${digits}` : undefined;
}
