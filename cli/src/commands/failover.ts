import { Command } from '@commander-js/extra-typings';
import type { FailoverReport } from '@formhaven/gateway';
import { askGateway, findGateway } from '../gateway-admin.ts';
import { runCommand } from '../replication-command.ts';
import { operator } from './gateway.ts';

const LEFT_BEHIND = 3;

/** `formhaven failover --to east`: writes go there from now on. For a primary that is lost; `failback` is the careful way. */
export function failoverCommand(): Command {
  return new Command('failover')
    .description('move the writes to another region, at once; analyses move by themselves')
    .requiredOption('--to <region>', 'who takes the writes from now on')
    .option('--reason <text>', 'for the audit log', '')
    .option('--gateway <url>', 'where the gateway is')
    .option('--data <folder>', 'folder of the data of `formhaven start`', process.env.FORMHAVEN_DATA || 'data')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 moved and nothing is missing; 3 moved, but models or writes stayed behind; 1 not moved.\nThe old primary is fenced: no gateway writes to it any more, however late it wakes up.',
    )
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const body = { to: options.to, by: operator(), reason: options.reason };
        const report = await askGateway<FailoverReport>(await findGateway(options), '/gateway/failover', body);
        console.log(options.json === true ? JSON.stringify(report, undefined, 2) : present(report));
        return report.modelsLeftBehind.length + report.unsettledWrites.length === 0 ? 0 : LEFT_BEHIND;
      });
    }) as unknown as Command;
}

function present({ leadership, from, modelsLeftBehind, unsettledWrites }: FailoverReport): string {
  return [
    `Writes go to ${leadership.region}, epoch ${leadership.epoch}; ${from} gets none any more.`,
    ...(modelsLeftBehind.length === 0 ? [] : [`Only in ${from}, and back when it is: ${modelsLeftBehind.join(', ')}`]),
    ...unsettledWrites.map(
      ({ id, kind, region, problem }) =>
        `Write ${id} (${kind} in ${region}): ${problem}. Both versions are kept; look at them.`,
    ),
  ].join('\n');
}
