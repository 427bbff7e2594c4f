import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type GatewayEndpoint, newKey } from './endpoints.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';

// The gateway that `formhaven start` brings up beside its regions. It reads them from endpoints.json, so that rotated keys reach it
// by themselves; its own keys are hashed in gateway.json and stand in the clear in endpoints.json alone.

export interface GatewayBeside {
  readonly published: GatewayEndpoint;
  stop(): Promise<void>;
}

const RESTART_MILLISECONDS = 500;

/** Starts it, and starts it again on its port whenever it ends, until everything ends. */
export async function startGatewayBeside(options: {
  readonly dataFolder: string;
  readonly port: number;
  /** What an earlier start gave out: keys stay. */
  readonly before: GatewayEndpoint | undefined;
  readonly ending: AbortSignal;
  readonly logLevel?: string;
}): Promise<GatewayBeside> {
  const { dataFolder, before, ending } = options;
  const keys = {
    key1: before?.key1 ?? newKey(),
    key2: before?.key2 ?? newKey(),
    adminKey: before?.adminKey ?? newKey(),
  };
  const configFile = join(dataFolder, 'gateway.json');
  const config = {
    regionsFile: 'endpoints.json',
    clientKeys: [hash(keys.key1), hash(keys.key2)],
    adminKeys: [hash(keys.adminKey)],
  };
  await writeFile(`${configFile}.tmp`, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${configFile}.tmp`, configFile);
  const start = (port: number): Promise<GatewayProcess> =>
    startGatewayProcess({
      FORMHAVEN_GATEWAY_CONFIG: configFile,
      FORMHAVEN_GATEWAY_DATA: join(dataFolder, 'gateway'),
      FORMHAVEN_GATEWAY_PORT: String(port),
      FORMHAVEN_MODEL_MAP: process.env.FORMHAVEN_MODEL_MAP || join(dataFolder, 'model-map.json'),
      FORMHAVEN_LOG_LEVEL: process.env.FORMHAVEN_LOG_LEVEL || options.logLevel || 'warn',
    });
  let gateway = await start(options.port);
  const { endpoint } = gateway;
  const keepAlive = async (): Promise<void> => {
    for (;;) {
      await gateway.ended;
      if (ending.aborted) return;
      console.error('The gateway ended; starting it again.');
      await delay(RESTART_MILLISECONDS);
      if (ending.aborted) return;
      try {
        gateway = await start(Number(new URL(endpoint).port));
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
  };
  void keepAlive();
  return { published: { endpoint, ...keys }, stop: () => gateway.stop() };
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
