import { type ModelId, ServiceError } from '@formhaven/contract';
import type { Clock } from '../clock.ts';
import type { ReplicationApi, Side } from '../sides/side.ts';
import { analyzeCanary, type CanaryDocument } from './canary-documents.ts';
import { findingsDifference } from './compare-findings.ts';
import { metadataDifference } from './compare-metadata.ts';
import type { ProofLevel, ProofOutcome } from './outcome.ts';

/** Canaries of a model's own set that are run at each proof. */
export const CANARY_SAMPLES = 3;

export interface ProofParts {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Fresh for each proof, so that no answer can be prepared. */
  readonly nonce: () => string;
}

export interface ProofTask {
  readonly source: Side;
  readonly sourceId: ModelId;
  readonly target: Side;
  readonly targetId: ModelId;
  /** Of the policy's folder. */
  readonly documents: readonly CanaryDocument[];
}

/**
 * Compares a model with its copy at every level that both sides allow. What a side says about itself is never taken for it: each
 * proves its bytes under a nonce it has not seen, and each shows what its model finds.
 */
export async function prove(task: ProofTask, parts: ProofParts): Promise<ProofOutcome> {
  const metadata = await compareMetadata(task, parts);
  if (metadata !== undefined) return metadata;
  const levels: ProofLevel[] = ['metadata'];
  const ours = task.source.replication;
  const theirs = task.target.replication;
  if (ours !== undefined && theirs !== undefined) {
    const digest = await compareDigests(task, { ours, theirs }, parts);
    if (digest !== undefined) return digest;
    levels.push('digest');
    const canaries = await compareOwnCanaries(task, { ours, theirs }, parts);
    if (canaries === 'same') levels.push('canary');
    else if (canaries !== 'none') return canaries;
  }
  for (const document of task.documents) {
    const [found, expected] = await Promise.all([
      analyzeCanary(task.target, task.targetId, document, parts),
      analyzeCanary(task.source, task.sourceId, document, parts),
    ]);
    const difference = findingsDifference([expected], [found]);
    if (difference !== undefined) return { outcome: 'different', level: 'canary', difference };
    // Both failing in the same way is no evidence.
    const isAnalyzed = !('error' in expected.found);
    if (isAnalyzed && !levels.includes('canary')) levels.push('canary');
  }
  if (levels.includes('canary')) return { outcome: 'proven', levels };
  return {
    outcome: 'impossible',
    reason: 'no canary: the model carries none, and the policy’s folder has no document for it',
  };
}

async function compareMetadata(task: ProofTask, { signal }: ProofParts): Promise<ProofOutcome | undefined> {
  const { source, target } = task;
  const [model, copy] = await Promise.all([
    orGone(source.api.getModel(task.sourceId, { includeKeys: true, signal })),
    orGone(target.api.getModel(task.targetId, { includeKeys: true, signal })),
  ]);
  if (model === 'gone') return { outcome: 'gone', side: 'source' };
  if (copy === 'gone') return { outcome: 'gone', side: 'target' };
  const difference = metadataDifference(model, copy, source.version === target.version);
  return difference === undefined ? undefined : { outcome: 'different', level: 'metadata', difference };
}

async function orGone<Value>(request: Promise<Value>): Promise<Value | 'gone'> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof ServiceError && error.status === 404) return 'gone';
    throw error;
  }
}

interface BothApis {
  readonly ours: ReplicationApi;
  readonly theirs: ReplicationApi;
}

async function compareDigests(
  task: ProofTask,
  { ours, theirs }: BothApis,
  { signal, nonce: fresh }: ProofParts,
): Promise<ProofOutcome | undefined> {
  const nonce = fresh();
  const [source, target] = await Promise.all([
    ours.prove(task.sourceId, { nonce, signal }),
    theirs.prove(task.targetId, { nonce, signal }),
  ]);
  if (source.outcome !== 'given') return unproven(source, 'source');
  if (target.outcome !== 'given') return unproven(target, 'target');
  if (source.value.digest !== target.value.digest) {
    return { outcome: 'different', level: 'digest', difference: 'the digests differ' };
  }
  if (source.value.proof !== target.value.proof) {
    return { outcome: 'different', level: 'digest', difference: 'the bytes differ under the same digest' };
  }
  return undefined;
}

async function compareOwnCanaries(
  task: ProofTask,
  { ours, theirs }: BothApis,
  { signal }: ProofParts,
): Promise<ProofOutcome | 'same' | 'none'> {
  const options = { samples: CANARY_SAMPLES, signal };
  const [source, target] = await Promise.all([
    ours.runCanary(task.sourceId, options),
    theirs.runCanary(task.targetId, options),
  ]);
  if (source.outcome !== 'given') return unproven(source, 'source');
  if (target.outcome !== 'given') return unproven(target, 'target');
  if (source.value.found.length === 0 && target.value.found.length === 0) return 'none';
  const difference =
    findingsDifference(source.value.found, target.value.found) ??
    findingsDifference(target.value.expected, target.value.found);
  return difference === undefined ? 'same' : { outcome: 'different', level: 'canary', difference };
}

function unproven(
  evidence: { readonly outcome: 'damaged'; readonly message: string } | { readonly outcome: 'gone' },
  side: 'source' | 'target',
): ProofOutcome {
  return evidence.outcome === 'damaged'
    ? { outcome: 'damaged', side, message: evidence.message }
    : { outcome: 'gone', side };
}
