import { Command } from '@commander-js/extra-typings';
import {
  type Action,
  type Config,
  DrMetrics,
  EXIT,
  loadConfig,
  lockFile,
  lockOrchestrator,
  Orchestrator,
  openPairs,
  openState,
  type Pair,
  type PairStatus,
  type ReplicationEvent,
  readSecret,
  replicationParts,
  type State,
  serveMetrics,
  statusExitCode,
  UndeleteError,
  undelete,
  Webhook,
} from '@formhaven/dr';
import { endSignal } from '../end-signal.ts';
import { ProgressLine } from '../progress-line.ts';
import { CONFIG_FILE, runCommand, UsageError } from '../replication-command.ts';
import { presentJson, presentPair } from '../status-table.ts';

/** `formhaven replicate`: copy what changed and prove it, once or for as long as it runs. */
export function replicateCommand(): Command {
  return new Command('replicate')
    .description('copy what changed, prove it, and clear up: once, or with --watch as a service')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--policy <name...>', 'only these policies')
    .option('--watch', 'go on until it is stopped; changes are taken up as they happen')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--accept-deletes', 'the deletes that the guard holds are meant')
    .option('--undelete <modelId>', 'bring a model back to its source from its copy, by the id it had')
    .option('--metrics-port <number>', 'with --watch: serve /metrics, /status and /aliases; 0 for any free port')
    .option('--metrics-host <address>', 'address of the metrics', '127.0.0.1')
    .option('--json', 'the result as JSON; with --watch an event a line')
    .addHelpText(
      'after',
      '\nExit codes: 0 every model is protected; 3 one is not, within the objective; 4 an objective is missed; 5 a region does not answer; 6 the mass-delete guard holds deletes.',
    )
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const port = options.metricsPort === undefined ? undefined : Number(options.metricsPort);
        if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
          throw new UsageError('--metrics-port takes a number from 0 to 65535.');
        }
        if (port !== undefined && options.watch !== true) throw new UsageError('--metrics-port goes with --watch.');
        if (options.watch === true && options.dryRun === true)
          throw new UsageError('--watch and --dry-run exclude each other.');
        const config = await loadConfig(options.config);
        const pairs = await openPairs(config, process.env, options.policy);
        if (options.dryRun === true) return await dryRun(config, pairs, options.json === true);
        using _lock = lockOrchestrator(lockFile(config));
        using state = openState(config);
        if (options.undelete !== undefined) return await bringBack(options.undelete, pairs, state);
        if (options.watch === true) {
          return await watch(config, pairs, state, { port, host: options.metricsHost });
        }
        return await once(config, pairs, state, {
          json: options.json === true,
          acceptDeletes: options.acceptDeletes === true,
        });
      });
    });
}

async function dryRun(config: Config, pairs: readonly Pair[], isJson: boolean): Promise<number> {
  using state = openState(config);
  const orchestrator = orchestratorOf(config, pairs, state, () => undefined);
  const signal = endSignal();
  let isUnreachable = false;
  const plans: { policy: string; to: string; actions: readonly Action[] }[] = [];
  for (const runner of orchestrator.runners) {
    const { source, target, actions } = await runner.preview(signal);
    plans.push({ policy: runner.pair.policy.name, to: runner.pair.target.name, actions });
    for (const [name, look] of [
      [runner.pair.source.name, source],
      [runner.pair.target.name, target],
    ] as const) {
      if (look.ok) continue;
      isUnreachable = true;
      console.error(`${name} does not answer: ${look.reason}`);
    }
  }
  if (isJson) console.log(JSON.stringify({ plans }, undefined, 2));
  else
    for (const { policy, to, actions } of plans)
      console.log([`${policy} → ${to}`, ...actions.map(presentAction)].join('\n'));
  if (isUnreachable) return EXIT.unreachable;
  return plans.every(({ actions }) => actions.length === 0) ? EXIT.fine : EXIT.notProtected;
}

function presentAction(action: Action): string {
  switch (action.do) {
    case 'copy':
      return `  copy ${action.model.name ?? ''} ${action.key.sourceId}: ${action.reason}`;
    case 'note':
      return `  ${action.key.sourceId} waits: ${action.key.to} does not answer`;
    case 'adopt':
      return `  use ${action.targetId}, which is ${action.key.sourceId} already`;
    case 'prove':
      return `  prove ${action.key.sourceId}: ${action.reason}`;
    case 'conflict':
      return `  conflict ${action.key.sourceId}: ${action.reason}`;
    case 'bury':
      return `  deleted at the source: ${action.key.sourceId}; its copy is kept ${action.dueOn === undefined ? 'for good' : `until ${new Date(action.dueOn).toISOString()}`}`;
    case 'unbury':
      return `  back at the source: ${action.key.sourceId}`;
    case 'hold':
      return `  ${action.keys.length} of ${action.copies} deletes held by the guard`;
    case 'deleteCopy':
      return `  delete ${action.targetId}: the grace of ${action.key.sourceId} is over`;
    case 'forget':
      return `  forget ${action.key.sourceId}: deleted before it was copied`;
    case 'removeLeftover':
      return `  remove ${action.leftover.modelId}: left by an attempt, or replaced`;
    default:
      throw new TypeError(`unknown action ${JSON.stringify(action satisfies never)}`);
  }
}

async function once(
  config: Config,
  pairs: readonly Pair[],
  state: State,
  options: { readonly json: boolean; readonly acceptDeletes: boolean },
): Promise<number> {
  using progress = new ProgressLine('protecting');
  const count = { total: 0, proven: 0, held: 0 };
  const webhook = await webhookOf(config);
  const orchestrator = orchestratorOf(config, pairs, state, (event) => {
    webhook?.tell(event, new Date());
    if (event.event === 'proven') count.proven++;
    if (event.event === 'deletes-held') count.held += event.count;
    if (event.event === 'failed') progress.say(`${event.replica.name ?? event.replica.sourceId}: ${event.error}`);
    // Whatever is reported just now is still counted among the busy.
    const busy = orchestrator.busyCount - (event.event === 'proven' ? 1 : 0);
    count.total = Math.max(count.total, count.proven + busy);
    progress.update(count.proven, count.total);
  });
  if (options.acceptDeletes) for (const runner of orchestrator.runners) runner.acceptDeletes();
  const statuses = await orchestrator.once(endSignal());
  await webhook?.drained();
  progress[Symbol.dispose]();
  if (options.json) console.log(presentJson(statuses));
  else {
    console.log(statuses.map((status) => presentPair(status, { all: false })).join('\n'));
    if (count.held > 0)
      console.log(
        `${count.held} deletes are held: look at formhaven diff, then run with --accept-deletes if they are meant.`,
      );
  }
  return count.held > 0 ? EXIT.held : statusExitCode(statuses);
}

async function watch(
  config: Config,
  pairs: readonly Pair[],
  state: State,
  options: { readonly port: number | undefined; readonly host: string },
): Promise<number> {
  const metrics = new DrMetrics();
  const statuses = new Map<string, PairStatus>();
  const webhook = await webhookOf(config);
  const report = (event: ReplicationEvent): void => {
    metrics.count(event);
    webhook?.tell(event, new Date());
    console.log(JSON.stringify({ time: new Date().toISOString(), ...presentEvent(event) }));
  };
  const orchestrator = orchestratorOf(config, pairs, state, report, (status) => {
    statuses.set(`${status.policy}>${status.to}`, status);
    metrics.observe(status);
  });
  await using opened = new AsyncDisposableStack();
  if (options.port !== undefined) {
    const server = await serveMetrics({
      ...options,
      port: options.port,
      metrics,
      state,
      statuses: () => [...statuses.values()],
    });
    opened.use(server);
    console.log(
      JSON.stringify({ time: new Date().toISOString(), event: 'metrics', host: options.host, port: server.port }),
    );
  }
  const signal = endSignal();
  try {
    await orchestrator.watch(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  await webhook?.drained();
  return EXIT.fine;
}

/** What a log needs of an event: ids and reasons, not the whole record. */
function presentEvent(event: ReplicationEvent): Readonly<Record<string, unknown>> {
  if (!('replica' in event)) return event;
  const { replica, ...rest } = event;
  const { from, sourceId, to, name, state } = replica;
  const targetId = 'targetId' in state ? state.targetId : undefined;
  return { ...rest, from, to, sourceId, targetId, name };
}

async function bringBack(text: string, pairs: readonly Pair[], state: State): Promise<number> {
  const id = text.toLowerCase();
  for (const pair of pairs) {
    const replica = state
      .replicas({ from: pair.source.name, to: pair.target.name })
      .find(({ sourceId }) => sourceId === id);
    if (replica === undefined) continue;
    const newId = await undelete(
      replica,
      pair,
      replicationParts(state, () => undefined),
      endSignal(),
    );
    console.log(newId);
    return EXIT.fine;
  }
  throw new UndeleteError(`no policy has a copy of ${text}; formhaven status lists what there is`);
}

function orchestratorOf(
  config: Config,
  pairs: readonly Pair[],
  state: State,
  report: (event: ReplicationEvent) => void,
  onStatus: (status: PairStatus) => void = () => undefined,
): Orchestrator {
  return new Orchestrator(
    { pairs, policies: config.policies, pollMilliseconds: config.pollMilliseconds, onStatus },
    replicationParts(state, report),
  );
}

async function webhookOf(config: Config): Promise<Webhook | undefined> {
  if (config.webhook === undefined) return undefined;
  const url = await readSecret(config.webhook, { env: process.env, what: 'the webhook' });
  return new Webhook(url, (reason) =>
    console.error(JSON.stringify({ time: new Date().toISOString(), event: 'webhook-failed', reason })),
  );
}
