import { styleText } from 'node:util';
import { Command } from '@commander-js/extra-typings';
import { diffExitCode, type PairStatus } from '@formhaven/dr';
import { CONFIG_FILE, runCommand } from '../replication-command.ts';
import { presentJson } from '../status-table.ts';
import { lookAtPairs } from './status.ts';

/** `formhaven diff`: what differs between the regions of a policy? */
export function diffCommand(): Command {
  return new Command('diff')
    .description(
      'what differs: = equal and proven, + only at the source, - only at the target, * not known equal, ! conflict',
    )
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--policy <name...>', 'only these policies')
    .option('--all', 'also what is equal')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 both sides are equal and every copy is proven; 3 they differ; 5 a region does not answer.',
    )
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const statuses = await lookAtPairs(options);
        console.log(
          options.json === true ? presentJson(statuses) : statuses.map((status) => present(status, options)).join('\n'),
        );
        return diffExitCode(statuses);
      });
    });
}

function present(status: PairStatus, options: { readonly all?: true | undefined }): string {
  const lines = [`${status.policy}: ${status.from} → ${status.to}`];
  for (const { region, reason } of status.unreachable) lines.push(`  ${region} does not answer: ${reason}`);
  for (const { sign, name, sourceId, targetId, reason } of status.models) {
    if (sign === '=' && options.all !== true) continue;
    const what = `${name ?? ''} ${sourceId ?? '(none)'} → ${targetId ?? '(none)'}`.trim();
    lines.push(`${sign} ${what}  ${process.stdout.isTTY ? styleText('dim', reason) : reason}`);
  }
  const equal = status.models.filter(({ sign }) => sign === '=').length;
  lines.push(`${equal} equal and proven, ${status.models.length - equal} not.`);
  return lines.join('\n');
}
