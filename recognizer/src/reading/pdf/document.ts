import { RecognizerError } from '../../errors.ts';
import { discardIfGrown, discardPdfEngine, type PdfEngine, pdfEngine } from './engine.ts';

export interface OpenPdf {
  readonly engine: PdfEngine;
  readonly handle: number;
  /** Form-fill environment; 0 where the document has none. */
  readonly form: number;
  readonly pageCount: number;
}

export interface OpenPdfPage {
  readonly engine: PdfEngine;
  readonly form: number;
  readonly handle: number;
}

/** FPDF_GetLastError (fpdfview.h). */
const errorPassword = 4;
const errorSecurity = 5;

/** FLAT_PRINT (fpdf_flatten.h) would drop fields that are not printed; the service reads what is displayed. */
const flattenForDisplay = 0;

/** Opens a PDF, lets `use` work on it and closes it whatever happens. Broken files throw RecognizerError. */
export async function withPdf<T>(bytes: Uint8Array, use: (pdf: OpenPdf) => Promise<T>): Promise<T> {
  const engine = await pdfEngine();
  const { api } = engine;
  let buffer = 0;
  let handle = 0;
  let formInfo = 0;
  let form = 0;
  let trapped = false;
  try {
    buffer = engine.allocate(bytes.byteLength);
    engine.bytes().set(bytes, buffer);
    handle = api.FPDF_LoadMemDocument(buffer, bytes.byteLength, '');
    if (handle === 0) throw openError(api.FPDF_GetLastError());
    const pageCount = api.FPDF_GetPageCount(handle);
    if (pageCount <= 0) throw new RecognizerError('invalidFile', 'The PDF has no pages.');
    formInfo = api.PDFiumExt_OpenFormFillInfo();
    form = api.PDFiumExt_InitFormFillEnvironment(handle, formInfo);
    return await use({ engine, handle, form, pageCount });
  } catch (error) {
    if (error instanceof RecognizerError) throw error;
    trapped = isTrap(error);
    if (!trapped) throw error;
    throw new RecognizerError('invalidFile', 'The PDF is broken or needs too much memory.', { cause: error });
  } finally {
    if (trapped) discardPdfEngine();
    else {
      if (form !== 0) api.PDFiumExt_ExitFormFillEnvironment(form);
      if (formInfo !== 0) api.PDFiumExt_CloseFormFillInfo(formInfo);
      if (handle !== 0) api.FPDF_CloseDocument(handle);
      if (buffer !== 0) engine.release(buffer);
      discardIfGrown(engine);
    }
  }
}

/**
 * Opens a page by its index from 0. `prepare` runs before form fields are drawn into the page's content, which removes
 * them from the list of annotations; afterwards their values are text like any other.
 */
export async function withPdfPage<T>(
  { engine, handle: document, form }: OpenPdf,
  index: number,
  { prepare, use }: { prepare?: (page: OpenPdfPage) => void; use: (page: OpenPdfPage) => Promise<T> },
): Promise<T> {
  const { api } = engine;
  let handle = api.FPDF_LoadPage(document, index);
  if (handle === 0) throw new RecognizerError('invalidFile', `Page ${index + 1} of the PDF cannot be read.`);
  try {
    prepare?.({ engine, form, handle });
    const flattenSuccess = 1;
    if (api.FPDFPage_Flatten(handle, flattenForDisplay) === flattenSuccess) {
      // The page keeps its old content until it is loaded anew.
      api.FPDF_ClosePage(handle);
      handle = api.FPDF_LoadPage(document, index);
      if (handle === 0) throw new RecognizerError('invalidFile', `Page ${index + 1} of the PDF cannot be read.`);
    }
    return await use({ engine, form, handle });
  } catch (error) {
    // After a trap nothing in the engine may be called any more.
    if (isTrap(error)) handle = 0;
    throw error;
  } finally {
    if (handle !== 0) api.FPDF_ClosePage(handle);
  }
}

function openError(code: number): RecognizerError {
  if (code === errorPassword) return new RecognizerError('passwordProtected', 'The PDF needs a password.');
  if (code === errorSecurity) {
    return new RecognizerError('passwordProtected', 'The PDF is encrypted in a way that cannot be opened.');
  }
  return new RecognizerError('invalidFile', 'The file is not a PDF that can be read.');
}

/** Wasm traps, emscripten's abort, its exceptions (numbers) and exhausted memory. */
function isTrap(error: unknown): boolean {
  const isRuntimeError = error instanceof Error && error.name === 'RuntimeError';
  return isRuntimeError || error instanceof RangeError || typeof error === 'number';
}
