import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { v2 } from '@formhaven/contract';
import { expectedFields, readStatement } from '../../test/kit/forms.ts';
import { killWhole } from '../../test/kit/processes.ts';
import { startRegions, type TestRegion } from '../../test/kit/regions.ts';
import { forgetParts } from '../../test/kit/stored.ts';
import { fieldTexts, startCopy, trainStatements } from '../../test/kit/work.ts';

// How long the main job takes: to accept a form, to copy a model, to recognize in the other region once the first is lost, and to
// serve again. Two regions on this machine, real forms, the store and limits of a normal start.

const ACCEPTED = 300;
const COPIES = 15;
const LOSSES = 7;
// Fine enough not to show in what is measured.
const POLL_MILLISECONDS = 5;

interface Measured {
  readonly what: string;
  readonly milliseconds: readonly number[];
}

const form = await readStatement('Invoice_6.pdf');
const expected = JSON.stringify(sorted(await expectedFields('Invoice_6.pdf')));
const measured: Measured[] = [];

await using regions = await startRegions(['westus2', 'eastus'], { FORMHAVEN_LOG_LEVEL: 'warn' });
const [source, target] = [regions.region('westus2'), regions.region('eastus')];
const { modelInfo } = await trainStatements(source);
const { modelId } = modelInfo;

// Once, so that nobody is measured waking up.
await recognize(source, modelId);
let copiedId = await copy();
await recognize(target, copiedId);

measured.push({ what: 'copy of the sample model: POST copy → succeeded', milliseconds: await timeCopies() });
measured.push(...(await timeAccepting()));
measured.push(...(await timeLosses()));

const table = toTable(measured);
console.log(table);
await writeFile(join(import.meta.dirname, 'results.md'), toReport(table));

async function timeCopies(): Promise<readonly number[]> {
  const times: number[] = [];
  for (let run = 0; run < COPIES; run++) {
    // Parts that are there already would not be sent.
    await forgetParts(target);
    const startedAt = performance.now();
    copiedId = await copy();
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** One client, one form after the other, while the worker is busy with those before. */
async function timeAccepting(): Promise<readonly Measured[]> {
  const client = source.client();
  const accepting: number[] = [];
  const last = { resultId: '' };
  const startedAt = performance.now();
  for (let run = 0; run < ACCEPTED; run++) {
    const sentAt = performance.now();
    const { resultId } = await client.analyze(modelId, { contentType: 'application/pdf', body: form });
    accepting.push(performance.now() - sentAt);
    last.resultId = resultId;
  }
  await waitForFields(source, modelId, last.resultId);
  const perForm = (performance.now() - startedAt) / ACCEPTED;
  const alone: number[] = [];
  for (let run = 0; run < LOSSES; run++) {
    const sentAt = performance.now();
    await recognize(source, modelId);
    alone.push(performance.now() - sentAt);
  }
  return [
    { what: 'analyze accepted: POST → 202, under load', milliseconds: accepting },
    { what: 'analyze done: POST → fields, one at a time', milliseconds: alone },
    { what: 'one form of a full queue, one thread', milliseconds: [perForm] },
  ];
}

async function timeLosses(): Promise<readonly Measured[]> {
  const recovery: number[] = [];
  const restart: number[] = [];
  for (let run = 0; run < LOSSES; run++) {
    const killedAt = performance.now();
    const gone = killWhole(source);
    await recognize(target, copiedId);
    recovery.push(performance.now() - killedAt);
    await gone;
    const startedAt = performance.now();
    await source.start();
    await source.client().getModel(modelId);
    restart.push(performance.now() - startedAt);
  }
  return [
    { what: 'SIGKILL of the source → first correct answer of the target', milliseconds: recovery },
    { what: 'start after a SIGKILL → serving, worker up', milliseconds: restart },
  ];
}

async function copy(): Promise<string> {
  const { authorization } = await target.client().authorizeCopy();
  const { resultId } = await startCopy(source, modelId, target, authorization);
  const result = await v2.pollUntil({
    poll: () => source.client().getCopyResult(modelId, resultId),
    isDone: ({ status }) => status === 'succeeded' || status === 'failed',
    intervalMilliseconds: POLL_MILLISECONDS,
    deadlineMilliseconds: 60_000,
  });
  if (result.status !== 'succeeded') throw new Error(`the copy failed: ${JSON.stringify(result)}`);
  return authorization.modelId;
}

async function recognize(region: TestRegion, id: string): Promise<void> {
  const { resultId } = await region.client().analyze(id, { contentType: 'application/pdf', body: form });
  await waitForFields(region, id, resultId);
}

async function waitForFields(region: TestRegion, id: string, resultId: string): Promise<void> {
  const result = await v2.pollUntil({
    poll: () => region.client().getAnalyzeResult(id, resultId),
    isDone: ({ status }) => status === 'succeeded' || status === 'failed',
    intervalMilliseconds: POLL_MILLISECONDS,
    deadlineMilliseconds: 300_000,
  });
  const found = JSON.stringify(sorted(fieldTexts(result)));
  if (found !== expected) throw new Error(`not the fields of the form: ${found}`);
}

function sorted(fields: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Columns as wide as their widest cell, as the formatter wants them. */
function toTable(rows: readonly Measured[]): string {
  const cells = [
    ['what', 'n', 'p50 ms', 'p99 ms', 'max ms'],
    ...rows.map(({ what, milliseconds }) => [
      what,
      String(milliseconds.length),
      ...[0.5, 0.99, 1].map((share) => shown(quantile(milliseconds, share))),
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0), 3)) ?? [];
  const [head, ...body] = cells.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [head ?? [], rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** By nearest rank. */
function quantile(values: readonly number[], share: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? Number.NaN;
}

function shown(milliseconds: number): string {
  return milliseconds < 100 ? milliseconds.toFixed(1) : milliseconds.toFixed(0);
}

function toReport(rows: string): string {
  return [
    '# The main job, measured',
    '',
    `\`npm run bench:main-job\`, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores shared by both regions and the client. The form is a statement of one page (${Math.round(form.byteLength / 1024)} KB PDF), the model is trained on five of them and travels with them. Every answer was compared with the fields a person reads.`,
    '',
    rows,
    '',
  ].join('\n');
}
