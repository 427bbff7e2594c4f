import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectedFields, readStatement } from '../kit/forms.ts';
import { startRegions } from '../kit/regions.ts';
import { analyzePdf, fieldTexts, pollUntil, trainStatements } from '../kit/work.ts';
import { configure } from './command.ts';

// Each look may be a process of its own, on a machine that has other work.
const PATIENCE_MILLISECONDS = 150_000;

interface StatusJson {
  readonly pairs: readonly {
    readonly models: readonly {
      readonly sign: string;
      readonly protection: string;
      readonly sourceId?: string;
      readonly targetId?: string;
      readonly levels: readonly string[];
    }[];
  }[];
}

test('a trained model is planned, copied, proven at three levels, and the standby works when its region is gone', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const formhaven = await configure(regions, [west, east], { policy: '    aliases: byName' });
  const model = await trainStatements(west);
  const id = model.modelInfo.modelId;

  expect((await formhaven.run('config', 'check', '--keys')).code).toBe(0);
  const before = await formhaven.run('diff');
  expect(before).toMatchObject({ code: 3, stderr: '' });
  expect(before.stdout).toContain(`+  ${id}`.replace('  ', ' '));
  const dry = await formhaven.run('replicate', '--dry-run');
  expect(dry).toMatchObject({ code: 3, stderr: '' });
  expect(dry.stdout).toContain(`${id}: new at the source`);
  expect((await east.client().summary()).count).toBe(0);

  const replicated = await formhaven.run('replicate', '--json');
  expect(replicated).toMatchObject({ code: 0, stderr: '' });
  expect((await formhaven.run('diff')).code).toBe(0);
  const status = JSON.parse((await formhaven.run('status', '--json')).stdout) as StatusJson;
  const [line] = status.pairs[0]?.models ?? [];
  expect(line).toMatchObject({ sign: '=', sourceId: id, levels: ['metadata', 'digest', 'canary'] });

  const again = JSON.parse((await formhaven.run('replicate', '--json')).stdout) as StatusJson;
  expect(again.pairs[0]?.models[0]?.targetId).toBe(line?.targetId);
  expect((await east.client().summary()).count).toBe(1);

  await west.kill();
  const result = await analyzePdf(east, line?.targetId ?? '', await readStatement('Invoice_6.pdf'));
  expect(fieldTexts(result)).toEqual(await expectedFields('Invoice_6.pdf'));
  const blind = await formhaven.run('status', '--json');
  expect(blind.code).toBe(5);
  expect(blind.stdout).toContain('the source is not reachable now');

  expect((await formhaven.run('audit', 'verify')).code).toBe(0);
  const everything = await formhaven.run('audit', 'list', '--json');
  for (const secret of [west.key1, east.key1])
    expect(everything.stdout + blind.stdout + replicated.stdout).not.toContain(secret);
  const state = await readFile(join(regions.dataFolder, 'formhaven-dr', 'state.db'), 'latin1');
  for (const secret of [west.key1, east.key1]) expect(state).not.toContain(secret);
});

test('one byte altered at the standby is found by verify, and the next run mends it', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const formhaven = await configure(regions, [west, east]);
  await trainStatements(west);
  expect((await formhaven.run('replicate')).code).toBe(0);
  expect((await formhaven.run('verify')).code).toBe(0);

  const parts = join(east.dataFolder, 'blobs', 'parts');
  const [part] = await readdir(parts);
  const file = join(parts, part ?? '');
  const bytes = await readFile(file);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await writeFile(file, bytes);

  const verified = await formhaven.run('verify');
  expect(verified.code).toBe(3);
  expect(verified.stdout).toContain('the target is damaged');
  expect((await formhaven.run('status', '--json')).code).toBe(3);

  expect((await formhaven.run('replicate')).code).toBe(0);
  expect((await formhaven.run('verify')).code).toBe(0);
  expect((await east.client().summary()).count).toBe(1);
});

test('replicate --watch is killed and started again at any time, and everything is proven in the end', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const formhaven = await configure(regions, [west, east]);
  const trained: string[] = [];
  for (let life = 0; life < 3; life++) {
    const running = formhaven.start('replicate', '--watch', '--json');
    trained.push((await trainStatements(west)).modelInfo.modelId);
    // A little later each time: before the copy, during it, after it.
    await pollUntil(
      async () => running.lines().length,
      (lines) => lines >= life,
      PATIENCE_MILLISECONDS,
    );
    await running.kill('SIGKILL');
    // And a region beside it: the source first, then the target.
    if (life < 2) {
      const region = life === 0 ? west : east;
      await region.kill();
      await region.start();
    }
  }
  const running = formhaven.start('replicate', '--watch', '--json', '--metrics-port', '0');
  const status = await pollUntil(
    async () => JSON.parse((await formhaven.run('status', '--json')).stdout) as StatusJson,
    ({ pairs }) => pairs[0]?.models.every(({ sign }) => sign === '=') === true,
    PATIENCE_MILLISECONDS,
  );
  expect(new Set(status.pairs[0]?.models.map(({ sourceId }) => sourceId))).toEqual(new Set(trained));
  const { port } = JSON.parse(running.lines()[0] ?? '{}') as { readonly port: number };
  const metrics = await pollUntil(
    async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    (text) => text.includes('protection="protected"} 3'),
    PATIENCE_MILLISECONDS,
  );
  expect(metrics).toContain('formhaven_dr_objective_missed{policy="all",from="westus2",to="eastus"} 0');
  expect(await running.kill('SIGTERM')).toBe(0);
  expect((await formhaven.run('audit', 'verify')).code).toBe(0);
});
