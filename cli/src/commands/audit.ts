import { Command } from '@commander-js/extra-typings';
import { parseSha256 } from '@formhaven/contract';
import { type AuditEntry, EXIT, loadConfig, openState, verifyChain } from '@formhaven/dr';
import { CONFIG_FILE, runCommand, UsageError } from '../replication-command.ts';

/** `formhaven audit`: what was done, and that nobody rewrote it. */
export function auditCommand(): Command {
  const verify = new Command('verify')
    .description('check every link of the hash chain')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--head <sha256>', 'a hash noted earlier, which must be in the chain: tells whether its end was cut off')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExit codes: 0 the chain holds; 3 it does not.')
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const head = options.head === undefined ? undefined : parseSha256(options.head.toLowerCase());
        if (options.head !== undefined && head === undefined)
          throw new UsageError('--head takes a SHA-256 in hexadecimal.');
        const config = await loadConfig(options.config);
        using state = openState(config);
        const verdict = verifyChain(state.audit(), head);
        if (options.json === true) console.log(JSON.stringify(verdict));
        else if (verdict.ok)
          console.log(`${verdict.entries} entries, the chain holds. Its head, to be noted elsewhere:\n${verdict.head}`);
        else console.log(`The chain does not hold at entry ${verdict.sequence}: ${verdict.problem}.`);
        return verdict.ok ? EXIT.fine : EXIT.notProtected;
      });
    });
  const list = new Command('list')
    .description('print the entries, oldest first')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--json', 'one JSON object a line, with the hashes')
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const config = await loadConfig(options.config);
        using state = openState(config);
        for (const entry of state.audit()) console.log(options.json === true ? JSON.stringify(entry) : present(entry));
        return EXIT.fine;
      });
    });
  return new Command('audit')
    .description('the log of every copy, proof, alias move and delete')
    .exitOverride()
    .addCommand(verify)
    .addCommand(list);
}

function present(entry: AuditEntry): string {
  const details = Object.entries(entry.details).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : String(value)}`,
  );
  return `${String(entry.sequence).padStart(6)}  ${new Date(entry.on).toISOString()}  ${entry.event}  ${details.join(' ')}`;
}
