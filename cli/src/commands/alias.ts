import { Command } from '@commander-js/extra-typings';
import { parseModelId } from '@formhaven/contract';
import {
  AliasError,
  addVersion,
  type Config,
  EXIT,
  loadConfig,
  openState,
  type PresentedAlias,
  presentAliases,
  removeAlias,
  rollBack,
  type State,
  systemClock,
} from '@formhaven/dr';
import Table from 'cli-table3';
import { CONFIG_FILE, runCommand, UsageError } from '../replication-command.ts';

/** `formhaven alias`: one name for a model whose id differs per region. */
export function aliasCommand(): Command {
  const list = new Command('list')
    .description('every alias, its versions, and the id that serves in each region')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--json', 'as JSON')
    .exitOverride()
    .action(async (options) => {
      await withState(options, ({ state }) => {
        const aliases = presentAliases(state);
        console.log(options.json === true ? JSON.stringify({ aliases }, undefined, 2) : table(aliases));
        return EXIT.fine;
      });
    });
  const resolve = new Command('resolve')
    .description('print the model id that serves a name in a region')
    .argument('<alias>')
    .requiredOption('--region <name>', 'the region’s name in the configuration')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .exitOverride()
    .action(async (name, options) => {
      await withState(options, ({ state }) => {
        const id = presentAliases(state).find((alias) => alias.name === name)?.serves[options.region];
        if (id === undefined) throw new AliasError(`${name} serves no proven model in ${options.region}`);
        console.log(id);
        return EXIT.fine;
      });
    });
  const set = new Command('set')
    .description('a further version: it serves once it is copied and proven wherever its policies copy it')
    .argument('<alias>')
    .argument('<modelId>')
    .requiredOption('--region <name>', 'the region where the model was made')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .exitOverride()
    .action(async (name, text, options) => {
      await withState(options, ({ state, config }) => {
        const modelId = parseModelId(text);
        if (modelId === undefined) throw new UsageError('the model id must be a GUID.');
        if (!config.regions.has(options.region))
          throw new UsageError(`the configuration has no region ${options.region}.`);
        const known = state
          .replicas()
          .find((replica) => replica.from === options.region && replica.sourceId === modelId);
        const model = { region: options.region, modelId, modelName: known?.name };
        const alias = addVersion(name, model, { state, now: systemClock.now() });
        console.log(
          `${name}: version ${alias.versions.at(-1)?.version}. It moves with the next round of formhaven replicate.`,
        );
        return EXIT.fine;
      });
    });
  const rollback = new Command('rollback')
    .description('back to the version that served before; the newer one is not moved to again by itself')
    .argument('<alias>')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .exitOverride()
    .action(async (name, options) => {
      await withState(options, ({ state }) => {
        const alias = rollBack(name, { state, now: systemClock.now() });
        console.log(`${name} serves version ${alias.current} again.`);
        return EXIT.fine;
      });
    });
  const remove = new Command('remove')
    .description('forget an alias; its models stay')
    .argument('<alias>')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .exitOverride()
    .action(async (name, options) => {
      await withState(options, ({ state }) => {
        removeAlias(name, { state, now: systemClock.now() });
        return EXIT.fine;
      });
    });
  const alias = new Command('alias').description('stable names for models whose ids differ per region').exitOverride();
  for (const command of [list, resolve, set, rollback, remove]) alias.addCommand(command);
  return alias;
}

async function withState(
  options: { readonly config: string; readonly json?: true | undefined },
  run: (opened: { readonly state: State; readonly config: Config }) => number,
): Promise<void> {
  await runCommand(options, async () => {
    const config = await loadConfig(options.config);
    using state = openState(config);
    return run({ state, config });
  });
}

function table(aliases: readonly PresentedAlias[]): string {
  const rows = new Table({ head: ['alias', 'version', 'serves'], style: { head: [], border: [], compact: true } });
  for (const { name, current, versions, serves } of aliases) {
    const ids = Object.entries(serves).map(([region, id]) => `${region} ${id}`);
    rows.push([name, `${current ?? 'none'} of ${versions.at(-1)?.version ?? 0}`, ids.join('\n')]);
  }
  return rows.toString();
}
