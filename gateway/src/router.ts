import type { ModelId, Region } from '@formhaven/contract';
import type { RegionHealth } from './health/region-health.ts';
import type { IdMap } from './id-map.ts';
import type { RegionLink } from './region-link.ts';
import type { ModelHome } from './store/store.ts';
import { TokenBucket } from './token-bucket.ts';

/** One region as routing sees it. */
export interface RoutedRegion {
  readonly link: RegionLink;
  readonly health: RegionHealth;
}

/** A region that may be asked, and what it calls the model. */
export interface Candidate {
  readonly region: RoutedRegion;
  readonly modelId: ModelId | undefined;
}

export interface RouterParts {
  regions(): readonly RoutedRegion[];
  idMap(): IdMap;
  now(): number;
  random(): number;
  /** Analyses go elsewhere from now on. */
  switched(from: Region, to: Region): void;
}

interface Throttle {
  until: number;
}

/**
 * In which order regions are asked. Without weights one region, the preferred one, takes everything while it is well; when it is
 * not, the next one becomes the preferred and stays so, also when the first returns: one fault, one switch. The way back is a
 * person's `failback`. With weights each analysis is drawn among the regions that are well.
 */
export class Router {
  readonly #parts: RouterParts;
  readonly #throttles = new Map<Region, Throttle>();
  readonly #quotas = new Map<Region, { readonly perSecond: number; readonly bucket: TokenBucket }>();
  #preferred: Region;

  constructor(parts: RouterParts, preferred: Region) {
    this.#parts = parts;
    this.#preferred = preferred;
  }

  get preferred(): Region {
    return this.#preferred;
  }

  /** After a failover or failback by a person. */
  prefer(region: Region): void {
    this.#preferred = region;
  }

  find(name: Region): RoutedRegion | undefined {
    return this.#parts.regions().find(({ link }) => link.name === name);
  }

  /** Regions that are well; where none is, every one that is not isolated: better a try than a refusal. */
  usable(): readonly RoutedRegion[] {
    const regions = this.#parts.regions();
    const well = regions.filter(({ health }) => health.takesWork);
    return well.length > 0 ? well : regions.filter(({ health }) => health.state.status !== 'isolated');
  }

  /** Whether anything can be expected of any region. */
  get isAnyWell(): boolean {
    return this.#parts.regions().some(({ health }) => health.takesWork);
  }

  /** For reading: the preferred region first, then the others, each with its id for the model. */
  forReading(clientId: ModelId | undefined, home: ModelHome | undefined): readonly Candidate[] {
    this.keepPreferred();
    const ordered = this.#preferredFirst(this.usable());
    return this.#withModel(ordered, clientId, home);
  }

  /** For analyses: by weight where there are weights, throttled regions and those whose quota is used up last. */
  forAnalysis(clientId: ModelId | undefined, home: ModelHome | undefined): readonly Candidate[] {
    this.keepPreferred();
    const usable = this.usable();
    const isWeighted = usable.some(({ link }) => link.config.weight !== undefined);
    const ordered = isWeighted ? this.#drawn(usable) : this.#preferredFirst(usable);
    const free = ordered.filter(({ link }) => !this.isThrottled(link.name));
    return this.#withModel([...free, ...ordered.filter((region) => !free.includes(region))], clientId, home);
  }

  /** Every region that may have the model, asked for or not: only all of them together can say that it is nowhere. */
  placesOf(clientId: ModelId | undefined, home: ModelHome | undefined): readonly Region[] {
    if (clientId === undefined) return [];
    const places = this.#parts.idMap().placesOf(clientId);
    if (places !== undefined) return places.map(({ region }) => region);
    return home?.status === 'made' ? [home.region] : this.#parts.regions().map(({ link }) => link.name);
  }

  /** Takes one analysis off the region's quota. False where it is used up. */
  takeQuota(region: RoutedRegion): boolean {
    return this.#quotaOf(region)?.take() ?? true;
  }

  /** Seconds until the soonest of these takes another analysis. */
  secondsToWait(candidates: readonly Candidate[]): number {
    const waits = candidates.map(({ region }) => {
      const throttle = this.#throttles.get(region.link.name);
      const throttled = throttle === undefined ? 0 : Math.max(0, (throttle.until - this.#parts.now()) / 1000);
      return Math.max(throttled, this.#quotaOf(region)?.secondsToWait ?? 0);
    });
    return Math.max(1, Math.ceil(waits.length === 0 ? 1 : Math.min(...waits)));
  }

  throttle(region: Region, seconds: number): void {
    this.#throttles.set(region, { until: this.#parts.now() + seconds * 1000 });
  }

  isThrottled(region: Region): boolean {
    const throttle = this.#throttles.get(region);
    return throttle !== undefined && throttle.until > this.#parts.now();
  }

  /** Leaves the preferred region where it is out and another is well. */
  keepPreferred(): void {
    const regions = this.#parts.regions();
    const current = regions.find(({ link }) => link.name === this.#preferred);
    if (current?.health.takesWork === true) return;
    const next = regions.find(({ health }) => health.takesWork);
    if (next === undefined) return;
    const from = this.#preferred;
    this.#preferred = next.link.name;
    this.#parts.switched(from, next.link.name);
  }

  #preferredFirst(regions: readonly RoutedRegion[]): readonly RoutedRegion[] {
    return regions.toSorted((a, b) => this.#rank(a) - this.#rank(b));
  }

  #rank(region: RoutedRegion): number {
    return region.link.name === this.#preferred ? 0 : 1;
  }

  /** A weighted draw without putting back: the first is the choice, the rest the order of second choices. */
  #drawn(regions: readonly RoutedRegion[]): readonly RoutedRegion[] {
    // Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006: order by u^(1/w).
    return regions
      .map((region) => ({ region, key: this.#parts.random() ** (1 / Math.max(1e-9, region.link.config.weight ?? 0)) }))
      .toSorted((a, b) => b.key - a.key)
      .map(({ region }) => region);
  }

  #withModel(
    regions: readonly RoutedRegion[],
    clientId: ModelId | undefined,
    home: ModelHome | undefined,
  ): readonly Candidate[] {
    if (clientId === undefined) return regions.map((region) => ({ region, modelId: undefined }));
    const places = this.#parts.idMap().placesOf(clientId);
    if (places === undefined) {
      // The map does not know it: it is where it was made, under the id it got there.
      if (home?.status !== 'made') return regions.map((region) => ({ region, modelId: clientId }));
      const region = regions.find(({ link }) => link.name === home.region);
      return region === undefined ? [] : [{ region, modelId: clientId }];
    }
    const candidates = regions.flatMap((region) => {
      const place = places.find((candidate) => candidate.region === region.link.name);
      return place === undefined ? [] : [{ region, modelId: place.modelId, isProven: place.isProven }];
    });
    return [...candidates.filter(({ isProven }) => isProven), ...candidates.filter(({ isProven }) => !isProven)];
  }

  #quotaOf(region: RoutedRegion): TokenBucket | undefined {
    const perSecond = region.link.config.requestsPerSecond;
    if (perSecond === undefined) return undefined;
    const known = this.#quotas.get(region.link.name);
    if (known?.perSecond === perSecond) return known.bucket;
    const bucket = new TokenBucket({ perSecond, now: () => this.#parts.now() });
    this.#quotas.set(region.link.name, { perSecond, bucket });
    return bucket;
  }
}
