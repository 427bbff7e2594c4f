import { Command } from '@commander-js/extra-typings';
import { SETTINGS, serveRegion } from '@formhaven/server';

/** `formhaven serve`: one region, configured by its environment. */
export function serveCommand(): Command {
  const settings = SETTINGS.map(({ name, help }) => `  ${name}\n      ${help}`).join('\n');
  return new Command('serve')
    .description('serve one region, configured by the environment')
    .addHelpText('after', `\nSettings:\n${settings}\n\nExample:\n  FORMHAVEN_REGION=westus2 formhaven serve`)
    .action(async () => {
      const region = await serveRegion(process.env);
      if (region.newKeys !== undefined) {
        console.log('New keys of this resource; they are stored hashed and shown only now:');
        console.log(`  key1 ${region.newKeys[0]}\n  key2 ${region.newKeys[1]}`);
      }
      if (process.connected) process.send?.({ endpoint: region.endpoint });
      if (process.send === undefined)
        console.log(`Region ${region.region} serves at ${region.endpoint}. Ctrl-C ends it.`);
      await region.ended;
    });
}
