import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { init, type WrappedPdfiumModule } from '@embedpdf/pdfium';

/** PDFium, compiled to wasm, and the memory it shares with us. */
export interface PdfEngine {
  readonly api: WrappedPdfiumModule;
  /** Bytes of the shared memory. Ask anew after every call: the memory moves when it grows. */
  bytes(): Uint8Array;
  doubles(): Float64Array;
  floats(): Float32Array;
  ints(): Int32Array;
  /** FPDFText_GetCharBox called directly: once a character, and the wrapper's checks cost more than the call. */
  characterBox(text: number, index: number, left: number, right: number, bottom: number, top: number): number;
  allocate(size: number): number;
  release(pointer: number): void;
}

/** What emscripten's module offers; its published types need a package of their own. */
interface Memory {
  readonly HEAPU8: Uint8Array;
  readonly HEAP32: Int32Array;
  readonly HEAPF32: Float32Array;
  readonly HEAPF64: Float64Array;
  _FPDFText_GetCharBox(text: number, index: number, left: number, right: number, bottom: number, top: number): number;
  readonly wasmExports: { malloc(size: number): number; free(pointer: number): void };
}

let current: Promise<PdfEngine> | undefined;

/** The engine of this thread, made at the first call. */
export function pdfEngine(): Promise<PdfEngine> {
  current ??= start();
  return current;
}

/**
 * Forgets the engine. To be called when wasm has trapped or run out of memory: its state can no longer be trusted, and
 * its memory never shrinks.
 */
export function discardPdfEngine(): void {
  current = undefined;
}

/** Over this the engine is given up after a document: a grown memory is never handed back otherwise. */
const keepableBytes = 192 * 1024 * 1024;

export function discardIfGrown(engine: PdfEngine): void {
  if (engine.bytes().byteLength > keepableBytes) discardPdfEngine();
}

async function start(): Promise<PdfEngine> {
  const file = readFileSync(fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm')));
  const wasmBinary = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
  const quiet = () => {};
  const api = await init({ wasmBinary, print: quiet, printErr: quiet });
  api.PDFiumExt_Init();
  const module = api.pdfium as unknown as Memory;
  return {
    api,
    bytes: () => module.HEAPU8,
    doubles: () => module.HEAPF64,
    floats: () => module.HEAPF32,
    ints: () => module.HEAP32,
    characterBox: (text, index, left, right, bottom, top) =>
      module._FPDFText_GetCharBox(text, index, left, right, bottom, top),
    allocate(size) {
      const pointer = module.wasmExports.malloc(size);
      if (pointer === 0) throw new RangeError(`PDFium has no memory left for ${size} bytes`);
      return pointer;
    },
    release: (pointer) => module.wasmExports.free(pointer),
  };
}
