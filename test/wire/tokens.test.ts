import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusalOf } from '../bad-input/refusal.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';

// Bearer tokens as Microsoft Entra signs them, of an issuer made here.

const MODELS = '/formrecognizer/v2.1/custom/models';
const ISSUER = 'https://login.example/tenant/v2.0';
const AUDIENCE = 'https://cognitiveservices.azure.com';
const ROLE = 'FormRecognizer.User';

const opened = new AsyncDisposableStack();
const issuer = await generateKeyPair('RS256');
const stranger = await generateKeyPair('RS256');
let region: TestRegion;
let keysOnly: TestRegion;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-test-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'jwks.json');
  await writeFile(
    file,
    JSON.stringify({ keys: [{ ...(await exportJWK(issuer.publicKey)), kid: 'one', alg: 'RS256' }] }),
  );
  const regions = await startRegions(['westus2'], {
    FORMHAVEN_TOKEN_ISSUER: ISSUER,
    FORMHAVEN_TOKEN_AUDIENCE: AUDIENCE,
    FORMHAVEN_TOKEN_JWKS: file,
    FORMHAVEN_TOKEN_ROLE: ROLE,
  });
  region = opened.use(regions).region('westus2');
  keysOnly = opened.use(await startRegions(['eastus'])).region('eastus');
});

afterAll(() => opened.disposeAsync());

interface Claims {
  readonly issuer?: string;
  readonly audience?: string;
  readonly roles?: unknown;
  readonly expires?: string | undefined;
  readonly notBefore?: string;
  readonly signer?: typeof issuer.privateKey;
}

function token(claims: Claims = {}): Promise<string> {
  const { signer = issuer.privateKey, roles = [ROLE] } = claims;
  const made = new SignJWT({ roles })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer(claims.issuer ?? ISSUER)
    .setAudience(claims.audience ?? AUDIENCE)
    .setNotBefore(claims.notBefore ?? '-1m');
  const expires = 'expires' in claims ? claims.expires : '1h';
  return (expires === undefined ? made : made.setExpirationTime(expires)).sign(signer);
}

function call(at: TestRegion, authorization: string): Promise<Response> {
  return fetch(at.endpoint + MODELS, { headers: { authorization } });
}

test('a token of the issuer opens the resource that the keys open', async () => {
  const { authorization } = await region.client().authorizeCopy();
  const response = await call(region, `Bearer ${await token()}`);
  expect(response.status).toBe(200);
  const { modelList } = (await response.json()) as { modelList: { modelId: string }[] };
  expect(modelList.map(({ modelId }) => modelId)).toEqual([authorization.modelId]);
});

describe('no token opens that', () => {
  test.each<[string, () => Promise<string>]>([
    ['is of another issuer', () => token({ issuer: 'https://login.example/other/v2.0' })],
    ['is for another audience', () => token({ audience: 'https://storage.example' })],
    ['lacks the role', () => token({ roles: ['Reader'] })],
    ['has its role in another shape', () => token({ roles: ROLE })],
    ['has expired', () => token({ expires: '-5m' })],
    ['never expires', () => token({ expires: undefined })],
    ['is not valid yet', () => token({ notBefore: '5m' })],
    ['is signed by another key', () => token({ signer: stranger.privateKey })],
    [
      'is not signed',
      async () => {
        const [, payload] = (await token()).split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
      },
    ],
    [
      'is signed with the public key as a secret',
      async () => {
        const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(issuer.publicKey)));
        return new SignJWT({ roles: [ROLE] })
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .setIssuer(ISSUER)
          .setAudience(AUDIENCE)
          .setExpirationTime('1h')
          .sign(secret);
      },
    ],
    ['is none', async () => 'abc'],
    ['is a key', async () => region.key1],
  ])('%s', async (_what, make) => {
    const bearer = await make();
    expect(await refusalOf(await call(region, `Bearer ${bearer}`))).toMatchObject({ status: 401, code: '401' });
    expect(region.log()).not.toContain(bearer);
  });

  test('comes to a region without tokens', async () => {
    expect((await call(keysOnly, `Bearer ${await token()}`)).status).toBe(401);
  });
});

test('a key opens beside a token that does not', async () => {
  const headers = { authorization: 'Bearer abc', 'ocp-apim-subscription-key': region.key2 };
  expect((await fetch(region.endpoint + MODELS, { headers })).status).toBe(200);
});
