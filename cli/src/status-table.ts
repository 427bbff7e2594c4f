import { styleText } from 'node:util';
import { type ModelStatus, type PairStatus, presentDuration, type Sign } from '@formhaven/dr';
import Table from 'cli-table3';

const COLOURS: Readonly<Record<Sign, 'green' | 'yellow' | 'red' | 'cyan'>> = {
  '=': 'green',
  '+': 'yellow',
  '-': 'cyan',
  '*': 'yellow',
  '!': 'red',
};

/** One pair for people: a line about the objective, then its models. */
export function presentPair(status: PairStatus, options: { readonly all: boolean }): string {
  const { policy, from, to, lagMilliseconds, rpoMilliseconds, isMissed, counts } = status;
  const total = status.models.length;
  const objective = isMissed
    ? styleText(
        'red',
        `behind by ${presentDuration(lagMilliseconds)}, objective ${presentDuration(rpoMilliseconds)} MISSED`,
      )
    : `behind by ${presentDuration(lagMilliseconds)}, objective ${presentDuration(rpoMilliseconds)} met`;
  const head = `${styleText('bold', policy)}  ${from} → ${to}  ${counts.protected} of ${total} protected, ${objective}`;
  const lines = [head];
  for (const { region, reason } of status.unreachable)
    lines.push(styleText('red', `  ${region} does not answer: ${reason}`));
  const shown = options.all ? status.models : status.models.filter(({ sign }) => sign !== '=');
  if (shown.length > 0) lines.push(modelTable(shown));
  return lines.join('\n');
}

function modelTable(models: readonly ModelStatus[]): string {
  const table = new Table({
    head: ['', 'model', 'source', 'copy', 'state', 'behind', 'proven', 'why'],
    style: { head: [], border: [], compact: true },
    wordWrap: true,
    colWidths: [3, null, 10, 10, 12, 10, 12, reasonWidth()],
  });
  for (const model of models) {
    table.push([
      styleText(COLOURS[model.sign], model.sign),
      model.name ?? '',
      short(model.sourceId),
      short(model.targetId),
      model.protection,
      model.lagMilliseconds === 0 ? '' : presentDuration(model.lagMilliseconds),
      model.provenOn === undefined ? '' : `${presentDuration(Date.now() - model.provenOn)} ago`,
      model.reason,
    ]);
  }
  return table.toString();
}

/** What the other columns leave of the terminal, names of common length assumed. */
function reasonWidth(): number {
  return Math.min(80, Math.max(24, (process.stdout.columns || 140) - 90));
}

function short(id: string | undefined): string {
  return id === undefined ? '' : id.slice(0, 8);
}

/** For programs: the same, dates in ISO 8601. */
export function presentJson(statuses: readonly PairStatus[]): string {
  return JSON.stringify(
    {
      pairs: statuses.map((status) => ({
        ...status,
        models: status.models.map(({ provenOn, ...model }) => ({
          ...model,
          provenOn: provenOn === undefined ? null : new Date(provenOn).toISOString(),
        })),
      })),
    },
    undefined,
    2,
  );
}
