import type { BlobKey } from '../../ports/blobs.ts';

const SEGMENT = /^[A-Za-z0-9._-]{1,255}$/;

/** @throws TypeError for a key that is none, before it becomes a path */
export function assertBlobKey(key: BlobKey): void {
  if (key.length > 1024 || !key.split('/').every(isSegment)) {
    throw new TypeError(`not the key of a blob: ${JSON.stringify(key.slice(0, 200))}`);
  }
}

function isSegment(text: string): boolean {
  return SEGMENT.test(text) && text !== '.' && text !== '..';
}
