import { type ModelId, type ModelMap, parseModelId, parseRegion, type Region } from '@formhaven/contract';

/** Where a model can be had. */
export interface ModelPlace {
  readonly region: Region;
  readonly modelId: ModelId;
  readonly isProven: boolean;
}

/** The model map, looked up both ways. Ids are GUIDs, so that one of a region is never another model's elsewhere. */
export class IdMap {
  readonly #places = new Map<ModelId, readonly ModelPlace[]>();
  readonly #clientIds = new Map<ModelId, ModelId>();

  constructor(map: ModelMap) {
    for (const model of map.models) {
      const clientId = parseModelId(model.id);
      if (clientId === undefined) continue;
      const places: ModelPlace[] = [];
      for (const [name, { modelId, isProven }] of Object.entries(model.regions)) {
        const region = parseRegion(name);
        const id = parseModelId(modelId);
        if (region === undefined || id === undefined) continue;
        places.push({ region, modelId: id, isProven });
        // A second alias of one model keeps the name it was first known by.
        if (!this.#clientIds.has(id)) this.#clientIds.set(id, clientId);
      }
      this.#places.set(clientId, places);
    }
  }

  /** Undefined where the map does not know the model: it then has the same id everywhere it is. */
  placesOf(clientId: ModelId): readonly ModelPlace[] | undefined {
    return this.#places.get(clientId);
  }

  /** What clients call a model that a region calls so. */
  clientIdOf(regionId: ModelId): ModelId {
    return this.#clientIds.get(regionId) ?? regionId;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Every model with its places. */
  entries(): IterableIterator<[ModelId, readonly ModelPlace[]]> {
    return this.#places.entries();
  }
}
