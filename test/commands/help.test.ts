import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../kit/command.ts';

test('formhaven --help names every command', async () => {
  const { code, stdout } = await runCommand(['--help']);
  expect(code).toBe(0);
  for (const name of ['start', 'serve', 'keys', 'demo']) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
});

test('serve --help lists the settings', async () => {
  const { code, stdout } = await runCommand(['serve', '--help']);
  expect(code).toBe(0);
  for (const name of ['FORMHAVEN_REGION', 'FORMHAVEN_DATA', 'FORMHAVEN_PORT', 'FORMHAVEN_PEERS_FILE']) {
    expect(stdout).toContain(name);
  }
});

test.each([
  ['an unknown command', ['serv']],
  ['no command', []],
  ['an unknown option', ['start', '--prot', '1']],
  ['a missing option', ['keys', 'rotate', '--region', 'westus2']],
  ['an unknown command below keys', ['keys', 'turn']],
])('%s is not understood: exit code 2', async (_what, args) => {
  const { code, stderr } = await runCommand(args);
  expect(code).toBe(2);
  expect(stderr).not.toBe('');
  expect(stderr).not.toMatch(/^\s+at /m);
});

test.each([
  ['no region', {}, 'FORMHAVEN_REGION'],
  ['a region that is none', { FORMHAVEN_REGION: 'West US 2' }, 'FORMHAVEN_REGION'],
  ['a port that is none', { FORMHAVEN_REGION: 'westus2', FORMHAVEN_PORT: 'http' }, 'FORMHAVEN_PORT'],
  ['one key', { FORMHAVEN_REGION: 'westus2', FORMHAVEN_KEY1: '0123456789abcdef' }, 'FORMHAVEN_KEY2'],
])('serve with %s fails and names the setting: exit code 1', async (_what, settings, named) => {
  const { code, stdout, stderr } = await runCommand(['serve'], settings);
  expect(code).toBe(1);
  expect(stderr).toContain(named);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
});

test('keys rotate on a folder without a region fails and leaves nothing behind that serves', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-keys-'));
  try {
    const { code, stderr } = await runCommand([
      'keys',
      'rotate',
      '--region',
      'westus2',
      '--key',
      '1',
      '--data',
      folder,
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('start the region first');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
