import { isEqualHash } from '../copy/authorize.ts';
import { sha256 } from '../models/manifest.ts';
import type { KeyHash, Resource, Store } from '../ports/store.ts';

// How long a withdrawn key may still open the door of this process. A new key opens it at once: a key that is not known is
// looked up before it is refused.
const CACHE_MILLISECONDS = 1000;
/** Unknown keys cause at most this many look-ups a second, so that guessing costs the store nothing. */
const MISS_MILLISECONDS = 100;

/** Finds the resource of a key. Keys are compared as hashes, every one of them, each in constant time. */
export class KeyRing {
  readonly #store: Pick<Store, 'keys' | 'resources'>;
  #keys: readonly KeyHash[] = [];
  #resources: readonly Resource[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(store: Pick<Store, 'keys' | 'resources'>) {
    this.#store = store;
  }

  async resourceOf(key: string | undefined): Promise<Resource | undefined> {
    if (key === undefined || key === '') return undefined;
    const hash = sha256(key);
    if (performance.now() - this.#readAt > CACHE_MILLISECONDS) await this.#read();
    const known = this.#find(hash);
    if (known !== undefined || performance.now() - this.#readAt < MISS_MILLISECONDS) return known;
    await this.#read();
    return this.#find(hash);
  }

  #find(hash: KeyHash['hash']): Resource | undefined {
    let name: string | undefined;
    for (const key of this.#keys) if (isEqualHash(key.hash, hash)) name = key.resource;
    return this.#resources.find((resource) => resource.name === name);
  }

  async #read(): Promise<void> {
    const [keys, resources] = await Promise.all([this.#store.keys(), this.#store.resources()]);
    this.#keys = keys;
    this.#resources = resources;
    this.#readAt = performance.now();
  }
}
