import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

// A stored request may hold a SAS URL or a copy token until its job has run. Both open doors elsewhere, so they are never
// written in the clear: AES-256-GCM (NIST SP 800-38D) under a key of the region's own, which lies apart from the database.

/** Encrypts and opens short secrets of stored requests. */
export interface Seal {
  seal(text: string): string;
  /** @throws Error where the text was sealed by another region's key or altered. */
  open(sealed: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param key 32 bytes */
export function createSeal(key: Uint8Array): Seal {
  return {
    seal(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}
