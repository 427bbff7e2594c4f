import type { SelectionMark } from '../../document.ts';
import type { Box } from '../box.ts';
import type { OpenPdfPage } from './document.ts';
import type { PdfEngine } from './engine.ts';
import type { PdfGeometry } from './geometry.ts';

/** A check box or radio button of the form, in points of the displayed page. */
export interface PdfCheckBox {
  readonly box: Box;
  readonly state: SelectionMark['state'];
}

/** fpdf_annot.h and fpdf_formfill.h. */
const widgetSubtype = 20;
const checkBoxField = 2;
const radioButtonField = 3;
const hiddenFlag = 1 << 1;
const noViewFlag = 1 << 5;

/**
 * Check boxes and radio buttons with the state the form gives them. To be read before the page is flattened. Widgets
 * that the form has lost (its list of fields is cut off in many a real file) are known by their own entries.
 */
export function pdfCheckBoxes({ engine, handle, form }: OpenPdfPage, geometry: PdfGeometry): PdfCheckBox[] {
  const { api } = engine;
  if (form === 0) return [];
  const found: PdfCheckBox[] = [];
  const count = api.FPDFPage_GetAnnotCount(handle);
  const rectangle = engine.allocate(16);
  try {
    for (let i = 0; i < count; i++) {
      const annotation = api.FPDFPage_GetAnnot(handle, i);
      if (annotation === 0) continue;
      try {
        if (api.FPDFAnnot_GetSubtype(annotation) !== widgetSubtype) continue;
        const appearance = nameValue(engine, annotation, 'AS');
        const type = api.FPDFAnnot_GetFormFieldType(form, annotation);
        const isOutsideForm = type < 0 && appearance !== '' && nameValue(engine, annotation, 'FT') === 'Btn';
        if (type !== checkBoxField && type !== radioButtonField && !isOutsideForm) continue;
        if (api.FPDFAnnot_GetFlags(annotation) & (hiddenFlag | noViewFlag)) continue;
        // FS_RECTF: left, top, right, bottom.
        if (!api.FPDFAnnot_GetRect(annotation, rectangle)) continue;
        const floats = engine.floats();
        const at = rectangle >> 2;
        const [left, top, right, bottom] = [
          floats[at] ?? 0,
          floats[at + 1] ?? 0,
          floats[at + 2] ?? 0,
          floats[at + 3] ?? 0,
        ];
        const box = geometry.toDisplay(
          Math.min(left, right),
          Math.min(top, bottom),
          Math.max(left, right),
          Math.max(top, bottom),
        );
        if (box.x1 <= 0 || box.y1 <= 0 || box.x0 >= geometry.exactWidth || box.y0 >= geometry.exactHeight) continue;
        const isSelected = appearance === '' ? api.FPDFAnnot_IsChecked(form, annotation) : appearance !== 'Off';
        found.push({ box, state: isSelected ? 'selected' : 'unselected' });
      } finally {
        api.FPDFPage_CloseAnnot(annotation);
      }
    }
  } finally {
    engine.release(rectangle);
  }
  return found;
}

/** A name or string of the annotation's own dictionary, empty where it has none. */
function nameValue(engine: PdfEngine, annotation: number, key: string): string {
  const size = 256;
  const buffer = engine.allocate(size);
  try {
    const length = engine.api.FPDFAnnot_GetStringValue(annotation, key, buffer, size);
    return length > 2 && length <= size ? engine.api.pdfium.UTF16ToString(buffer) : '';
  } finally {
    engine.release(buffer);
  }
}
