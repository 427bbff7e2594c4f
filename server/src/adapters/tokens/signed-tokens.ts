import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import type { TokenSettings, Tokens } from '../../ports/tokens.ts';

/** Signatures with a public key only: a set of public keys must never serve as a shared secret (RFC 8725, section 2.1). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const CLOCK_TOLERANCE_SECONDS = 60;
/** Of the errors of jose, those that say nothing about the token. */
const KEYS_MISSING = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];

/** Tokens as Microsoft Entra signs them. Keys by URL are fetched when first needed, kept, and fetched anew for an unknown one. */
export async function openSignedTokens(settings: TokenSettings): Promise<Tokens> {
  const keys = await openKeys(settings.keys);
  return {
    async isAccepted(token) {
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer: settings.issuer,
          audience: settings.audience,
          algorithms: ALGORITHMS,
          requiredClaims: ['exp'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
        });
        const { roles } = payload;
        return settings.role === undefined || (Array.isArray(roles) && roles.includes(settings.role));
      } catch (error) {
        if (error instanceof errors.JOSEError && !KEYS_MISSING.includes(error.code)) return false;
        throw error;
      }
    },
  };
}

async function openKeys(keys: TokenSettings['keys']): Promise<JWTVerifyGetKey> {
  if (keys.from === 'url') return createRemoteJWKSet(keys.url);
  return createLocalJWKSet(JSON.parse(await readFile(keys.file, 'utf8')) as JSONWebKeySet);
}
