import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { InferenceSession, TensorConstructor } from 'onnxruntime-web';

/** What is used of ONNX Runtime; the native and the wasm package offer the same. */
interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
  readonly env: { wasm: { numThreads?: number } };
}

/** A model loaded and ready: numbers in, numbers out. */
export interface Network {
  readonly metadata: Uint8Array;
  run(input: Float32Array, shape: readonly number[]): Promise<{ data: Float32Array; shape: readonly number[] }>;
}

export type RuntimeKind = 'native' | 'wasm';

let runtime: Promise<{ kind: RuntimeKind; onnx: OnnxRuntime }> | undefined;

/** The native runtime where it is installed and starts, else the wasm build, which reads the same at four times the cost. */
export function onnxRuntime(): Promise<{ kind: RuntimeKind; onnx: OnnxRuntime }> {
  runtime ??= startRuntime();
  return runtime;
}

async function startRuntime(): Promise<{ kind: RuntimeKind; onnx: OnnxRuntime }> {
  if (process.env.FORMHAVEN_OCR_RUNTIME !== 'wasm') {
    try {
      // An optional dependency: the name is kept from the compiler, which could not resolve it where it is left out.
      const name = 'onnxruntime-node';
      const native = (await import(name)) as { default?: OnnxRuntime } & OnnxRuntime;
      return { kind: 'native', onnx: native.default ?? native };
    } catch {
      // Not installed, or its library does not load on this system.
    }
  }
  const wasm = (await import('onnxruntime-web')) as unknown as { default?: OnnxRuntime } & OnnxRuntime;
  const onnx = wasm.default?.InferenceSession ? wasm.default : wasm;
  onnx.env.wasm.numThreads = 1;
  return { kind: 'wasm', onnx };
}

/** Loads a model from a file. */
export async function loadNetwork(file: string): Promise<Network> {
  const { onnx, kind } = await onnxRuntime();
  const bytes = readFileSync(file);
  const session = await onnx.InferenceSession.create(bytes, {
    // Pages run beside each other in threads of the service; more threads inside one only spin.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // The widths of lines vary, so the arena and its plans would only grow.
    enableCpuMemArena: false,
    enableMemPattern: false,
    executionProviders: [kind === 'native' ? 'cpu' : 'wasm'],
    logSeverityLevel: 4,
  });
  const input = session.inputNames[0] ?? 'x';
  const output = session.outputNames[0] ?? '';
  return {
    metadata: bytes,
    async run(data, shape) {
      const result = await session.run({ [input]: new onnx.Tensor('float32', data, shape) });
      const tensor = result[output];
      if (!tensor || !(tensor.data instanceof Float32Array)) throw new TypeError('The model gives no numbers');
      return { data: tensor.data, shape: tensor.dims };
    },
  };
}

export function bundledModel(name: string): string {
  return fileURLToPath(new URL(`../../../models/${name}`, import.meta.url));
}
