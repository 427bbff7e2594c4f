import { createHash, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import canonicalize from 'canonicalize';
import { type Configured, configure } from '../../test/dr/command.ts';
import { startRegions, type TestRegion } from '../../test/kit/regions.ts';
import { pollUntil, trainStatements } from '../../test/kit/work.ts';

// How fast replication is: from a change at the source to the proof at the standby, and how long thousands of models take. Two
// regions and the orchestrator as processes of this machine, the settings of a normal start.
//
//   node bench/replicate/replicate.ts [models to seed, 5000] [changes, 60]

const SEEDED = Number(process.argv[2] ?? 5000);
const CHANGES = Number(process.argv[3] ?? 60);

await using regions = await startRegions(['westus2', 'eastus'], {
  FORMHAVEN_LOG_LEVEL: 'warn',
  FORMHAVEN_KEEP_TRAINING_DOCUMENTS: 'true',
});
const [west, east] = [regions.region('westus2'), regions.region('eastus')];
const first = await trainStatements(west);
const second = await trainStatements(west);
const formhaven = await configure(regions, [west, east]);
const sizes = modelBytes(west, first.modelInfo.modelId);

let smallSize = '';
const changes = await timeChanges(formhaven);
const seeding = await timeSeeding();
const table = [
  '| what | measured | aim |',
  '| --- | --- | --- |',
  `| change at the source → proven at the standby, p50 of ${CHANGES} | ${quantile(changes, 0.5)} ms | 1000 ms |`,
  `| the same, p99 | ${quantile(changes, 0.99)} ms | 5000 ms |`,
  `| ${SEEDED} small models seeded: copied and proven | ${seeding.seconds.toFixed(1)} s (${(SEEDED / seeding.seconds).toFixed(1)}/s) | 300 s for 5000 |`,
  `| memory of the orchestrator meanwhile: at a tenth, at the end | ${seeding.early} MB, ${seeding.late} MB | flat |`,
  `| looking at both sides again with nothing to do (replicate) | ${seeding.idleSeconds.toFixed(1)} s | |`,
].join('\n');
console.log(table);
await writeFile(
  join(import.meta.dirname, 'results.md'),
  `# Replication\n\n\`node bench/replicate/replicate.ts\`, ${availableParallelism()} cores shared with other work, Node ${process.version}. A change is the composition of two models, ${sizes}, which is ready at once. The small models are ${smallSize} and carry no training documents.\n\n${table}\n`,
);

async function timeChanges(command: Configured): Promise<readonly number[]> {
  const running = command.start('replicate', '--watch', '--json');
  const provenAt = new Map<string, number>();
  running.child.stdout?.on('data', () => {
    for (const line of running.lines()) {
      const event = JSON.parse(line.endsWith('}') ? line : '{}') as { event?: string; sourceId?: string };
      if (event.event === 'proven' && event.sourceId !== undefined && !provenAt.has(event.sourceId)) {
        provenAt.set(event.sourceId, performance.now());
      }
    }
  });
  await proven(first.modelInfo.modelId);
  await proven(second.modelInfo.modelId);
  const times: number[] = [];
  for (let index = 0; index < CHANGES; index++) {
    const startedAt = performance.now();
    const { modelId } = await west
      .client()
      .compose({ modelIds: [first.modelInfo.modelId, second.modelInfo.modelId], modelName: `change ${index}` });
    await proven(modelId);
    times.push((provenAt.get(modelId) ?? Number.NaN) - startedAt);
    // Not in step with anything that polls.
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
  }
  await running.kill('SIGTERM');
  return times.toSorted((a, b) => a - b);

  function proven(id: string): Promise<boolean> {
    return pollUntil(
      async () => provenAt.has(id),
      (isProven) => isProven,
    );
  }
}

async function timeSeeding(): Promise<{ seconds: number; early: number; late: number; idleSeconds: number }> {
  await west.stop();
  await west.start({ FORMHAVEN_KEEP_TRAINING_DOCUMENTS: 'false' });
  const small = (await trainStatements(west)).modelInfo.modelId;
  await west.stop();
  clone(west, small, SEEDED - 1);
  await west.start();
  smallSize = modelBytes(west, small);
  const startedAt = performance.now();
  const running = formhaven.start('replicate', '--json');
  let early = 0;
  let late = 0;
  const looking = setInterval(() => {
    void memoryOf(running.child.pid ?? 0).then((megabytes) => {
      late = megabytes || late;
      if (early === 0 && performance.now() - startedAt > 10_000) early = late;
    });
  }, 1000);
  const code = await new Promise<number | null>((resolve) => running.child.once('close', resolve));
  clearInterval(looking);
  const seconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) {
    const { stdout } = await formhaven.run('diff');
    throw new Error(`replicate ended with ${code}: ${stdout.slice(0, 2000)}`);
  }
  const idleAt = performance.now();
  const idle = await formhaven.run('replicate', '--json');
  if (idle.code !== 0) throw new Error(`replicate ended with ${idle.code}: ${idle.stderr}`);
  return { seconds, early, late, idleSeconds: (performance.now() - idleAt) / 1000 };
}

interface StoredRow {
  readonly resource: string;
  readonly created_on: number;
  readonly last_updated_on: number;
  readonly manifest: string;
}

/** One model under thousands of names: what is made in a year, in a second. */
function clone(region: TestRegion, modelId: string, count: number): void {
  const db = new DatabaseSync(join(region.dataFolder, 'region.db'));
  const row = db
    .prepare('select resource, created_on, last_updated_on, manifest from models where id = ?')
    .get(modelId) as unknown as StoredRow;
  const insert = db.prepare(
    `insert into models (resource, id, created_on, last_updated_on, name, status, digest, manifest) values (?, ?, ?, ?, ?, 'ready', ?, ?)`,
  );
  const change = db.prepare('insert into model_changes values (?, ?, ?, ?, ?)');
  db.exec('begin immediate');
  let { last } = db.prepare('select last from change_counter').get() as { last: number };
  for (let index = 0; index < count; index++) {
    const name = `seeded ${index}`;
    const manifest = canonicalize({ ...(JSON.parse(row.manifest) as object), name }) ?? '';
    const digest = createHash('sha256').update(manifest).digest('hex');
    const id = randomUUID();
    insert.run(row.resource, id, row.created_on, row.last_updated_on, name, digest, manifest);
    change.run(++last, row.resource, id, 'ready', row.last_updated_on);
  }
  db.prepare('update change_counter set last = ?').run(last);
  db.exec('commit');
  db.close();
}

function modelBytes(region: TestRegion, modelId: string): string {
  const db = new DatabaseSync(join(region.dataFolder, 'region.db'), { readOnly: true });
  const { manifest } = db.prepare('select manifest from models where id = ?').get(modelId) as {
    manifest: string;
  };
  db.close();
  const { parts } = JSON.parse(manifest) as { parts: { size: number }[] };
  return `each ${Math.round(parts.reduce((sum, part) => sum + part.size, 0) / 1024)} KB in ${parts.length} parts`;
}

async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN);
}
