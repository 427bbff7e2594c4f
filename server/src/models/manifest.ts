import { createHash, createHmac } from 'node:crypto';
import { parseSha256, type Sha256 } from '@formhaven/contract';
import canonicalize from 'canonicalize';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { TrainResultSchema } from '../train-result.ts';

// A model is content-addressed: its manifest is canonical JSON (RFC 8785) that names the parts by SHA-256, and the SHA-256
// of the manifest is the model's digest, whatever id the model bears in a region. Copy, verification, resume and
// deduplication all work on this one form.

const PartSchema = Type.Object({
  /** `model.json`, `canary.json`, `training/{document name}`. */
  path: Type.String({ minLength: 1, maxLength: 2048 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  size: Type.Integer({ minimum: 0 }),
});
export type Part = Static<typeof PartSchema>;

const ManifestSchema = Type.Object({
  format: Type.Literal('formhaven-model/1'),
  kind: Type.Union([Type.Literal('labeled'), Type.Literal('unlabeled'), Type.Literal('composed')]),
  name: Type.Optional(Type.String({ maxLength: 1024 })),
  /** ISO 8601, UTC. The copies of a model keep the dates of its training. */
  createdOn: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' }),
  lastUpdatedOn: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' }),
  trainResult: Type.Optional(TrainResultSchema),
  /** Keys by cluster of a model trained without labels. */
  clusters: Type.Optional(Type.Array(Type.Array(Type.String()))),
  /** Of a composed model, in the order they were given. Ids are those of the region it was composed in. */
  components: Type.Optional(
    Type.Array(
      Type.Object({
        modelId: Type.String({ maxLength: 64 }),
        name: Type.Optional(Type.String({ maxLength: 1024 })),
        /** Path of the component's part. */
        part: Type.String({ maxLength: 2048 }),
        trainResult: TrainResultSchema,
      }),
      { maxItems: 500 },
    ),
  ),
  parts: Type.Array(PartSchema, { maxItems: 50_000 }),
});
export type Manifest = Static<typeof ManifestSchema>;

const manifestCheck = Compile(ManifestSchema);

export class InvalidManifest extends Error {
  override readonly name = 'InvalidManifest';
}

/** Canonical text of a manifest: parts ordered by path, members by RFC 8785. */
export function writeManifest(manifest: Manifest): { text: string; digest: Sha256 } {
  const parts = manifest.parts.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const text = canonicalize({ ...manifest, parts });
  if (text === undefined) throw new TypeError('a manifest is always JSON');
  return { text, digest: sha256(text) };
}

/**
 * Reads a manifest from this store or from another region.
 * @throws InvalidManifest where it is not canonical, not of a format this release knows, or names a part twice.
 */
export function readManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidManifest('the manifest is not JSON', { cause });
  }
  if (typeof value === 'object' && value !== null && 'format' in value && value.format !== 'formhaven-model/1') {
    throw new InvalidManifest(`the manifest's format ${JSON.stringify(value.format)} is not known to this release`);
  }
  if (!manifestCheck.Check(value)) {
    const [first] = manifestCheck.Errors(value);
    throw new InvalidManifest(`the manifest does not hold: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
  }
  // Compared as text: a manifest that is not canonical would have two digests for one content.
  if (writeManifest(value).text !== text) throw new InvalidManifest('the manifest is not in canonical form');
  if (new Set(value.parts.map((part) => part.path)).size !== value.parts.length) {
    throw new InvalidManifest('the manifest names a part twice');
  }
  return value;
}

export function sha256(content: string | Uint8Array): Sha256 {
  const digest = parseSha256(createHash('sha256').update(content).digest('hex'));
  if (digest === undefined) throw new TypeError('a SHA-256 is always 64 hexadecimal digits');
  return digest;
}

/** The distinct contents a manifest needs, in the order of its parts. */
export function distinctParts(manifest: Manifest): readonly { readonly sha256: Sha256; readonly size: number }[] {
  const seen = new Map<string, { sha256: Sha256; size: number }>();
  for (const part of manifest.parts) {
    const hash = parseSha256(part.sha256);
    if (hash === undefined) throw new InvalidManifest('the manifest names a part by something other than a SHA-256');
    const before = seen.get(part.sha256);
    if (before !== undefined && before.size !== part.size) {
      throw new InvalidManifest('the manifest gives one part two sizes');
    }
    seen.set(part.sha256, { sha256: hash, size: part.size });
  }
  return [...seen.values()];
}

/**
 * Evidence that somebody holds a model's bytes and not only its digest: HMAC-SHA-256 under a nonce over the manifest and
 * the content of every distinct part in order.
 */
export async function proveContent(
  manifest: string,
  nonce: string,
  readPart: (hash: Sha256) => Promise<Uint8Array>,
): Promise<Sha256> {
  const hmac = createHmac('sha256', nonce).update(manifest);
  for (const part of distinctParts(readManifest(manifest))) hmac.update(await readPart(part.sha256));
  const proof = parseSha256(hmac.digest('hex'));
  if (proof === undefined) throw new TypeError('an HMAC-SHA-256 is always 64 hexadecimal digits');
  return proof;
}
