import { Command } from '@commander-js/extra-typings';
import {
  assessPair,
  loadConfig,
  lookAt,
  openPairs,
  openState,
  type PairStatus,
  statusExitCode,
  systemClock,
} from '@formhaven/dr';
import { endSignal } from '../end-signal.ts';
import { CONFIG_FILE, runCommand } from '../replication-command.ts';
import { presentJson, presentPair } from '../status-table.ts';

/** `formhaven status`: is it safe now? */
export function statusCommand(): Command {
  return new Command('status')
    .description('how safe each model is: protected, behind, unproven, drifted, expiring or in conflict')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--policy <name...>', 'only these policies')
    .option('--json', 'as JSON; also where the output is no terminal')
    .addHelpText(
      'after',
      '\nExit codes: 0 every model is protected; 3 one is not, within the objective; 4 an objective is missed; 5 a region does not answer.',
    )
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const statuses = await lookAtPairs(options);
        const isJson = options.json === true || !process.stdout.isTTY;
        console.log(
          isJson ? presentJson(statuses) : statuses.map((status) => presentPair(status, { all: true })).join('\n\n'),
        );
        return statusExitCode(statuses);
      });
    });
}

/** Every pair as it is at this moment, each region looked at once. */
export async function lookAtPairs(options: {
  readonly config: string;
  readonly policy?: readonly string[] | undefined;
}): Promise<readonly PairStatus[]> {
  const config = await loadConfig(options.config);
  const pairs = await openPairs(config, process.env, options.policy);
  const signal = endSignal();
  const sides = [...new Set(pairs.flatMap(({ source, target }) => [source, target]))];
  const looks = new Map(
    await Promise.all(sides.map(async (side) => [side.name, await lookAt(side, systemClock, signal)] as const)),
  );
  using state = openState(config);
  return pairs.map(({ policy, source, target }) => {
    const [sourceLook, targetLook] = [looks.get(source.name), looks.get(target.name)];
    if (sourceLook === undefined || targetLook === undefined) throw new TypeError('every side was looked at');
    return assessPair({
      policy,
      to: target.name,
      policies: config.policies,
      source: sourceLook,
      target: targetLook,
      state,
      now: systemClock.now(),
    });
  });
}
