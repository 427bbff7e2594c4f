import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ReplicationEvent } from '../replicate/parts.ts';
import type { PairStatus, Protection } from './assess.ts';

/** What Prometheus may ask of an orchestrator that watches. */
export class DrMetrics {
  readonly #registry = new Registry();
  readonly #models = this.#gauge('formhaven_dr_models', 'Models by how safe they are.', ['protection']);
  readonly #lag = this.#gauge('formhaven_dr_lag_seconds', 'How far the standby is behind: the worst model.');
  readonly #rpo = this.#gauge('formhaven_dr_rpo_seconds', 'The objective for the lag.');
  readonly #missed = this.#gauge('formhaven_dr_objective_missed', '1 while the lag is beyond the objective.');
  readonly #unreachable = this.#gauge('formhaven_dr_unreachable_regions', 'Regions of the pair that do not answer.');
  readonly #copies = this.#counter('formhaven_dr_copies_total', 'Models copied.', ['from', 'to']);
  readonly #proofs = this.#counter('formhaven_dr_proofs_total', 'Copies proven.', ['from', 'to']);
  readonly #failures = this.#counter('formhaven_dr_failures_total', 'Attempts that failed.', ['from', 'to']);
  readonly #protectSeconds = new Histogram({
    name: 'formhaven_dr_protect_seconds',
    help: 'From a change at the source to the proof at the standby.',
    labelNames: ['from', 'to'],
    buckets: [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900],
    registers: [this.#registry],
  });

  observe(status: PairStatus): void {
    const labels = { policy: status.policy, from: status.from, to: status.to };
    for (const [protection, count] of Object.entries(status.counts) as [Protection, number][]) {
      this.#models.set({ ...labels, protection }, count);
    }
    this.#lag.set(labels, status.lagMilliseconds / 1000);
    this.#rpo.set(labels, status.rpoMilliseconds / 1000);
    this.#missed.set(labels, status.isMissed ? 1 : 0);
    this.#unreachable.set(labels, status.unreachable.length);
  }

  count(event: ReplicationEvent): void {
    if (event.event !== 'copied' && event.event !== 'proven' && event.event !== 'failed') return;
    const labels = { from: event.replica.from, to: event.replica.to };
    switch (event.event) {
      case 'copied':
        this.#copies.inc(labels);
        return;
      case 'proven':
        this.#proofs.inc(labels);
        if (event.milliseconds !== undefined) this.#protectSeconds.observe(labels, event.milliseconds / 1000);
        return;
      case 'failed':
        this.#failures.inc(labels);
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string, more: readonly string[] = []): Gauge<string> {
    return new Gauge({ name, help, labelNames: ['policy', 'from', 'to', ...more], registers: [this.#registry] });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter<string> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }
}
