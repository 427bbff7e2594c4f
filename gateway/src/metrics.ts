import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { nameOf } from './health/region-health.ts';
import type { RoutedRegion } from './router.ts';

const STATES = ['healthy', 'slow', 'dead', 'grey', 'erroring', 'unauthorized', 'returning', 'isolated'] as const;

export interface MetricSources {
  regions(): readonly RoutedRegion[];
  spoolBytes(): number;
  countOpen(): Promise<number>;
  epoch(): Promise<number>;
}

/** Everything Prometheus may ask of a gateway. Labels are names of regions and kinds of requests, never ids. */
export function createMetrics(sources: MetricSources) {
  const registry = new Registry();
  const registers = [registry];
  const collected = (name: string, help: string, collect: (gauge: Gauge) => Promise<void> | void): void => {
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => collect(gauge) });
  };
  collected('formhaven_gateway_spool_bytes', 'Documents of analyses, on the disk.', (gauge) =>
    gauge.set(sources.spoolBytes()),
  );
  collected('formhaven_gateway_open_analyses', 'Accepted analyses whose result has not been fetched.', async (gauge) =>
    gauge.set(await sources.countOpen()),
  );
  collected('formhaven_gateway_epoch', 'Epoch of the writes; grows with every failover.', async (gauge) =>
    gauge.set(await sources.epoch()),
  );
  new Gauge({
    name: 'formhaven_gateway_region_state',
    help: '1 for the state a region is in.',
    labelNames: ['region', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { link, health } of sources.regions()) {
        for (const state of STATES) this.set({ region: link.name, state }, nameOf(health.state) === state ? 1 : 0);
      }
    },
  });
  return {
    registry,
    requests: new Counter({
      name: 'formhaven_gateway_requests_total',
      help: 'Requests of clients, by what they ask for and the status they got.',
      labelNames: ['kind', 'status'],
      registers,
    }),
    seconds: new Histogram({
      name: 'formhaven_gateway_request_seconds',
      help: 'Time from the head of a request to the end of its answer.',
      labelNames: ['kind'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    calls: new Counter({
      name: 'formhaven_gateway_region_calls_total',
      help: 'Calls to regions, and what became of them.',
      labelNames: ['region', 'kind', 'outcome'],
      registers,
    }),
    canarySeconds: new Histogram({
      name: 'formhaven_gateway_canary_seconds',
      help: 'Canary analyses from sending to their result.',
      labelNames: ['region'],
      buckets: [0.25, 0.5, 1, 2.5, 5, 10, 20],
      registers,
    }),
    canaries: new Counter({
      name: 'formhaven_gateway_canaries_total',
      help: 'Canary analyses by outcome.',
      labelNames: ['region', 'outcome'],
      registers,
    }),
    switches: new Counter({
      name: 'formhaven_gateway_switches_total',
      help: 'Changes of the region that analyses prefer.',
      labelNames: ['from', 'to'],
      registers,
    }),
    reruns: new Counter({
      name: 'formhaven_gateway_reruns_total',
      help: 'Analyses run again in another region.',
      labelNames: ['from', 'to'],
      registers,
    }),
    lost: new Counter({
      name: 'formhaven_gateway_lost_analyses_total',
      help: 'Analyses given up because no region could run them.',
      labelNames: ['region'],
      registers,
    }),
  };
}

export type GatewayMetrics = ReturnType<typeof createMetrics>;
