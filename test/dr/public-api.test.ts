import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../kit/command.ts';
import { FORMS } from '../kit/forms.ts';
import { startRegions } from '../kit/regions.ts';
import { pollUntil, trainStatements } from '../kit/work.ts';
import { configure } from './command.ts';

// Each look may be a process of its own, on a machine that has other work.
const PATIENCE_MILLISECONDS = 150_000;

test('regions that offer the public API alone are proven by the documents of the policy’s folder', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const canaries = join(FORMS, 'azure-statements', 'test');
  const formhaven = await configure(regions, [west, east], {
    region: '    kind: azure',
    policy: `    canaries: ${canaries}`,
  });
  const { modelInfo } = await trainStatements(west);
  const replicated = await formhaven.run('replicate', '--json');
  expect(replicated).toMatchObject({ code: 0, stderr: '' });
  const { pairs } = JSON.parse(replicated.stdout) as { pairs: { models: unknown[] }[] };
  expect(pairs[0]?.models).toMatchObject([{ sign: '=', sourceId: modelInfo.modelId, levels: ['metadata', 'canary'] }]);
  expect(east.log()).not.toContain('/formhaven/replication');
});

test('a webhook and an exit code tell that an objective is missed, and the webhook that it is met again', async () => {
  const told: { event: string; policy: string; lagSeconds: number }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      told.push(JSON.parse(body) as (typeof told)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const formhaven = await configure(regions, [west, east], {
    top: 'webhook: { env: WEBHOOK }',
    env: { WEBHOOK: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path` },
  });
  await writeFile(formhaven.file, (await readFile(formhaven.file, 'utf8')).replace('rpo: 5m', 'rpo: 1s'));
  await trainStatements(west);
  await east.kill();
  const running = formhaven.start('replicate', '--watch', '--json');
  await pollUntil(
    async () => told.length,
    (count) => count === 1,
    PATIENCE_MILLISECONDS,
  );
  expect((await formhaven.run('status', '--json')).code).toBe(4);
  await east.start();
  await pollUntil(
    async () => told.length,
    (count) => count === 2,
    PATIENCE_MILLISECONDS,
  );
  expect(told).toMatchObject([
    { event: 'objective-missed', policy: 'all' },
    { event: 'objective-met', policy: 'all' },
  ]);
  await running.kill('SIGTERM');
  expect(running.lines().join('\n')).not.toContain('secret-path');
  server.close();
});

test('what cannot be meant ends with 2 and says why, and a second orchestrator refuses to start', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const formhaven = await configure(regions, [west, east], { policy: '    proveEvery: 1s' });
  const checked = await formhaven.run('config', 'check');
  expect(checked.code).toBe(2);
  expect(checked.stderr).toContain('policies.all.proveEvery');
  expect(checked.stderr).toContain('pollEvery');
  const right = await configure(regions, [west, east]);
  const missing = await right.run('status', '--policy', 'nobody');
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no policy nobody') as string });
  const running = right.start('replicate', '--watch', '--metrics-port', '0');
  await pollUntil(
    async () => running.lines().length,
    (lines) => lines > 0,
    PATIENCE_MILLISECONDS,
  );
  const second = await right.run('replicate', '--json');
  expect(second.code).toBe(1);
  expect(JSON.parse(second.stderr)).toMatchObject({ error: { code: 'OrchestratorRunning' } });
  await running.kill('SIGTERM');
});

test('config init writes what formhaven start has, keys apart, and nothing over an existing file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-init-'));
  const regions = ['westus2', 'eastus'].map((region, index) => ({
    region,
    endpoint: `http://127.0.0.1:${8710 + index}`,
    resourceId: `/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/${region}`,
    key1: `key-one-of-${region}`,
    key2: `key-two-of-${region}`,
  }));
  await writeFile(join(folder, 'endpoints.json'), JSON.stringify({ regions }));
  const file = join(folder, 'formhaven.yaml');
  const init = () => runCommand(['config', 'init', '--config', file, '--data', folder]);
  expect(await init()).toMatchObject({ code: 0, stderr: '' });
  expect(await readFile(file, 'utf8')).not.toContain('key-one');
  expect(await runCommand(['config', 'check', '--keys', '--config', file])).toMatchObject({ code: 0, stderr: '' });
  expect(await init()).toMatchObject({ code: 2 });
  await rm(folder, { recursive: true });
});
