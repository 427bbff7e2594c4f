/** What is remembered of one region: it is left alone after a failure, twice as long each time. */
interface Standing {
  wait: number;
  until: number;
}

const FIRST_WAIT_MILLISECONDS = 1000;
const LONGEST_WAIT_MILLISECONDS = 30_000;

/**
 * Which region is asked first. The first one of the list is preferred until it fails; the one that answered instead is then
 * preferred, also when the first returns: one fault, one switch.
 */
export class RegionChoice<Region> {
  readonly #regions: readonly Region[];
  readonly #standings = new Map<Region, Standing>();
  #preferred: Region | undefined;

  constructor(regions: readonly Region[]) {
    this.#regions = regions;
    this.#preferred = regions[0];
  }

  /** All of them; those that are left alone come last, since a try is better than a refusal. */
  order(): readonly Region[] {
    return this.#regions.toSorted((a, b) => this.#rank(a) - this.#rank(b));
  }

  isLeftAlone(region: Region): boolean {
    return (this.#standings.get(region)?.until ?? 0) > performance.now();
  }

  failed(region: Region): void {
    const before = this.#standings.get(region)?.wait ?? FIRST_WAIT_MILLISECONDS / 2;
    const wait = Math.min(LONGEST_WAIT_MILLISECONDS, before * 2);
    this.#standings.set(region, { wait, until: performance.now() + wait * (0.75 + 0.5 * Math.random()) });
  }

  /** It took work. Nothing is forgiven while it is left alone: answers that were under way say nothing new. */
  worked(region: Region): void {
    if (this.isLeftAlone(region)) return;
    this.#standings.delete(region);
    if (this.#preferred === undefined || this.isLeftAlone(this.#preferred)) this.#preferred = region;
  }

  #rank(region: Region): number {
    return (this.isLeftAlone(region) ? 2 : 0) + (region === this.#preferred ? 0 : 1);
  }
}
