import { Command } from '@commander-js/extra-typings';
import {
  EXIT,
  loadConfig,
  openPairs,
  openState,
  presentOutcome,
  replicationParts,
  type Verified,
  verifyReplica,
} from '@formhaven/dr';
import { endSignal } from '../end-signal.ts';
import { ProgressLine } from '../progress-line.ts';
import { CONFIG_FILE, runCommand, UsageError } from '../replication-command.ts';

/** `formhaven verify`: prove copies now, whatever the age of their last proof. */
export function verifyCommand(): Command<[string[]]> {
  return new Command('verify')
    .description('prove copies again: descriptions, every byte, and what the models find on their canaries')
    .argument('[models...]', 'names or source ids; all where none is given')
    .option('--config <file>', 'the configuration', CONFIG_FILE)
    .option('--policy <name...>', 'only these policies')
    .option('--oldest <number>', 'only so many, those with the oldest proofs: for a nightly share')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 all are proven; 3 one is not; 5 a region does not answer.\nIt may run beside formhaven replicate --watch.',
    )
    .exitOverride()
    .action(async (models, options) => {
      await runCommand(options, async () => {
        const limit = options.oldest === undefined ? Number.POSITIVE_INFINITY : Number(options.oldest);
        if (!(limit > 0)) throw new UsageError('--oldest takes a number above 0.');
        const config = await loadConfig(options.config);
        const pairs = await openPairs(config, process.env, options.policy);
        using state = openState(config);
        using progress = new ProgressLine('proving');
        const signal = endSignal();
        const parts = replicationParts(state, () => undefined);
        const wanted = new Set(models.map((model) => model.toLowerCase()));
        const tasks = pairs
          .flatMap((pair) =>
            state.replicas({ from: pair.source.name, to: pair.target.name }).map((replica) => ({ pair, replica })),
          )
          .filter(
            ({ replica: { name, sourceId } }) =>
              wanted.size === 0 || wanted.has(sourceId) || (name !== undefined && wanted.has(name.toLowerCase())),
          )
          .toSorted((a, b) => provenOn(a.replica) - provenOn(b.replica))
          .slice(0, Math.min(limit, Number.MAX_SAFE_INTEGER));
        const found: Verified[] = [];
        let next = 0;
        const worker = async (): Promise<void> => {
          for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) {
            const verified = await verifyReplica(task.replica, task.pair, parts, signal);
            if (verified !== undefined) found.push(verified);
            progress.update(found.length, tasks.length);
          }
        };
        await Promise.all(Array.from({ length: 8 }, worker));
        progress[Symbol.dispose]();
        print(found, options.json === true);
        if (found.some(({ outcome }) => outcome.outcome === 'unreachable')) return EXIT.unreachable;
        const isProven = found.length > 0 || tasks.length === 0;
        return isProven && found.every(({ outcome }) => outcome.outcome === 'proven') ? EXIT.fine : EXIT.notProtected;
      });
    });
}

function print(found: readonly Verified[], isJson: boolean): void {
  if (isJson) {
    const models = found.map(({ replica: { from, sourceId, to, name }, outcome }) => ({
      from,
      to,
      sourceId,
      name,
      ...outcome,
    }));
    console.log(JSON.stringify({ models }, undefined, 2));
    return;
  }
  for (const { replica, outcome } of found) {
    const sign =
      outcome.outcome === 'proven' ? '=' : outcome.outcome === 'damaged' && outcome.side === 'source' ? '!' : '*';
    console.log(`${sign} ${replica.name ?? ''} ${replica.sourceId} → ${replica.to}  ${presentOutcome(outcome)}`);
  }
  const proven = found.filter(({ outcome }) => outcome.outcome === 'proven').length;
  console.log(`${proven} of ${found.length} proven.`);
}

function provenOn({ state }: Verified['replica']): number {
  return state.phase === 'protected' ? state.proof.on : 0;
}
