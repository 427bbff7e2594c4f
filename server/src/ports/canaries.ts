/** What a model finds on one of its canaries: a path such as `0/Total` to the value there, null where there is none. */
export interface CanaryFindings {
  readonly name: string;
  readonly found: Readonly<Record<string, string | null>>;
}

export interface CanarySet {
  /** The extraction model's file. */
  readonly model: string;
  /** JSON of samples' layout and of what the model found on them when it was trained. */
  readonly canary: string;
}

/**
 * Runs a model on the canaries that travel with it: their pages were read when it was trained, so nothing is recognized anew.
 * Away from the thread that asks, within a time limit.
 */
export interface Canaries extends AsyncDisposable {
  /** At most `samples` of them. `expected` is what the canary set itself says. */
  run(
    set: CanarySet,
    samples: number,
    signal: AbortSignal,
  ): Promise<{ readonly found: readonly CanaryFindings[]; readonly expected: readonly CanaryFindings[] }>;
}
