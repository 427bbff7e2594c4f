import type { Manifest } from '../../models/manifest.ts';
import type { ReadyModel } from '../v2/context.ts';
import { presentDate } from '../v2/dates.ts';

/** What a list of models says, and its digest. */
export interface ModelRecord {
  readonly status: 'ready';
  readonly modelId: string;
  readonly digest: string;
  readonly modelName?: string;
  readonly createdDateTime: string;
  readonly lastUpdatedDateTime: string;
  readonly isComposed: boolean;
}

export function presentRecord(model: ReadyModel): ModelRecord {
  return {
    status: 'ready',
    modelId: model.id,
    digest: model.state.digest,
    ...(model.name === undefined ? {} : { modelName: model.name }),
    createdDateTime: presentDate(model.createdOn),
    lastUpdatedDateTime: presentDate(model.lastUpdatedOn),
    // The manifest is canonical JSON: inside a string these quotes would be escaped. Parsing thousands would cost seconds.
    isComposed: model.state.manifest.includes('"kind":"composed"'),
  };
}

/** Where the canaries of a manifest lie: its own, or one set for each component. */
export function canaryPaths(manifest: Manifest): readonly { readonly model: string; readonly canary: string }[] {
  return (manifest.components?.map(({ part }) => part) ?? ['model.json']).map((model) => ({
    model,
    canary: model.replace(/model\.json$/, 'canary.json'),
  }));
}
