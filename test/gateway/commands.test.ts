import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DrillReport } from '@formhaven/gateway';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCommand, startCommand } from '../kit/command.ts';
import { Fleet, fieldOf, MODEL, resultOf, sha256, someDocument } from './fleet.ts';

/** Half a minute where the machine has nothing else to do. */
const DRILL_MILLISECONDS = 240_000;

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-commands-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

describe('the commands', () => {
  test('gateway serves what its configuration says, and ends with 0', async () => {
    await using fleet = await Fleet.start();
    const folder = await freshFolder();
    const config = join(fleet.folder, 'gateway.json');
    const command = startCommand(['gateway', '--config', config, '--data', folder, '--port', '0'], {});
    const printed = await command.printed((text) => text.includes('Ctrl-C'));
    const endpoint = /http:\/\/\S+\d/.exec(printed)?.[0] ?? '';
    expect(await fleet.client(endpoint).summary()).toMatchObject({ count: 1 });
    command.child.kill('SIGTERM');
    expect(await command.ended).toMatchObject({ code: 0 });
  });

  test('a gateway that is killed while clients poll loses nothing: the next one goes on', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 1500 } });
    const folder = await freshFolder();
    const serve = async () => {
      const map = join(fleet.folder, 'model-map.json');
      const config = join(fleet.folder, 'gateway.json');
      const command = startCommand(
        ['gateway', '--config', config, '--data', folder, '--port', '0', '--model-map', map],
        {},
      );
      const printed = await command.printed((text) => text.includes('Ctrl-C'));
      return { command, endpoint: /http:\/\/\S+\d/.exec(printed)?.[0] ?? '' };
    };
    const first = await serve();
    const document = someDocument();
    const { resultId } = await fleet.client(first.endpoint).analyze(MODEL, document);
    const polling = resultOf(fleet.client(first.endpoint), resultId).catch(() => 'cut off');
    first.command.child.kill('SIGKILL');
    await first.command.ended;
    expect(await polling).toBe('cut off');
    await fleet.west.kill();
    const second = await serve();
    const result = await resultOf(fleet.client(second.endpoint), resultId);
    second.command.child.kill('SIGTERM');
    expect(fieldOf(result, 'Sha256')).toBe(sha256(document.body));
    expect(await second.command.ended).toMatchObject({ code: 0 });
  });

  test('failover, failback and isolation say what they did, with exit codes', async () => {
    await using fleet = await Fleet.start();
    const settings = { FORMHAVEN_ADMIN_KEY: fleet.adminKey };
    const run = (...args: string[]) => runCommand([...args, '--gateway', fleet.endpoint], settings);
    expect(await run('failback', '--to', 'east', '--plan')).toMatchObject({ code: 0 });
    const { modelId } = await fleet.client().train({ source: 'https://storage.example/c' });
    const moved = await run('failover', '--to', 'east', '--reason', 'a test');
    expect(moved.code).toBe(3);
    expect(moved.stdout).toContain(modelId);
    const again = await run('failover', '--to', 'east', '--json');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { message: 'Writes go to east already.' } });
    expect(await run('failback', '--to', 'west')).toMatchObject({ code: 0 });
    const isolated = await run('gateway', 'isolate', 'west');
    expect(isolated.stdout).toMatch(/west +isolated/);
    expect((await run('failback', '--to', 'west', '--plan')).code).toBe(3);
    expect((await run('gateway', 'release', 'west')).code).toBe(0);
    expect((await run('gateway', 'status', '--json')).stdout).toContain('"epoch": 3');
    for (const { stdout, stderr } of [moved, again, isolated]) expect(stdout + stderr).not.toContain(fleet.adminKey);
  });

  test('without a gateway or its key they say what to do: exit code 2', async () => {
    const folder = await freshFolder();
    const none = await runCommand(['failover', '--to', 'east', '--data', folder]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--gateway') });
    const noKey = await runCommand(['failover', '--to', 'east', '--data', folder, '--gateway', 'http://127.0.0.1:1']);
    expect(noKey).toMatchObject({ code: 2, stderr: expect.stringContaining('FORMHAVEN_ADMIN_KEY') });
    const config = join(folder, 'gateway.json');
    await writeFile(config, '{"regions":[{"region":"west","endpoint":"http://127.0.0.1:1","key1":{"env":"NO_SUCH"}}]}');
    const invalid = await runCommand(['gateway', '--config', config, '--data', folder]);
    expect(invalid).toMatchObject({ code: 2, stderr: expect.stringContaining('gateway.json') });
    expect((await runCommand(['drill', '--fault', 'flood'])).code).toBe(2);
  });

  test(
    'a drill kills a region under load, and everything is as before afterwards',
    async () => {
      const folder = await freshFolder();
      // The objective is the shape of the report here, not a race with whatever else this machine does.
      const drill = await runCommand(['drill', '--report', folder, '--rto', '60', '--json']);
      expect(drill.stderr).toBe('');
      expect(drill.code).toBe(0);
      const report = JSON.parse(drill.stdout) as DrillReport;
      expect(report).toMatchObject({
        fault: 'kill',
        isPassed: true,
        figures: { errors: 0, lostDocuments: 0, lostModels: 0, switches: 1, modelsMadeMeanwhileKept: 1 },
      });
      expect(report.figures.good).toBe(report.figures.sent);
      const files = await readdir(folder);
      expect(files.map((file) => file.slice(file.lastIndexOf('.') + 1)).toSorted(byCodeUnit)).toEqual([
        'html',
        'json',
        'jsonl',
      ]);
      const html = await readFile(join(folder, files.find((file) => file.endsWith('.html')) ?? ''), 'utf8');
      expect(html).toContain('Passed: every objective was met.');
      expect(html).not.toContain('<script');
    },
    DRILL_MILLISECONDS,
  );
});

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
