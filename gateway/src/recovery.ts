import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelId, Region } from '@formhaven/contract';
import type { GatewayParts } from './parts.ts';
import { DamagedDocument } from './spool/frames.ts';
import type { SpooledDocument } from './spool/spool.ts';
import type { StoredOperation } from './store/store.ts';
import { type Submission, submitAnalysis } from './submit-analysis.ts';

/** Longer than a region has to accept a document; then another gateway may try. */
const CLAIM_MILLISECONDS = 30_000;
const AT_ONCE = 8;
const BATCH = 64;

export type RecoveryParts = Omit<GatewayParts, 'recovery' | 'config'> & { regions(): readonly Region[] };

/**
 * Runs the open analyses of a region that is out again in another one, under the id the client has. Every gateway does so for what
 * it finds in the store; a claim keeps them from doing it twice, and the generation makes the first to finish the one that counts.
 */
export class Recovery implements AsyncDisposable {
  readonly #parts: RecoveryParts;
  readonly #ending = new AbortController();
  readonly #everyMilliseconds: number;
  readonly #underWay = new Map<string, Promise<void>>();
  /** Since when an operation has been refused by every region that is left. */
  readonly #failingSince = new Map<string, number>();
  #loop: Promise<void> | undefined;

  constructor(parts: RecoveryParts, options: { readonly everyMilliseconds: number }) {
    this.#parts = parts;
    this.#everyMilliseconds = options.everyMilliseconds;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Resolves when it has been tried. Never rejects. */
  rerun(operation: StoredOperation): Promise<void> {
    const known = this.#underWay.get(operation.id);
    if (known !== undefined) return known;
    const attempt = this.#rerun(operation)
      .catch((error: unknown) => {
        if (this.#ending.signal.aborted) return;
        this.#parts.log.error({ event: 'rerun-failed', operation: operation.id, err: error });
      })
      .finally(() => this.#underWay.delete(operation.id));
    this.#underWay.set(operation.id, attempt);
    return attempt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#loop;
    await Promise.all(this.#underWay.values());
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { router, store, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await sleep(this.#everyMilliseconds, undefined, { signal, ref: false });
        for (const name of this.#parts.regions()) {
          const region = router.find(name);
          if (region?.health.takesWork === true || !router.isAnyWell) continue;
          await inParallel(await store.openAnalyses(name, BATCH), (operation) => this.rerun(operation));
        }
      } catch (error) {
        if (signal.aborted) return;
        log.error({ event: 'recovery-failed', err: error });
      }
    }
  }

  async #rerun(operation: StoredOperation): Promise<void> {
    const { store, router, log, metrics, instance, limits } = this.#parts;
    const { work } = operation;
    if (work.kind !== 'analyze' || work.document === undefined) return;
    const claim = { generation: operation.generation, by: instance, now: this.#parts.now() };
    const claimMilliseconds = Math.max(CLAIM_MILLISECONDS, limits.acceptMilliseconds * 2);
    if (!(await store.claimRerun(operation.id, { ...claim, milliseconds: claimMilliseconds }))) return;

    const clientId = work.target.kind === 'custom' ? (work.target.modelId as ModelId) : undefined;
    const home = clientId === undefined ? undefined : await store.modelHome(clientId);
    const candidates = router
      .forAnalysis(clientId, home)
      .filter(({ region }) => region.link.name !== operation.region || region.health.takesWork);
    let submission: Submission;
    try {
      submission = await submitAnalysis(this.#parts, candidates, work, {
        version: operation.version,
        document: work.document,
        // Of the regions that are left; the one that had it is lost.
        places: [],
        signal: this.#ending.signal,
      });
    } catch (error) {
      if (!(error instanceof DamagedDocument)) throw error;
      log.error({ event: 'document-damaged', operation: operation.id, err: error });
      await this.#giveUp(operation, work.document, 'the document that was kept to run it again cannot be read');
      return;
    }
    if (submission.kind === 'accepted') {
      const isMoved = await store.moveOperation(operation.id, operation, submission);
      if (!isMoved) return;
      this.#failingSince.delete(operation.id);
      metrics.reruns.inc({ from: operation.region, to: submission.region });
      log.info({ event: 'rerun', operation: operation.id, from: operation.region, to: submission.region });
      return;
    }
    // The claim is given back, so that the next round may try; unless it has been tried for long enough.
    await store.releaseRerun(operation.id, { by: instance });
    const since = this.#failingSince.get(operation.id) ?? performance.now();
    this.#failingSince.set(operation.id, since);
    if (performance.now() - since < limits.lostAfterMilliseconds || submission.kind === 'throttled') return;
    this.#failingSince.delete(operation.id);
    const why =
      submission.kind === 'refused'
        ? `${submission.region} refuses it`
        : submission.reasons.join('; ') || 'none is in use';
    await this.#giveUp(operation, work.document, `no other region can run it: ${why}`);
  }

  async #giveUp(operation: StoredOperation, document: SpooledDocument, why: string): Promise<void> {
    const { store, spool, log, metrics } = this.#parts;
    const message = `${operation.region}, which was running this analysis, is out of reach, and ${why}.`;
    if (!(await store.markLost(operation.id, operation, this.#parts.now(), message))) return;
    metrics.lost.inc({ region: operation.region });
    log.error({ event: 'analysis-lost', operation: operation.id, region: operation.region });
    await spool.remove(document);
  }
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
