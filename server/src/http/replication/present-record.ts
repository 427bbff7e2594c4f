import type { Manifest } from '../../models/manifest.ts';
import type { ReadyModel } from '../v2/context.ts';

/** What a list of models does not say: the digest, and of what a composed model is made. */
export interface ModelRecord {
  readonly status: 'ready';
  readonly modelId: string;
  readonly digest: string;
}

export function presentRecord(model: ReadyModel): ModelRecord {
  return { status: 'ready', modelId: model.id, digest: model.state.digest };
}

/** Where the canaries of a manifest lie: its own, or one set for each component. */
export function canaryPaths(manifest: Manifest): readonly { readonly model: string; readonly canary: string }[] {
  return (manifest.components?.map(({ part }) => part) ?? ['model.json']).map((model) => ({
    model,
    canary: model.replace(/model\.json$/, 'canary.json'),
  }));
}
