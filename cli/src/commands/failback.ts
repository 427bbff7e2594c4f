import { setTimeout as delay } from 'node:timers/promises';
import { Command } from '@commander-js/extra-typings';
import type { FailbackPlan } from '@formhaven/gateway';
import { askGateway, findGateway, type GatewayAccess, GatewayRefused } from '../gateway-admin.ts';
import { runCommand, UsageError } from '../replication-command.ts';
import { operator } from './gateway.ts';

const OBSTACLES = 3;
const LOOK_MILLISECONDS = 1000;

/** `formhaven failback --to west`: the careful way back. Waits until nothing is missing there, drains, switches. */
export function failbackCommand(): Command {
  return new Command('failback')
    .description('give the writes and analyses back to a region that has returned, once nothing is missing there')
    .requiredOption('--to <region>', 'the region that has returned')
    .option('--plan', 'say what would be done and what is in the way; do nothing')
    .option('--wait <seconds>', 'how long to wait for replication to bring and prove what is missing', '0')
    .option('--reason <text>', 'for the audit log', 'failback')
    .option('--gateway <url>', 'where the gateway is')
    .option('--data <folder>', 'folder of the data of `formhaven start`', process.env.FORMHAVEN_DATA || 'data')
    .option('--json', 'the plan as JSON')
    .addHelpText('after', '\nExit codes: 0 done, or nothing is in the way; 3 something is in the way; 1 failed.')
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const seconds = Number(options.wait);
        if (!(seconds >= 0)) throw new UsageError('--wait takes seconds.');
        const access = await findGateway(options);
        const plan = await waitForPlan(access, options.to, options.plan === true ? 0 : seconds);
        if (options.plan === true || plan.obstacles.length > 0) {
          console.log(options.json === true ? JSON.stringify(plan, undefined, 2) : present(plan));
          return plan.obstacles.length === 0 ? 0 : OBSTACLES;
        }
        try {
          const body = { to: options.to, by: operator(), reason: options.reason };
          const done = await askGateway<FailbackPlan>(access, '/gateway/failback', body);
          console.log(options.json === true ? JSON.stringify(done, undefined, 2) : presentDone(done));
          return 0;
        } catch (error) {
          if (!(error instanceof GatewayRefused) || error.status !== 409) throw error;
          console.error(error.message);
          return OBSTACLES;
        }
      });
    }) as unknown as Command;
}

async function waitForPlan(access: GatewayAccess, to: string, seconds: number): Promise<FailbackPlan> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    const plan = await askGateway<FailbackPlan>(access, `/gateway/failback?to=${encodeURIComponent(to)}`);
    if (plan.obstacles.length === 0 || performance.now() > until) return plan;
    await delay(LOOK_MILLISECONDS);
  }
}

function present({ from, to, state, models, obstacles, unsettledWrites }: FailbackPlan): string {
  const proven = models.filter(({ there }) => there === 'proven').length;
  return [
    `From ${from} to ${to} (${state}): ${proven} of ${models.length} models are there and proven.`,
    ...models
      .filter(({ there }) => there !== 'proven')
      .map(({ id, name, there }) => `  ${id}  ${name ?? ''}  ${there}`),
    ...unsettledWrites.map(({ id, kind, region, problem }) => `  write ${id} (${kind} in ${region}): ${problem}`),
    ...(obstacles.length === 0
      ? ['Nothing is in the way: writes under way would be waited for, then the switch is made.']
      : ['In the way:', ...obstacles.map((obstacle) => `  ${obstacle}`)]),
  ].join('\n');
}

function presentDone({ from, to, models }: FailbackPlan): string {
  return `Writes and analyses go to ${to} again; all ${models.length} models of ${from} are there and proven.`;
}
