import { resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { GatewayConfigError, type GatewayStatus, startGateway } from '@formhaven/gateway';
import { askGateway, findGateway } from '../gateway-admin.ts';
import { runCommand, UsageError } from '../replication-command.ts';

/** `formhaven gateway`: one endpoint in front of several regions; below it, what a person may do to one that runs. */
export function gatewayCommand(): Command {
  const command = new Command('gateway')
    .description('serve one endpoint in front of several regions')
    .option('--config <file>', 'regions and keys', process.env.FORMHAVEN_GATEWAY_CONFIG || 'gateway.json')
    .option('--data <folder>', 'store and spool', process.env.FORMHAVEN_GATEWAY_DATA || 'gateway-data')
    .option('--model-map <file>', 'which ids are one model, as replication writes it', process.env.FORMHAVEN_MODEL_MAP)
    .option('--host <address>', 'address to listen on', process.env.FORMHAVEN_GATEWAY_HOST || '127.0.0.1')
    .option('--port <number>', 'port, 0 for any', process.env.FORMHAVEN_GATEWAY_PORT || '8700')
    .option('--public-url <url>', 'what clients reach it by', process.env.FORMHAVEN_GATEWAY_PUBLIC_URL)
    .option(
      '--witness <seconds>',
      'move the writes by itself when the primary has been dead for so long',
      process.env.FORMHAVEN_GATEWAY_WITNESS_SECONDS,
    )
    .addHelpText(
      'after',
      `
The configuration, read anew when it changes (docs/gateway.md):
  {"regions": [{"region", "endpoint", "key1": {"env": "NAME"} or {"file": "PATH"}, "key2"}],
   "clientKeys": ["SHA-256 of a key"], "adminKeys": ["SHA-256 of a key"]}`,
    )
    // `gateway status --data` is the data of `status`, not of the gateway.
    .enablePositionalOptions()
    .exitOverride()
    .action(async (options) => {
      await runCommand({}, async () => {
        try {
          await serve(options);
        } catch (error) {
          if (error instanceof GatewayConfigError) throw new UsageError(error.message);
          throw error;
        }
        return 0;
      });
    });
  command.addCommand(statusCommand()).addCommand(handCommand('isolate')).addCommand(handCommand('release'));
  return command as unknown as Command;
}

async function serve(options: {
  readonly config: string;
  readonly data: string;
  readonly modelMap?: string | undefined;
  readonly host: string;
  readonly port: string;
  readonly publicUrl?: string | undefined;
  readonly witness?: string | undefined;
}): Promise<void> {
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError('--port takes a number from 0 to 65535.');
  const witnessSeconds = options.witness === undefined || options.witness === '' ? undefined : Number(options.witness);
  if (witnessSeconds !== undefined && !(witnessSeconds > 0)) throw new UsageError('--witness takes seconds.');
  await using gateway = await startGateway({
    configFile: resolve(options.config),
    dataFolder: resolve(options.data),
    modelMapFile: options.modelMap === undefined ? undefined : resolve(options.modelMap),
    host: options.host,
    port,
    publicUrl: options.publicUrl,
    witnessSeconds,
    logLevel: process.env.FORMHAVEN_LOG_LEVEL || 'info',
  });
  process.send?.({ endpoint: gateway.endpoint });
  if (process.send === undefined) console.log(`The gateway serves at ${gateway.endpoint}. Ctrl-C ends it.`);
  await new Promise<void>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
    if (process.connected) process.once('disconnect', () => end());
  });
  if (process.connected) process.disconnect();
}

function statusCommand(): Command {
  return new Command('status')
    .description('states of the regions, who takes the writes, what is under way')
    .option('--gateway <url>', 'where the gateway is')
    .option('--data <folder>', 'folder of the data of `formhaven start`', process.env.FORMHAVEN_DATA || 'data')
    .option('--json', 'the whole answer as JSON')
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const status = await askGateway<GatewayStatus>(await findGateway(options), '/gateway/status');
        console.log(options.json === true ? JSON.stringify(status, undefined, 2) : presentStatus(status));
        return status.regions.some(({ state }) => state === 'healthy' || state === 'slow') ? 0 : 1;
      });
    }) as unknown as Command;
}

function handCommand(kind: 'isolate' | 'release'): Command {
  const description =
    kind === 'isolate'
      ? 'take a region out of use until it is released'
      : 'let a region back in, once it has shown itself well';
  return new Command(kind)
    .description(description)
    .argument('<region>')
    .option('--reason <text>', 'for the audit log', '')
    .option('--gateway <url>', 'where the gateway is')
    .option('--data <folder>', 'folder of the data of `formhaven start`', process.env.FORMHAVEN_DATA || 'data')
    .option('--json', 'the status afterwards as JSON')
    .exitOverride()
    .action(async (region, options) => {
      await runCommand(options, async () => {
        const path = `/gateway/regions/${encodeURIComponent(region)}/${kind}`;
        const body = { by: operator(), reason: options.reason };
        const status = await askGateway<GatewayStatus>(await findGateway(options), path, body);
        console.log(options.json === true ? JSON.stringify(status, undefined, 2) : presentStatus(status));
        return 0;
      });
    }) as unknown as Command;
}

/** Who the audit log names. */
export function operator(): string {
  return process.env.FORMHAVEN_OPERATOR || process.env.USER || 'command line';
}

function presentStatus(status: GatewayStatus): string {
  const { writes, regions, preferred } = status;
  const width = Math.max(...regions.map(({ region }) => region.length));
  return [
    ...regions.map(({ region, state, endpoint }) => {
      const roles = [region === writes.region ? 'writes' : '', region === preferred ? 'analyses' : ''].filter(Boolean);
      return `${region.padEnd(width)}  ${state.padEnd(12)}  ${endpoint}  ${roles.join(', ')}`;
    }),
    `writes: epoch ${writes.epoch}, ${writes.mode}, since ${writes.since} (${writes.reason || writes.by})`,
    `analyses under way: ${status.openAnalyses}; spool: ${status.spool.bytes} bytes; models known: ${status.models}`,
    ...(status.unsettledWrites.length === 0
      ? []
      : [`writes of unknown outcome: ${status.unsettledWrites.length} (formhaven gateway status --json lists them)`]),
  ].join('\n');
}
