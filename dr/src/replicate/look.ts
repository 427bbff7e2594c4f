import { type ModelId, parseModelId, ServiceError, type Sha256, v2 } from '@formhaven/contract';
import type { Clock } from '../clock.ts';
import type { ChangePosition, Side } from '../sides/side.ts';

export interface ModelView {
  readonly id: ModelId;
  readonly status: v2.ModelStatus;
  readonly name: string | undefined;
  readonly createdDateTime: string;
  readonly lastUpdatedDateTime: string;
  readonly isComposed: boolean;
  /** Of Formhaven regions. */
  readonly digest: Sha256 | undefined;
}

/** What a region held at one time; or why that is not known, which never counts as empty. */
export type Look =
  | {
      readonly ok: true;
      readonly on: number;
      /** Taken before the list, so that whatever the list missed is a change after it. */
      readonly position: ChangePosition | undefined;
      readonly models: ReadonlyMap<ModelId, ModelView>;
    }
  | { readonly ok: false; readonly on: number; readonly reason: string };

/** The whole list of a region. Formhaven regions list their ready models alone. */
export async function lookAt(side: Side, clock: Clock, signal: AbortSignal): Promise<Look> {
  const on = clock.now();
  try {
    const models = new Map<ModelId, ModelView>();
    const { replication } = side;
    if (replication !== undefined) {
      const position = await replication.position({ signal });
      for await (const { modelId, ...record } of replication.listRecords({ signal })) {
        models.set(modelId, { ...record, id: modelId, status: 'ready' });
      }
      return { ok: true, on, position, models };
    }
    for await (const info of listModels(side, signal)) {
      const id = parseModelId(info.modelId);
      if (id === undefined) continue;
      models.set(id, {
        id,
        status: info.status,
        name: info.modelName,
        createdDateTime: info.createdDateTime,
        lastUpdatedDateTime: info.lastUpdatedDateTime,
        isComposed: info.attributes?.isComposed === true,
        digest: undefined,
      });
    }
    return { ok: true, on, position: undefined, models };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ServiceError || error instanceof v2.RequestFailure) {
      return { ok: false, on, reason: reasonOf(error) };
    }
    throw error;
  }
}

async function* listModels(side: Side, signal: AbortSignal): AsyncGenerator<v2.ModelInfo> {
  const seen = new Set<string>();
  let nextLink: string | undefined;
  do {
    const page = await side.api.listModelsPage(nextLink, { signal });
    yield* page.modelList;
    nextLink = page.nextLink || undefined;
    if (nextLink !== undefined && seen.has(nextLink)) {
      throw new v2.RequestFailure('invalidAnswer', 'the list of models leads back to a page it has shown');
    }
    if (nextLink !== undefined) seen.add(nextLink);
  } while (nextLink !== undefined);
}

/** In one line, without anything secret: the client masks keys, and tokens are in no answer that is kept. */
export function reasonOf(error: unknown): string {
  if (error instanceof ServiceError) return `${error.status} ${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : 'unknown reason';
}
