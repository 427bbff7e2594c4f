import type { ModelId } from '@formhaven/contract';
import type { Analysis, Page } from '@formhaven/recognizer';

/** The stored result of an analysis: one shape inside, presented by each API generation in its own. */
export interface AnalyzeResult {
  readonly format: 1;
  readonly pages: readonly Page[];
  /** Absent for layout. Names the model that gave the answer: of a composed one, the component that was chosen. */
  readonly custom?: {
    readonly modelId: ModelId;
    readonly modelName?: string;
    readonly analysis: Analysis;
  };
}

export function writeResult(result: AnalyzeResult): string {
  return JSON.stringify(result);
}

/** Of a blob written by {@link writeResult} in this release or one before it. */
export function readResult(text: string): AnalyzeResult {
  const result = JSON.parse(text) as AnalyzeResult;
  if (result.format !== 1) throw new TypeError(`a stored result of format ${String(result.format)} is not known`);
  return result;
}
