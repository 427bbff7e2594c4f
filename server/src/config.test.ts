import { describe, expect, test } from 'vitest';
import { regionConfig } from './config.ts';

const REGION = { FORMHAVEN_REGION: 'westus2' };

test('limits are those of the service where nothing is set', () => {
  expect(regionConfig(REGION)).toMatchObject({
    maxDocumentBytes: 50 * 1024 * 1024,
    maxModels: 5000,
    listPage: 28,
    rates: {},
    corsOrigins: [],
    trustedProxies: [],
    tokens: undefined,
    tls: undefined,
  });
});

test('settings are read', () => {
  const config = regionConfig({
    ...REGION,
    FORMHAVEN_CORS_ORIGINS: 'https://tool.example, http://localhost:3000/',
    FORMHAVEN_RATES: 'analyze=15, list=0.5',
    FORMHAVEN_TRUST_PROXY: '10.0.0.0/8,::1',
    FORMHAVEN_TOKEN_ISSUER: 'https://login.example/',
    FORMHAVEN_TOKEN_AUDIENCE: 'audience',
    FORMHAVEN_TOKEN_JWKS: 'https://login.example/keys',
  });
  expect(config).toMatchObject({
    corsOrigins: ['https://tool.example', 'http://localhost:3000'],
    rates: { analyze: 15, list: 0.5 },
    trustedProxies: ['10.0.0.0/8', '::1'],
    tokens: { issuer: 'https://login.example/', keys: { from: 'url' }, role: undefined },
  });
});

describe('a setting that cannot be is refused by name', () => {
  test.each([
    ['FORMHAVEN_CORS_ORIGINS', 'https://tool.example/path'],
    ['FORMHAVEN_CORS_ORIGINS', 'tool.example'],
    ['FORMHAVEN_TRUST_PROXY', 'proxy.example'],
    ['FORMHAVEN_TRUST_PROXY', '10.0.0.0/33'],
    ['FORMHAVEN_RATES', 'reading=5'],
    ['FORMHAVEN_RATES', 'analyze=-1'],
    ['FORMHAVEN_RATES', 'analyze'],
    ['FORMHAVEN_MAX_MODELS', '0'],
    ['FORMHAVEN_TLS_CERT', 'certificate.pem'],
    ['FORMHAVEN_TOKEN_ISSUER', 'https://login.example/'],
    ['FORMHAVEN_TOKEN_ROLE', 'Reader'],
  ])('%s=%s', (name, value) => {
    const family = name.split('_', 2).join('_');
    expect(() => regionConfig({ ...REGION, [name]: value })).toThrow(family);
  });

  test('keys of tokens come by https or from a file', () => {
    const tokens = { FORMHAVEN_TOKEN_ISSUER: 'i', FORMHAVEN_TOKEN_AUDIENCE: 'a' };
    const config = { ...REGION, ...tokens, FORMHAVEN_TOKEN_JWKS: 'http://login.example/keys' };
    expect(() => regionConfig(config)).toThrow('FORMHAVEN_TOKEN_JWKS');
  });
});
