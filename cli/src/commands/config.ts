import { resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { EXIT, editorSchema, loadConfig, readSecret } from '@formhaven/dr';
import { CONFIG_FILE, runCommand } from '../replication-command.ts';

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
  return new Command('config')
    .description('the configuration of replication')
    .exitOverride()
    .addCommand(check)
    .addCommand(schema);
}
