import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { EXIT, editorSchema, loadConfig, readSecret } from '@formhaven/dr';
import { readEndpoints } from '../endpoints.ts';
import { CONFIG_FILE, runCommand, UsageError } from '../replication-command.ts';

/** `formhaven config check` and `formhaven config schema`. */
export function configCommand(): Command {
  const check = new Command('check')
    .description('say whether formhaven.yaml can be meant as it stands, and if not, which settings disagree')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--keys', 'also look whether every key is where the file says')
    .option('--json', 'the result as JSON')
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const config = await loadConfig(options.config);
        if (options.keys === true) {
          for (const region of config.regions.values()) {
            await readSecret(region.key, { env: process.env, what: `the key of region ${region.name}` });
          }
          if (config.webhook !== undefined) await readSecret(config.webhook, { env: process.env, what: 'the webhook' });
        }
        const regions = config.regions.size;
        const policies = config.policies.length;
        console.log(
          options.json === true
            ? JSON.stringify({ ok: true, file: resolve(options.config), regions, policies })
            : `${options.config}: ${regions} regions, ${policies} ${policies === 1 ? 'policy' : 'policies'}, no contradictions.`,
        );
        return EXIT.fine;
      });
    });
  const schema = new Command('schema')
    .description('print the JSON Schema of formhaven.yaml, for editors')
    .exitOverride()
    .action(() => console.log(JSON.stringify(editorSchema(), undefined, 2)));
  const init = new Command('init')
    .description(
      'write a formhaven.yaml for the regions of `formhaven start`: everything of the first one goes to the others',
    )
    .option('--config <file>', 'the file to write', CONFIG_FILE)
    .option('--data <folder>', 'folder of the data of `formhaven start`', process.env.FORMHAVEN_DATA || 'data')
    .exitOverride()
    .action(async (options) => {
      await runCommand({}, async () => {
        await initConfig(options.config, resolve(options.data));
        console.log(`${options.config} is written. Next: formhaven replicate --dry-run`);
        return EXIT.fine;
      });
    });
  return new Command('config')
    .description('the configuration of replication')
    .exitOverride()
    .addCommand(init)
    .addCommand(check)
    .addCommand(schema);
}

/** Keys go into files of their own, which only their owner may read. An existing configuration is left alone. */
async function initConfig(file: string, dataFolder: string): Promise<void> {
  const regions = await readEndpoints(dataFolder);
  const [first, ...others] = regions ?? [];
  if (first === undefined || others.length === 0) {
    throw new UsageError(`${dataFolder} has no regions. Run formhaven start first, or name its folder by --data.`);
  }
  const folder = join(dataFolder, 'keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { region, key1 } of [first, ...others]) {
    await writeFile(join(folder, region), `${key1}\n`, { mode: 0o600 });
  }
  const entries = [first, ...others].map(({ region, endpoint, resourceId }) =>
    [
      `  ${region}:`,
      `    endpoint: ${endpoint}`,
      `    resourceId: ${resourceId}`,
      `    key: { file: ${JSON.stringify(join(folder, region))} }`,
    ].join('\n'),
  );
  const text = [
    '# Which models are protected, where, and how well. docs/replication.md explains every setting.',
    'version: 1',
    'regions:',
    ...entries,
    'policies:',
    '  all:',
    `    from: ${first.region}`,
    `    to: [${others.map(({ region }) => region).join(', ')}]`,
    '    rpo: 5m',
    '    deletes: { afterGrace: 7d }',
    '    aliases: byName',
    '',
  ].join('\n');
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new UsageError(`${file} is there already; it is left as it is.`);
    }
    throw error;
  }
}
