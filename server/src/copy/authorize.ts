import { randomUUID, timingSafeEqual } from 'node:crypto';
import { type ModelId, parseModelId, type Sha256 } from '@formhaven/contract';
import { sha256 } from '../models/manifest.ts';
import type { Clock } from '../ports/clock.ts';
import type { CopyAuthorization, Resource, Store } from '../ports/store.ts';
import { wholeSeconds } from '../whole-seconds.ts';

/** The service gives 24 hours exactly. */
const LIFETIME_MILLISECONDS = 24 * 3_600_000;

export interface IssuedAuthorization {
  readonly modelId: ModelId;
  /** Handed out once, stored only as its hash. */
  readonly accessToken: string;
  readonly expiresOn: Date;
}

/**
 * Permission to copy one model into `resource`: reserves a model id, which shows as `creating` from now on. It is used up by a
 * successful copy only, and with its reserved model it vanishes when it expires unused.
 */
export async function authorizeCopy(resource: Resource, store: Store, clock: Clock): Promise<IssuedAuthorization> {
  const modelId = parseModelId(randomUUID());
  if (modelId === undefined) throw new TypeError('randomUUID makes GUIDs');
  // A version 4 UUID: 122 bits from the system's generator, in the shape the service's tokens have.
  const accessToken = randomUUID();
  const createdOn = wholeSeconds(clock.now());
  const expiresOn = new Date(createdOn.getTime() + LIFETIME_MILLISECONDS);
  await store.authorizeCopy({
    model: {
      id: modelId,
      resource: resource.name,
      createdOn,
      lastUpdatedOn: createdOn,
      name: undefined,
      state: { status: 'creating', by: 'copy' },
    },
    authorization: {
      modelId,
      resource: resource.name,
      tokenHash: sha256(accessToken),
      createdOn,
      expiresOn,
      used: undefined,
    },
  });
  return { modelId, accessToken, expiresOn };
}

/** Compares a token with the stored hash in constant time. */
export function isToken(token: string, authorization: Pick<CopyAuthorization, 'tokenHash'>): boolean {
  return isEqualHash(sha256(token), authorization.tokenHash);
}

export function isEqualHash(a: Sha256, b: Sha256): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
}
