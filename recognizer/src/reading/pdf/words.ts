import { RecognizerError } from '../../errors.ts';
import { type Box, type QuarterTurns, union } from '../box.ts';
import type { ReadLimits } from '../limits.ts';
import type { OpenPdfPage } from './document.ts';
import type { PdfGeometry } from './geometry.ts';

/** A word of the text layer, in points of the displayed page. */
export interface PdfWord {
  readonly text: string;
  /** Tight around the glyphs. */
  readonly box: Box;
  /** From the font's ascent to its descent: what lines are made by. */
  readonly lineBox: Box;
  readonly turns: QuarterTurns;
  /** Characters whose font does not say what they mean. */
  readonly unmapped: number;
  /** Drawn without ink (text rendering mode 3): the invisible layer that scanners put over a picture. */
  readonly isInvisible: boolean;
}

const invisibleTextMode = 3;

/**
 * The words of the page's text layer, cut at PDFium's own white space, in the order of the content. The boxes
 * are those of the glyphs, not of the font: with them the service's own boxes are met to a hundredth of a point.
 */
export function pdfWords(page: OpenPdfPage, geometry: PdfGeometry, limits: ReadLimits): PdfWord[] {
  const { engine, handle } = page;
  const { api } = engine;
  const text = api.FPDFText_LoadPage(handle);
  if (text === 0) return [];
  const scratch = engine.allocate(32);
  try {
    const count = api.FPDFText_CountChars(text);
    if (count > limits.maxCharactersPerPage) {
      throw new RecognizerError('tooMuchData', `A page of the PDF holds ${count} characters.`);
    }
    const words: PdfWord[] = [];
    let word: OpenWord | undefined;
    const close = () => {
      if (word) words.push(finish(word));
      word = undefined;
    };
    for (let i = 0; i < count; i++) {
      const code = api.FPDFText_GetUnicode(text, i);
      if (isBlank(code)) {
        close();
        continue;
      }
      if (engine.characterBox(text, i, scratch, scratch + 8, scratch + 16, scratch + 24) === 0) continue;
      const at = scratch >> 3;
      const doubles = engine.doubles();
      const box = displayBox(geometry, doubles, at);
      const isUnmapped = api.FPDFText_HasUnicodeMapError(text, i) === 1;
      if (!word) {
        const loose = looseBox(page, { text, index: i, scratch, geometry }) ?? box;
        const object = api.FPDFText_GetTextObject(text, i);
        word = {
          text: '',
          box,
          lineBox: union(loose, box),
          turns: quarterTurns(api.FPDFText_GetCharAngle(text, i), geometry.rotation),
          unmapped: 0,
          isInvisible: object !== 0 && api.FPDFTextObj_GetTextRenderMode(object) === invisibleTextMode,
        };
      } else {
        word.box = union(word.box, box);
        word.lineBox = union(word.lineBox, box);
      }
      word.text += character(code);
      if (isUnmapped) word.unmapped++;
    }
    close();
    const shown = { x0: 0, y0: 0, x1: geometry.exactWidth, y1: geometry.exactHeight };
    return words.filter(({ box }) => box.x1 > shown.x0 && box.y1 > shown.y0 && box.x0 < shown.x1 && box.y0 < shown.y1);
  } finally {
    engine.release(scratch);
    api.FPDFText_ClosePage(text);
  }
}

type OpenWord = { -readonly [K in keyof PdfWord]: PdfWord[K] };

function finish(word: OpenWord): PdfWord {
  return { ...word, text: word.text.normalize('NFC') };
}

function displayBox(geometry: PdfGeometry, doubles: Float64Array, at: number): Box {
  const left = doubles[at] ?? 0;
  const right = doubles[at + 1] ?? 0;
  const bottom = doubles[at + 2] ?? 0;
  const top = doubles[at + 3] ?? 0;
  return geometry.toDisplay(left, bottom, right, top);
}

function looseBox(
  { engine }: OpenPdfPage,
  { text, index, scratch, geometry }: { text: number; index: number; scratch: number; geometry: PdfGeometry },
): Box | undefined {
  // FS_RECTF: left, top, right, bottom as floats.
  if (!engine.api.FPDFText_GetLooseCharBox(text, index, scratch)) return undefined;
  const at = scratch >> 2;
  const floats = engine.floats();
  const box = geometry.toDisplay(floats[at] ?? 0, floats[at + 3] ?? 0, floats[at + 2] ?? 0, floats[at + 1] ?? 0);
  return box.x1 > box.x0 && box.y1 > box.y0 ? box : undefined;
}

/** PDFium's angle counts counter-clockwise in page space, in radians; /Rotate turns the page clockwise. */
function quarterTurns(angle: number, rotation: QuarterTurns): QuarterTurns {
  const clockwise = Math.round(-angle / (Math.PI / 2)) + rotation;
  const turns = ((clockwise % 4) + 4) % 4;
  return turns === 1 ? 1 : turns === 2 ? 2 : turns === 3 ? 3 : 0;
}

function isBlank(code: number): boolean {
  // U+0002 is how PDFium writes a hyphen at the end of a line, see character().
  if (code <= 0x20) return code !== 0x02;
  return code === 0xa0 || code === 0x1680 || (code >= 0x2000 && code <= 0x200b) || isOtherBlank(code);
}

function isOtherBlank(code: number): boolean {
  return [0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff, 0xfffe].includes(code);
}

function character(code: number): string {
  if (code === 0x02 || code === 0xad) return '-';
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}
