import type { ModelId } from '@formhaven/contract';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Model, ModelState } from '../ports/store.ts';
import { wholeSeconds } from '../whole-seconds.ts';
import { distinctParts, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { partKey, readPart } from './parts.ts';

type Component = NonNullable<Manifest['components']>[number];
type ReadyModel = Model & { readonly state: Extract<ModelState, { status: 'ready' }> };

/** Components beyond this number are refused (the service's limit for v2.1). */
export const MAX_COMPONENTS = 200;

export type ComposeProblem =
  /** Trained without labels: it has no document types to choose between. */
  | { readonly problem: 'unlabeled'; readonly modelId: ModelId }
  | { readonly problem: 'tooMany'; readonly count: number };

/**
 * One model of several labelled ones. It holds its components whole, so that it works, and is copied, without them. A composed
 * component counts as its own components.
 */
export async function composeModel(
  request: {
    readonly id: ModelId;
    readonly resource: string;
    readonly name: string | undefined;
    readonly components: readonly ReadyModel[];
  },
  parts: { readonly blobs: Blobs; readonly clock: Clock },
): Promise<{ readonly model: ReadyModel } | ComposeProblem> {
  const components: Component[] = [];
  const stored = new Map<string, Manifest['parts'][number]>();
  for (const component of request.components) {
    const manifest = readManifest(component.state.manifest);
    if (manifest.kind === 'unlabeled') return { problem: 'unlabeled', modelId: component.id };
    if (manifest.components === undefined) {
      const folder = `components/${component.id}`;
      for (const part of manifest.parts)
        stored.set(`${folder}/${part.path}`, { ...part, path: `${folder}/${part.path}` });
      components.push({
        modelId: component.id,
        ...(component.name === undefined ? {} : { name: component.name }),
        part: `${folder}/model.json`,
        trainResult: manifest.trainResult ?? { trainingDocuments: [], errors: [] },
      });
    } else {
      for (const part of manifest.parts) stored.set(part.path, part);
      for (const own of manifest.components) {
        if (!components.some((known) => known.modelId === own.modelId)) components.push(own);
      }
    }
  }
  if (components.length > MAX_COMPONENTS) return { problem: 'tooMany', count: components.length };

  const now = wholeSeconds(parts.clock.now());
  const manifest: Manifest = {
    format: 'formhaven-model/1',
    kind: 'composed',
    ...(request.name === undefined ? {} : { name: request.name }),
    createdOn: now.toISOString(),
    lastUpdatedOn: now.toISOString(),
    components,
    parts: [...stored.values()],
  };
  // Put again: should a component be deleted at this moment, the sweeper must not take its parts for old ones.
  for (const part of distinctParts(manifest)) {
    await parts.blobs.put(partKey(part.sha256), await readPart(parts.blobs, part.sha256));
  }
  const { text, digest } = writeManifest(manifest);
  return {
    model: {
      id: request.id,
      resource: request.resource,
      name: request.name,
      createdOn: now,
      lastUpdatedOn: now,
      state: { status: 'ready', digest, manifest: text },
    },
  };
}
