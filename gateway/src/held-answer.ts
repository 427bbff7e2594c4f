import { Readable } from 'node:stream';
import type { AnswerHeaders, Exchange } from './exchange.ts';
import type { CallOutcome, RegionAnswer } from './region-link.ts';
import { headerOf } from './region-link.ts';
import { rewriteIds, rewritingStream, type ToClientId } from './rewrite-ids.ts';
import type { Spool, SpooledDocument } from './spool/spool.ts';

// A region's answer, whole, before a byte of it goes to the client: if the region breaks off in the middle, another way can still
// be taken. Small bodies are held in memory, large ones in the spool.

const MEMORY_BYTES = 2 * 1024 * 1024;
const LARGEST_BYTES = 1024 * 1024 * 1024;

/** What a client gets to see of a region's headers. */
const PASSED_HEADERS = [
  'content-type',
  'apim-request-id',
  'x-envoy-upstream-service-time',
  'x-ms-cs-error-code',
  'ms-azure-ai-errorcode',
  'x-ms-client-request-id',
  'retry-after',
  'policy-id',
];

export interface HeldAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly location: string | undefined;
  /** The first bytes, or all of them. */
  readonly head: Buffer;
  /** Undefined where the head is all. */
  readonly rest: SpooledDocument | undefined;
}

/** The answer, or what the call came to where its body broke off. */
export async function holdAnswer(answer: RegionAnswer, spool: Spool): Promise<HeldAnswer | CallOutcome> {
  const facts = {
    status: answer.status,
    headers: passedHeaders(answer),
    location: headerOf(answer, 'operation-location') ?? headerOf(answer, 'location'),
  };
  // Most answers are short and say so.
  const announced = Number(headerOf(answer, 'content-length') ?? Number.NaN);
  if (announced <= MEMORY_BYTES) {
    try {
      return { ...facts, head: Buffer.from(await answer.body.arrayBuffer()), rest: undefined };
    } catch (error) {
      return brokenOff(error);
    }
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const chunksOf = answer.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunksOf.next();
      if (next.done === true) return { ...facts, head: Buffer.concat(chunks), rest: undefined };
      const chunk = next.value as Buffer;
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > MEMORY_BYTES) break;
    }
    const rest = Readable.from({ [Symbol.asyncIterator]: () => chunksOf });
    return { ...facts, head: Buffer.concat(chunks), rest: await spool.put(rest, LARGEST_BYTES) };
  } catch (error) {
    return brokenOff(error);
  }
}

function brokenOff(error: unknown): CallOutcome {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'body';
  return { kind: 'noAnswer', reason, isTimeout: reason === 'UND_ERR_BODY_TIMEOUT' };
}

/** Only where the whole answer is known to be short: errors, and bodies of writes. */
export async function sendHeld(
  exchange: Exchange,
  held: HeldAnswer,
  options: {
    readonly toClientId: ToClientId;
    readonly spool: Spool;
    readonly headers?: AnswerHeaders;
  },
): Promise<void> {
  const headers = { ...held.headers, ...options.headers };
  if (held.rest === undefined) {
    exchange.send(held.status, headers, rewriteIds(held.head, options.toClientId));
    return;
  }
  const { rest } = held;
  const { spool } = options;
  try {
    const whole = Readable.from(concatenated(held.head, spool.read(rest.key)), { objectMode: false });
    await exchange.sendStream(held.status, headers, whole.pipe(rewritingStream(options.toClientId)));
  } finally {
    await spool.remove(rest);
  }
}

/** The status an operation's answer begins with. */
export function operationStatusOf(head: Buffer): string | undefined {
  return /"status"\s*:\s*"(\w+)"/.exec(head.toString('latin1', 0, 2048))?.[1];
}

/** The code of an error answer. */
export function errorCodeOf(held: HeldAnswer): string | undefined {
  return /"code"\s*:\s*"(\w+)"/.exec(held.head.toString('latin1', 0, 2048))?.[1];
}

function passedHeaders(answer: RegionAnswer): AnswerHeaders {
  const headers: Record<string, string> = {};
  for (const name of PASSED_HEADERS) {
    const value = headerOf(answer, name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

async function* concatenated(head: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  yield head;
  for await (const chunk of rest) yield chunk as Buffer;
}
