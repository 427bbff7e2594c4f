import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from '@commander-js/extra-typings';
import { parseRegion } from '@formhaven/contract';
import { defaultResourceId, lockFolder } from '@formhaven/server';
import { endSignal } from '../end-signal.ts';
import {
  endpointsFile,
  type GatewayEndpoint,
  keepFirstStart,
  newKey,
  type RegionEndpoint,
  readEndpoints,
  readGatewayEndpoint,
  takeEndpoints,
  writeEndpoints,
} from '../endpoints.ts';
import { type GatewayBeside, startGatewayBeside } from '../gateway-beside.ts';
import { type RegionProcess, startRegion } from '../region-process.ts';

const RESTART_MILLISECONDS = 500;

/** `formhaven start`: two regions, each a process of its own, on this machine. */
export function startCommand(): Command {
  return new Command('start')
    .description('start several regions on this machine, each a process of its own')
    .option('--regions <names>', 'regions to start, comma-separated', process.env.FORMHAVEN_REGIONS || 'westus2,eastus')
    .option('--data <folder>', 'folder of the data', process.env.FORMHAVEN_DATA || 'data')
    .option(
      '--port <number>',
      'port of the first region, 0 for any; the next ones follow',
      process.env.FORMHAVEN_PORT || '8710',
    )
    .option('--gateway', 'one more process: a gateway in front of the regions')
    .option('--gateway-port <number>', 'port of the gateway, 0 for any', process.env.FORMHAVEN_GATEWAY_PORT || '8700')
    .addHelpText('after', '\nEverything `formhaven serve --help` lists is passed on to the regions.')
    .action(async (options) => {
      await startRegions({
        names: options.regions.split(',').map((name) => name.trim()),
        dataFolder: resolve(options.data),
        port: Number(options.port),
        gatewayPort: options.gateway === true ? Number(options.gatewayPort) : undefined,
      });
    });
}

async function startRegions(options: {
  readonly names: readonly string[];
  readonly dataFolder: string;
  readonly port: number;
  /** Undefined: no gateway. */
  readonly gatewayPort: number | undefined;
}): Promise<void> {
  const { names, dataFolder, port, gatewayPort } = options;
  for (const name of names) {
    if (parseRegion(name) === undefined) {
      throw new Error(`--regions takes names of lower-case letters and digits, not ${JSON.stringify(name)}.`);
    }
  }
  if (!isPort(port)) throw new Error('--port takes a number from 0 to 65535.');
  if (gatewayPort !== undefined && !isPort(gatewayPort)) {
    throw new Error('--gateway-port takes a number from 0 to 65535.');
  }
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await using _lock = await lockFolder(dataFolder, { what: 'formhaven start' });

  const gatewayBefore = await readGatewayEndpoint(dataFolder);
  const before = (await takeEndpoints(dataFolder)) ?? [];
  const planned: RegionEndpoint[] = names.map(
    (region) =>
      before.find((entry) => entry.region === region) ?? {
        region,
        endpoint: '',
        resourceId: resourceIdOf(region),
        key1: newKey(),
        key2: newKey(),
      },
  );
  await keepFirstStart(dataFolder, planned);

  const ending = endSignal();
  const running = new Map<string, RegionProcess>();
  let gateway: GatewayBeside | undefined;
  const peersFile = join(dataFolder, 'peers.json');
  const start = async (entry: RegionEndpoint, atPort: number): Promise<void> => {
    const region = await startRegion({
      FORMHAVEN_REGION: entry.region,
      FORMHAVEN_RESOURCE_ID: entry.resourceId,
      FORMHAVEN_DATA: join(dataFolder, entry.region),
      FORMHAVEN_PORT: String(atPort),
      FORMHAVEN_KEY1: entry.key1,
      FORMHAVEN_KEY2: entry.key2,
      FORMHAVEN_PEERS_FILE: peersFile,
      // People read this terminal; `info` brings every request and job.
      FORMHAVEN_LOG_LEVEL: process.env.FORMHAVEN_LOG_LEVEL || 'warn',
    });
    running.set(entry.region, region);
    // Ctrl-C came while it started, perhaps after the others were told to stop.
    if (ending.aborted) await region.stop();
  };
  const publish = async (): Promise<readonly RegionEndpoint[]> => {
    // Keys may have been rotated since the start: what the file says of them stands.
    const known = (await readEndpoints(dataFolder)) ?? planned;
    const regions = known.map((entry) => ({
      ...entry,
      endpoint: running.get(entry.region)?.endpoint ?? entry.endpoint,
    }));
    await writePeers(peersFile, regions);
    await writeEndpoints(dataFolder, regions, gateway?.published ?? 'none');
    return regions;
  };

  let kept: readonly Promise<void>[] = [];
  try {
    const started = await Promise.allSettled(
      planned.map((entry, index) => start(entry, port === 0 ? 0 : port + index)),
    );
    const failed = started.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (gatewayPort !== undefined) {
      // It reads the regions from endpoints.json, which therefore comes first.
      await publish();
      gateway = await startGatewayBeside({ dataFolder, port: gatewayPort, before: gatewayBefore, ending });
    }
    if (!ending.aborted) console.log(welcome(await publish(), dataFolder, gateway?.published));
    kept = planned.map((entry) => keepAlive(entry, { running, start, ending }));
    await new Promise<void>((done) => {
      if (ending.aborted) done();
      else ending.addEventListener('abort', () => done(), { once: true });
    });
    console.log('\nDraining; accepted work goes on at the next start.');
  } finally {
    await gateway?.stop();
    await Promise.all([...running.values()].map((region) => region.stop()));
    await Promise.all(kept);
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

/** A region that dies is started again, on the port it had, as a service manager would. Resolves when everything ends. */
async function keepAlive(
  entry: RegionEndpoint,
  parts: {
    readonly running: Map<string, RegionProcess>;
    readonly start: (entry: RegionEndpoint, port: number) => Promise<void>;
    readonly ending: AbortSignal;
  },
): Promise<void> {
  const { running, start, ending } = parts;
  for (;;) {
    const region = running.get(entry.region);
    if (region === undefined) return;
    const { code, signal } = await region.ended;
    if (ending.aborted) return;
    console.error(`Region ${entry.region} ended (${signal ?? `exit code ${code}`}); starting it again.`);
    for (;;) {
      await delay(RESTART_MILLISECONDS);
      if (ending.aborted) return;
      try {
        await start(entry, Number(new URL(region.endpoint).port));
        break;
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
  }
}

async function writePeers(file: string, regions: readonly RegionEndpoint[]): Promise<void> {
  const peers = regions.map(({ region, resourceId, endpoint }) => ({ region, resourceId, endpoint }));
  await writeFile(`${file}.tmp`, `${JSON.stringify(peers, undefined, 2)}\n`);
  await rename(`${file}.tmp`, file);
}

function resourceIdOf(name: string): string {
  const region = parseRegion(name);
  if (region === undefined) throw new TypeError('names are checked before');
  return defaultResourceId(region);
}

function welcome(regions: readonly RegionEndpoint[], dataFolder: string, gateway: GatewayEndpoint | undefined): string {
  const [first] = regions;
  const blocks = regions.map(
    ({ region, endpoint, resourceId, key1, key2 }) =>
      `  ${region}  ${endpoint}\n    resource id  ${resourceId}\n    key 1        ${key1}\n    key 2        ${key2}\n`,
  );
  return [
    '',
    `Formhaven is up: ${regions.map(({ region }) => region).join(' and ')}, data in ${dataFolder}`,
    '',
    ...blocks,
    ...(gateway === undefined
      ? []
      : [`  gateway  ${gateway.endpoint}\n    key 1        ${gateway.key1}\n    key 2        ${gateway.key2}\n`]),
    'Ask the first one how many models it has:',
    `  curl -H "Ocp-Apim-Subscription-Key: ${first?.key1}" "${first?.endpoint}/formrecognizer/v2.1/custom/models?op=summary"`,
    '',
    `The same as JSON: ${endpointsFile(dataFolder)}. See it lose a region: npm run demo. Ctrl-C ends it.`,
  ].join('\n');
}
