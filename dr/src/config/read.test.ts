import { describe, expect, test } from 'vitest';
import { readConfig } from './read.ts';

const RESOURCE = '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts';

function yaml(more: { west?: string; east?: string; policy?: string; top?: string } = {}): string {
  return [
    'version: 1',
    more.top ?? '',
    'regions:',
    '  westus2:',
    '    endpoint: https://west.example',
    `    resourceId: ${RESOURCE}/west`,
    '    key: { env: WEST_KEY }',
    more.west ?? '',
    '  eastus:',
    '    endpoint: https://east.example/',
    `    resourceId: ${RESOURCE}/east`,
    '    key: { file: /run/secrets/east }',
    more.east ?? '',
    'policies:',
    '  all:',
    '    from: westus2',
    '    to: eastus',
    '    rpo: 5m',
    more.policy ?? '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function problems(text: string): readonly string[] {
  const reading = readConfig(text, '/etc/formhaven');
  return reading.ok ? [] : reading.problems.map(({ path, line, message }) => `${line ?? '-'} ${path}: ${message}`);
}

describe('formhaven.yaml', () => {
  test('fills in what is not said', () => {
    const reading = readConfig(yaml(), '/etc/formhaven');
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    expect(reading.config.dataFolder).toBe('/etc/formhaven/formhaven-dr');
    expect(reading.config.policies[0]).toMatchObject({
      to: ['eastus'],
      rpoMilliseconds: 300_000,
      deletes: { kind: 'never' },
      aliases: 'none',
    });
    expect(reading.config.regions.get('eastus')).toMatchObject({ endpoint: 'https://east.example', version: 'v2.1' });
  });

  test('names the setting, its line and what it takes', () => {
    expect(problems(yaml({ policy: '    proveEvery: soon' }))).toEqual([
      '16 policies.all.proveEvery: takes a duration such as 30s, 15m, 24h or 7d',
    ]);
  });

  test('refuses a key in the file without repeating it', () => {
    const text = yaml().replace('{ env: WEST_KEY }', '0123456789abcdef0123456789abcdef');
    expect(problems(text).join('\n')).toContain('secrets do not stand in this file');
    expect(problems(text).join('\n')).not.toContain('0123456789abcdef');
  });

  test('refuses a setting nobody knows', () => {
    expect(problems(yaml({ policy: '    rop: 5m' })).join()).toContain('does not take rop');
  });

  test('says which two settings disagree', () => {
    expect(problems(yaml({ policy: '    deletes: never' }).replace('to: eastus', 'to: westus2'))).toEqual([
      '14 policies.all.to: policies.all.from and .to are both westus2',
    ]);
    expect(problems(yaml().replace('/east\n', '/west\n').replace('eastus:', 'eastus:\n    region: westus2'))).toEqual([
      expect.stringContaining('regions.eastus and regions.westus2 are the same resource'),
    ]);
    expect(problems(yaml({ east: '    kind: azure' }))).toEqual([
      expect.stringContaining('policies.all.canaries is not set and regions.eastus.kind is azure'),
    ]);
    expect(problems(yaml({ west: '    apiVersion: v2.0', policy: "    models: { names: ['a*'] }" }))).toEqual([
      expect.stringContaining('policies.all.models filters by name, but regions.westus2.apiVersion v2.0'),
    ]);
    expect(problems(yaml().replace('to: eastus', 'to: northeurope'))).toEqual([
      expect.stringContaining('policies.all.to has northeurope; regions has westus2, eastus'),
    ]);
  });

  test('refuses tags by name rather than ignoring them', () => {
    expect(problems(yaml({ policy: '    models: { tags: { team: a } }' })).join()).toContain('2022-08-31');
  });

  test('says where the YAML itself is broken', () => {
    expect(problems('version: 1\nregions: [')[0]).toMatch(/^2 /);
  });
});
