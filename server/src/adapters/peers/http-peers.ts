import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isSameResource, parseRegion, parseResourceId, parseSha256 } from '@formhaven/contract';
import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type CopyTarget, type Peer, PeerError, type Peers } from '../../ports/peers.ts';

const PeersFileSchema = Type.Array(
  Type.Object({ region: Type.String(), resourceId: Type.String(), endpoint: Type.String() }),
);

const OfferSchema = Type.Object({
  missing: Type.Array(Type.Object({ sha256: Type.String(), pieces: Type.Array(Type.Integer({ minimum: 0 })) })),
});
const ProofSchema = Type.Object({ proof: Type.String() });
const ErrorSchema = Type.Object({ error: Type.Object({ code: Type.String() }) });

// One piece of 4 MiB has to cross a slow line; everything else is small.
const REQUEST_MILLISECONDS = 60_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Peers listed in a file, spoken to over HTTP by the paths of http/copies. Redirects are never followed. */
export function createHttpPeers(options: { readonly peersFile: string | undefined }): Peers {
  return {
    async find(resourceId, region) {
      const peers = options.peersFile === undefined ? [] : await readPeersFile(options.peersFile);
      return peers.find((peer) => peer.region === region && isSameResource(peer.resourceId, resourceId));
    },

    async offer(target, manifest, signal) {
      const body = JSON.stringify({
        copyId: target.copyId,
        targetResourceId: target.peer.resourceId,
        targetRegion: target.peer.region,
        manifest,
      });
      const answer = await send(target, { method: 'POST', path: 'offer', body, type: 'application/json' }, signal);
      if (answer.status !== 200) throw refusal(target, answer);
      const { missing } = parse(OfferSchema, answer, target);
      return {
        missing: missing.map((part) => {
          const sha256 = parseSha256(part.sha256);
          if (sha256 === undefined) throw new PeerError('protocol', `${name(target)} asked for a part by no SHA-256.`);
          return { sha256, pieces: part.pieces };
        }),
      };
    },

    async sendPiece(target, digest, part, piece, bytes, signal) {
      const hash = createHash('sha256').update(bytes).digest('hex');
      const answer = await send(
        target,
        {
          method: 'PUT',
          path: `${digest}/parts/${part}/pieces/${piece}`,
          body: bytes,
          type: 'application/octet-stream',
          headers: { 'formhaven-piece-sha256': hash },
        },
        signal,
      );
      // A damaged piece stays missing: the publication says so and the next offer asks for it again.
      if (answer.status !== 204 && answer.status !== 409) throw refusal(target, answer);
    },

    async publish(target, digest, signal) {
      const answer = await send(target, { method: 'POST', path: `${digest}/publish` }, signal);
      if (answer.status === 204) return true;
      if (answer.status === 409) return false;
      throw refusal(target, answer);
    },

    async prove(target, digest, nonce, signal) {
      const body = JSON.stringify({ nonce });
      const answer = await send(
        target,
        { method: 'POST', path: `${digest}/proof`, body, type: 'application/json' },
        signal,
      );
      if (answer.status === 409) return undefined;
      if (answer.status !== 200) throw refusal(target, answer);
      return parseSha256(parse(ProofSchema, answer, target).proof);
    },
  };
}

/** @throws Error that names the file and what is wrong in it */
export async function readPeersFile(file: string): Promise<readonly Peer[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON`, { cause });
  }
  if (!Value.Check(PeersFileSchema, value)) throw new Error(`${file} takes [{"region","resourceId","endpoint"}]`);
  return value.map((entry, index) => {
    const region = parseRegion(entry.region);
    const resourceId = parseResourceId(entry.resourceId);
    if (region === undefined || resourceId === undefined || !URL.canParse(entry.endpoint)) {
      throw new Error(`${file}: entry ${index} has a region, resourceId or endpoint that is none`);
    }
    return { region, resourceId, endpoint: new URL(entry.endpoint) };
  });
}

interface PeerRequest {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface PeerAnswer {
  readonly status: number;
  readonly body: string;
}

async function send(target: CopyTarget, request: PeerRequest, signal: AbortSignal): Promise<PeerAnswer> {
  const url = new URL(`formhaven/copies/${target.modelId}/${request.path}`, withSlash(target.peer.endpoint));
  try {
    const response = await fetch(url, {
      method: request.method,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MILLISECONDS)]),
      headers: {
        'formhaven-copy-token': target.accessToken,
        'formhaven-copy-id': target.copyId,
        ...(request.type === undefined ? {} : { 'content-type': request.type }),
        ...request.headers,
      },
      ...(request.body === undefined ? {} : { body: request.body as NonNullable<RequestInit['body']> }),
    });
    return { status: response.status, body: await readBody(response) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof PeerError) throw error;
    throw new PeerError('unreachable', `${name(target)} could not be reached.`, { cause: error });
  }
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw new PeerError('protocol', 'The target answered more than any answer has.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(target: CopyTarget, answer: PeerAnswer): PeerError {
  let code: string | undefined;
  try {
    const value: unknown = JSON.parse(answer.body);
    if (Value.Check(ErrorSchema, value)) code = value.error.code;
  } catch {
    // Not one of our answers; the status has to do.
  }
  switch (code) {
    case 'authorizationNotFound':
    case 'authorizationInvalid':
      return new PeerError(code, `${name(target)} refused the copy: ${code}.`);
    default:
      // 429, 5xx: a struggling target, or a proxy before a dead one.
      return answer.status === 429 || answer.status >= 500
        ? new PeerError('unreachable', `${name(target)} answered ${answer.status}.`)
        : new PeerError('protocol', `${name(target)} answered ${answer.status}, which no target does here.`);
  }
}

function parse<Schema extends TSchema>(schema: Schema, answer: PeerAnswer, target: CopyTarget): Static<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(answer.body);
  } catch (cause) {
    throw new PeerError('protocol', `${name(target)} answered something that is not JSON.`, { cause });
  }
  if (!Value.Check(schema, value)) throw new PeerError('protocol', `${name(target)} answered JSON of another shape.`);
  return value;
}

function name(target: CopyTarget): string {
  return `Region ${target.peer.region}`;
}

function withSlash(endpoint: URL): URL {
  return endpoint.href.endsWith('/') ? endpoint : new URL(`${endpoint.href}/`);
}
