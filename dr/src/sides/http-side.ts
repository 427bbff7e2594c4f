import { parseModelId, parseSha256, ServiceError, type Sha256, v2 } from '@formhaven/contract';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { RegionConfig } from '../config/config.ts';
import type { ModelRecord, ReplicationApi, Side } from './side.ts';

// A region over HTTP: the public API by the contract's client, the replication API of Formhaven regions beside it.

const REQUEST_MILLISECONDS = 60_000;

const Findings = Type.Array(
  Type.Object({ name: Type.String(), found: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])) }),
);
const checkIdentity = Compile(
  Type.Object({ format: Type.Literal('formhaven-replication/1'), instance: Type.String(), last: Type.Integer() }),
);
const checkChanges = Compile(Type.Object({ instance: Type.String(), last: Type.Integer(), isReset: Type.Boolean() }));
const checkRecords = Compile(
  Type.Object({
    models: Type.Array(
      Type.Object({
        modelId: Type.String(),
        digest: Type.String(),
        modelName: Type.Optional(Type.String()),
        createdDateTime: Type.String(),
        lastUpdatedDateTime: Type.String(),
        isComposed: Type.Boolean(),
      }),
    ),
    next: Type.Union([Type.String(), Type.Null()]),
  }),
);
const checkWhereabouts = Compile(Type.Object({ status: Type.Enum(['ready', 'unready', 'deleted']) }));
const checkProof = Compile(Type.Object({ digest: Type.String(), proof: Type.String() }));
const checkCanary = Compile(Type.Object({ found: Findings, expected: Findings }));
const checkError = Compile(Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) }));

export function httpSide(config: RegionConfig, key: string): Side {
  return {
    name: config.name,
    region: config.region,
    resourceId: config.resourceId,
    version: config.version,
    limits: config.limits,
    // Throttling is waited out by the buckets, which know of all requests.
    api: new v2.V2Client({ endpoint: config.endpoint, key, version: config.version, retries: 0 }),
    replication: config.kind === 'formhaven' ? httpReplication(config.endpoint, key) : undefined,
  };
}

function httpReplication(endpoint: string, key: string): ReplicationApi {
  const call = async (
    path: string,
    options: { readonly signal: AbortSignal; readonly body?: unknown; readonly milliseconds?: number },
  ): Promise<{ status: number; value: unknown; retryAfterSeconds: number | undefined }> => {
    const { signal, body, milliseconds = REQUEST_MILLISECONDS } = options;
    signal.throwIfAborted();
    // Cleared when the answer is there: AbortSignal.timeout would keep thousands of requests in memory until their time.
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), milliseconds);
    const what = `${body === undefined ? 'GET' : 'POST'} ${endpoint}/formhaven/replication${path.split('?')[0]}`;
    try {
      const response = await fetch(`${endpoint}/formhaven/replication${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          'Ocp-Apim-Subscription-Key': key,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout.signal]),
      });
      const text = await response.text();
      return {
        status: response.status,
        value: parseJson(text),
        retryAfterSeconds: v2.parseRetryAfter(response.headers.get('Retry-After')),
      };
    } catch (cause) {
      signal.throwIfAborted();
      const isLate = timeout.signal.aborted;
      const reason = isLate ? 'timeout' : 'unreachable';
      const said = isLate ? `had no answer within ${milliseconds} ms` : 'could not be sent';
      throw new v2.RequestFailure(reason, `${what} ${said}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  };
  const get = async (path: string, options: { readonly signal: AbortSignal; readonly milliseconds?: number }) => {
    const answer = await call(path, options);
    if (answer.status !== 200) throw errorOf(answer);
    return answer.value;
  };
  const askEvidence = async <Value>(
    path: string,
    options: { readonly signal: AbortSignal; readonly body: unknown },
    read: (value: unknown) => Value | undefined,
  ) => {
    const answer = await call(path, options);
    if (answer.status === 404) return { outcome: 'gone' } as const;
    if (answer.status === 409 && checkError.Check(answer.value) && answer.value.error.code === 'damaged') {
      return { outcome: 'damaged', message: answer.value.error.message } as const;
    }
    if (answer.status !== 200) throw errorOf(answer);
    return { outcome: 'given', value: required(read(answer.value)) } as const;
  };
  return {
    async position({ signal }) {
      const value = await get('', { signal });
      if (!checkIdentity.Check(value)) throw notFormhaven(endpoint);
      return { instance: value.instance, last: value.last };
    },
    async waitForChange(position, { waitSeconds, signal }) {
      const query = new URLSearchParams({
        after: String(position.last),
        instance: position.instance,
        wait: String(waitSeconds),
      });
      const value = await get(`/changes?${query}`, { signal, milliseconds: (waitSeconds + 30) * 1000 });
      if (!checkChanges.Check(value)) throw notFormhaven(endpoint);
      return { instance: value.instance, last: value.last, isReset: value.isReset };
    },
    async *listRecords({ signal }) {
      let after: string | null = null;
      do {
        const value: unknown = await get(`/models${after === null ? '' : `?after=${after}`}`, { signal });
        if (!checkRecords.Check(value)) throw notFormhaven(endpoint);
        for (const record of value.models) {
          const modelId = required(parseModelId(record.modelId));
          const digest = hash(record.digest);
          const { createdDateTime, lastUpdatedDateTime, isComposed, modelName: name } = record;
          yield { modelId, digest, name, createdDateTime, lastUpdatedDateTime, isComposed } satisfies ModelRecord;
        }
        after = value.next;
      } while (after !== null);
    },
    async whereabouts(modelId, { signal }) {
      const answer = await call(`/models/${modelId}`, { signal });
      if (answer.status === 404) return 'unknown';
      if (answer.status !== 200) throw errorOf(answer);
      if (!checkWhereabouts.Check(answer.value)) throw notFormhaven(endpoint);
      return answer.value.status;
    },
    prove: (modelId, { nonce, signal }) =>
      askEvidence(`/models/${modelId}/proof`, { signal, body: { nonce } }, (value) =>
        checkProof.Check(value) ? { digest: hash(value.digest), proof: hash(value.proof) } : undefined,
      ),
    runCanary: (modelId, { samples, signal }) =>
      askEvidence(`/models/${modelId}/canary`, { signal, body: { samples } }, (value) =>
        checkCanary.Check(value) ? { found: value.found, expected: value.expected } : undefined,
      ),
  };
}

function errorOf(answer: { status: number; value: unknown; retryAfterSeconds: number | undefined }): ServiceError {
  const known = checkError.Check(answer.value) ? answer.value.error : undefined;
  return new ServiceError(v2.parseErrorCode(known?.code ?? String(answer.status)), {
    status: answer.status,
    message: known?.message ?? `HTTP ${answer.status}`,
    retryAfterSeconds: answer.retryAfterSeconds,
  });
}

function notFormhaven(endpoint: string): v2.RequestFailure {
  return new v2.RequestFailure(
    'invalidAnswer',
    `${endpoint} does not answer as a Formhaven region; if it is the cloud's, set kind: azure`,
  );
}

function hash(text: string): Sha256 {
  return required(parseSha256(text));
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new v2.RequestFailure('invalidAnswer', 'the answer is not as described');
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
