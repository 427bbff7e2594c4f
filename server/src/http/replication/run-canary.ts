import { ServiceError, type Sha256 } from '@formhaven/contract';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Manifest, readManifest } from '../../models/manifest.ts';
import { DamagedPart, readPart } from '../../models/parts.ts';
import type { CanaryFindings } from '../../ports/canaries.ts';
import { readJson } from '../body.ts';
import { type Handler, sendJson } from '../v2/context.ts';
import { requiredReadyModel } from './model-id.ts';
import { canaryPaths } from './present-record.ts';
import type { ReplicationParts } from './routes.ts';

const check = Compile(Type.Object({ samples: Type.Integer({ minimum: 1, maximum: 100 }) }));

/** Runs the model on the canaries that travelled with it, and says what it found beside what was found at training. */
export function runCanary(parts: ReplicationParts): Handler {
  return async (request, reply) => {
    const body = await readJson(request, reply, { code: 'BadArgument' });
    if (!check.Check(body)) throw new ServiceError('BadArgument', { message: 'samples takes 1 to 100.' });
    const model = await requiredReadyModel(request, parts.store);
    const manifest = readManifest(model.state.manifest);
    const ended = new AbortController();
    reply.raw.once('close', () => ended.abort());
    const text = async (path: string): Promise<string> => {
      const hash = hashOf(manifest, path);
      if (hash === undefined) throw new DamagedPart(`the manifest has no part ${path}`);
      return Buffer.from(await readPart(parts.blobs, hash)).toString('utf8');
    };
    const found: CanaryFindings[] = [];
    const expected: CanaryFindings[] = [];
    try {
      for (const { model: modelPath, canary: canaryPath } of canaryPaths(manifest)) {
        const left = body.samples - found.length;
        if (left <= 0) break;
        if (hashOf(manifest, canaryPath) === undefined) continue;
        const set = { model: await text(modelPath), canary: await text(canaryPath) };
        const outcome = await parts.canaries.run(set, left, ended.signal);
        const named = (list: readonly CanaryFindings[]): CanaryFindings[] =>
          list.map((sample) => ({ ...sample, name: `${modelPath.replace(/model\.json$/, '')}${sample.name}` }));
        found.push(...named(outcome.found));
        expected.push(...named(outcome.expected));
      }
    } catch (error) {
      if (!(error instanceof DamagedPart)) throw error;
      request.log.error({ event: 'model-damaged', model: model.id, reason: error.message });
      return sendJson(reply, { error: { code: 'damaged', message: error.message } }, 409);
    }
    return sendJson(reply, { digest: model.state.digest, found, expected });
  };
}

function hashOf(manifest: Manifest, path: string): Sha256 | undefined {
  return manifest.parts.find((part) => part.path === path)?.sha256 as Sha256 | undefined;
}
