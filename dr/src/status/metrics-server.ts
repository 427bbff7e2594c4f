import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { placesOf, versionOf } from '../aliases/alias.ts';
import type { State } from '../state/state.ts';
import type { PairStatus } from './assess.ts';
import type { DrMetrics } from './metrics.ts';

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

/** `/metrics` for Prometheus, `/status` and `/aliases` as JSON, `/health`. Reads only; bind it where only the operators are. */
export async function serveMetrics(options: {
  readonly host: string;
  readonly port: number;
  readonly metrics: DrMetrics;
  readonly state: State;
  readonly statuses: () => readonly PairStatus[];
}): Promise<MetricsServer> {
  const { host, port, metrics, state, statuses } = options;
  const answers: Readonly<Record<string, () => Promise<{ readonly type: string; readonly body: string }>>> = {
    '/metrics': async () => ({ type: metrics.contentType, body: await metrics.text() }),
    '/status': async () => json({ pairs: statuses() }),
    '/aliases': async () => json({ aliases: presentAliases(state) }),
    '/health': async () => json({ status: 'ok' }),
  };
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? answers[request.url?.split('?')[0] ?? ''] : undefined;
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    answer().then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface PresentedAlias {
  readonly name: string;
  readonly current: number | undefined;
  readonly previous: number | undefined;
  readonly versions: readonly {
    readonly version: number;
    readonly addedOn: string;
    readonly models: ReturnType<typeof placesOf>;
  }[];
  /** Region to the id that serves there. */
  readonly serves: Readonly<Record<string, string>>;
}

export function presentAliases(state: State): readonly PresentedAlias[] {
  const replicas = state.replicas();
  return state.aliases().map((alias) => {
    const current = versionOf(alias, alias.current);
    const places = current === undefined ? [] : placesOf(current, replicas).filter(({ isProven }) => isProven);
    return {
      name: alias.name,
      current: alias.current,
      previous: alias.previous,
      versions: alias.versions.map((version) => ({
        version: version.version,
        addedOn: new Date(version.addedOn).toISOString(),
        models: placesOf(version, replicas),
      })),
      serves: Object.fromEntries(places.map(({ region, modelId }) => [region, modelId])),
    };
  });
}

function json(value: unknown): { type: string; body: string } {
  return { type: 'application/json; charset=utf-8', body: `${JSON.stringify(value, undefined, 2)}\n` };
}
