import { join, resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { rotateKey } from '@formhaven/server';
import { newKey, readEndpoints, writeEndpoints } from '../endpoints.ts';

/** `formhaven keys rotate`: a new key for one slot, while the region serves or not. The other key goes on working. */
export function keysCommand(): Command {
  const rotate = new Command('rotate')
    .description('replace one of the two keys of a region; the other one goes on working')
    .requiredOption('--region <name>', 'the region, such as westus2')
    .requiredOption('--key <1|2>', 'which of the two keys to replace')
    .option('--data <folder>', 'folder of the data of `formhaven start`', process.env.FORMHAVEN_DATA || 'data')
    .addHelpText(
      'after',
      '\nMove clients to key 2, rotate key 1, move them back, rotate key 2: no client is ever without a key.\nExample:\n  formhaven keys rotate --region westus2 --key 1',
    )
    .exitOverride()
    .action(async (options) => {
      if (options.key !== '1' && options.key !== '2') throw new Error('--key takes 1 or 2.');
      const slot = options.key === '1' ? 1 : 2;
      const dataFolder = resolve(options.data);
      const regions = await readEndpoints(dataFolder);
      if (regions !== undefined && !regions.some(({ region }) => region === options.region)) {
        throw new Error(
          `${dataFolder} has no region ${options.region}, but ${regions.map(({ region }) => region).join(' and ')}.`,
        );
      }
      const key = newKey();
      // A folder of `formhaven start` has a folder for each region; one of `formhaven serve` is the region's own.
      const regionFolder = regions === undefined ? dataFolder : join(dataFolder, options.region);
      await rotateKey({ dataFolder: regionFolder, region: options.region, slot, key });
      if (regions !== undefined) {
        const changed = slot === 1 ? { key1: key } : { key2: key };
        await writeEndpoints(
          dataFolder,
          regions.map((entry) => (entry.region === options.region ? { ...entry, ...changed } : entry)),
        );
      }
      console.log(`New key ${slot} of ${options.region}; the old one is refused within a second:\n  ${key}`);
    });
  return new Command('keys').description('the two keys of a region').exitOverride().addCommand(rotate);
}
