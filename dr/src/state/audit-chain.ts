import { createHash } from 'node:crypto';
import { parseSha256, type Sha256 } from '@formhaven/contract';
import canonicalize from 'canonicalize';

// The audit log is a chain: each entry's hash covers the one before, so that nothing in it can be altered, left out or moved
// without every later hash changing. Who keeps the newest hash elsewhere can tell that the end was not cut off either.

/** What is worth showing to an auditor. Never a key or a token. */
export interface AuditEvent {
  readonly event:
    | 'copied'
    | 'proven'
    | 'proof-failed'
    | 'copy-failed'
    | 'adopted'
    | 'source-deleted'
    | 'delete-held'
    | 'undeleted'
    | 'copy-deleted'
    | 'leftover-removed'
    | 'alias-version-added'
    | 'alias-moved'
    | 'alias-rolled-back'
    | 'alias-removed'
    | 'region-changed'
    | 'region-accepted'
    | 'objective-missed'
    | 'objective-met';
  /** Milliseconds since 1970. */
  readonly on: number;
  readonly details: Readonly<Record<string, string | number | readonly string[]>>;
}

export interface AuditEntry extends AuditEvent {
  /** From 1, without a gap. */
  readonly sequence: number;
  readonly previous: Sha256;
  readonly hash: Sha256;
}

/** Before the first entry. */
export const CHAIN_START = hashOf('formhaven-audit/1');

export function chainEntry(event: AuditEvent, head: { readonly sequence: number; readonly hash: Sha256 }): AuditEntry {
  const entry = { ...event, sequence: head.sequence + 1, previous: head.hash };
  return { ...entry, hash: entryHash(entry) };
}

export function entryHash(entry: Omit<AuditEntry, 'hash'>): Sha256 {
  const { sequence, previous, event, on, details } = entry;
  const text = canonicalize({ sequence, previous, event, on, details });
  if (text === undefined) throw new TypeError('an audit entry is always JSON');
  return hashOf(text);
}

export type AuditVerdict =
  | { readonly ok: true; readonly entries: number; readonly head: Sha256 }
  | { readonly ok: false; readonly sequence: number; readonly problem: string };

/** Checks every link. `knownHead`: a hash noted earlier, which must be in the chain. */
export function verifyChain(entries: Iterable<AuditEntry>, knownHead?: Sha256): AuditVerdict {
  let head = CHAIN_START;
  let sequence = 0;
  let isKnownSeen = knownHead === undefined || knownHead === CHAIN_START;
  for (const entry of entries) {
    if (entry.sequence !== sequence + 1) {
      return { ok: false, sequence: sequence + 1, problem: `entry ${sequence + 1} is missing` };
    }
    if (entry.previous !== head) {
      return {
        ok: false,
        sequence: entry.sequence,
        problem: 'the entry before it is not the one it was written after',
      };
    }
    if (entryHash(entry) !== entry.hash) {
      return { ok: false, sequence: entry.sequence, problem: 'the entry was altered after it was written' };
    }
    ({ sequence, hash: head } = entry);
    isKnownSeen ||= head === knownHead;
  }
  if (!isKnownSeen) {
    return {
      ok: false,
      sequence,
      problem: 'the hash noted earlier is not in the chain: its end was cut off or rewritten',
    };
  }
  return { ok: true, entries: sequence, head };
}

function hashOf(text: string): Sha256 {
  const hash = parseSha256(createHash('sha256').update(text).digest('hex'));
  if (hash === undefined) throw new TypeError('a SHA-256 is always 64 hexadecimal digits');
  return hash;
}
