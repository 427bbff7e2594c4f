import { readFile } from 'node:fs/promises';
import { v2 } from '@formhaven/contract';
import { STATEMENTS } from './forms.ts';
import type { TestRegion } from './regions.ts';

// The usual work, done through the public API and waited for by state.

const DEADLINE_MILLISECONDS = 60_000;

export function pollUntil<Value>(
  poll: (signal: AbortSignal) => Promise<Value>,
  isDone: (value: Value) => boolean,
  deadlineMilliseconds = DEADLINE_MILLISECONDS,
): Promise<Value> {
  return v2.pollUntil({ poll, isDone, intervalMilliseconds: 50, deadlineMilliseconds });
}

/** Trains on the labelled statements, or those of another folder, and waits until the model is ready. */
export async function trainStatements(
  region: TestRegion,
  version: v2.V2Version = 'v2.1',
  source = STATEMENTS,
): Promise<v2.Model> {
  const client = region.client(version);
  const { modelId } = await client.train({ source, useLabelFile: true });
  const model = await pollUntil(
    (signal) => client.getModel(modelId, { signal }),
    ({ modelInfo }) => modelInfo.status !== 'creating',
  );
  if (model.modelInfo.status !== 'ready')
    throw new Error(`training ended ${JSON.stringify(model.trainResult?.errors)}`);
  return model;
}

/** Authorizes at the target, copies at the source, and waits for a terminal state. Resolves with the result and target id. */
export async function copyModel(
  source: TestRegion,
  modelId: string,
  target: TestRegion,
  version: v2.V2Version = 'v2.1',
): Promise<{ readonly result: v2.CopyOperationResult; readonly targetModelId: string }> {
  const { authorization } = await target.client(version).authorizeCopy();
  const { resultId } = await startCopy(source, modelId, target, authorization, version);
  const result = await waitForCopy(source, modelId, resultId, version);
  return { result, targetModelId: authorization.modelId };
}

export function startCopy(
  source: TestRegion,
  modelId: string,
  target: Pick<TestRegion, 'name' | 'resourceId'>,
  copyAuthorization: v2.CopyAuthorizationResult,
  version: v2.V2Version = 'v2.1',
): Promise<v2.AcceptedOperation> {
  return source.client(version).copy(modelId, {
    targetResourceId: target.resourceId,
    targetResourceRegion: target.name,
    copyAuthorization,
  });
}

export function waitForCopy(
  source: TestRegion,
  modelId: string,
  resultId: string,
  version: v2.V2Version = 'v2.1',
): Promise<v2.CopyOperationResult> {
  return pollUntil(
    (signal) => source.client(version).getCopyResult(modelId, resultId, { signal }),
    ({ status }) => status === 'succeeded' || status === 'failed',
  );
}

/** Analyzes a PDF and waits for a terminal state. */
export async function analyzePdf(
  region: TestRegion,
  modelId: string,
  pdf: Uint8Array | string,
  options: { readonly version?: v2.V2Version; readonly includeTextDetails?: boolean } = {},
): Promise<v2.AnalyzeOperationResult> {
  const client = region.client(options.version);
  const body = typeof pdf === 'string' ? await readFile(pdf) : pdf;
  const { resultId } = await client.analyze(
    modelId,
    { contentType: 'application/pdf', body },
    { includeTextDetails: options.includeTextDetails },
  );
  return await pollUntil(
    (signal) => client.getAnalyzeResult(modelId, resultId, { signal }),
    ({ status }) => status === 'succeeded' || status === 'failed',
  );
}

/** Field name to its text, selection marks by state; fields that were not found are left out. */
export function fieldTexts(result: v2.AnalyzeOperationResult): Record<string, string> {
  const fields = result.analyzeResult?.documentResults?.[0]?.fields ?? {};
  const texts: Record<string, string> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field === null) continue;
    texts[name] = field.type === 'selectionMark' ? (field.valueSelectionMark ?? '') : (field.text ?? '');
  }
  return texts;
}
