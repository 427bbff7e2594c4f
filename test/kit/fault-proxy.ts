import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

// Stands between two regions during a copy: the peers file names it as the target's endpoint. Everything is passed on untouched
// but for the requests a test picks, to which something happens that networks, disks and machines do.

export type CopyStep = 'offer' | 'piece' | 'publish' | 'proof';

export interface CopyRequest {
  readonly step: CopyStep;
  /** Counts the requests of this step since the proxy was {@link FaultProxy.reset}, from 1. */
  readonly number: number;
  /** Of a piece: the SHA-256 of its part, and its place in it. */
  readonly part?: string;
  readonly piece?: number;
  /** What the target answered; undefined where nobody waited for it. */
  status: number | undefined;
}

export type Fault =
  /**
   * `blow` falls at that moment, and the connection is cut without an answer:
   * before anything is passed on; with half the body passed on; with all of it passed on, the answer not awaited; with the
   * answer there, but not passed back.
   */
  | { readonly at: 'before' | 'midway' | 'during' | 'after'; readonly blow: () => unknown }
  /** Passed on late. */
  | { readonly delayMilliseconds: number }
  /** Answered by the proxy alone; the target never hears of it. */
  | { readonly answer: number; readonly body?: unknown }
  /** Passed on twice; the second answer counts. */
  | { readonly twice: true }
  /** Passed on with another body. */
  | { readonly alter: (body: Buffer) => Buffer }
  /** Passed on, and the answer, which must have a body, breaks off in its middle. */
  | { readonly cutAnswer: true };

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Every request since the last reset, in their order. */
  readonly requests: readonly CopyRequest[];
  /** From now on; undefined passes a request on. Replaces what was set before. */
  inject(fault: (request: CopyRequest) => Fault | undefined): void;
  /** The next request that `isMeant` accepts gets the fault, all others pass. Resolves when it has happened. */
  injectOnce(isMeant: (request: CopyRequest) => boolean, fault: Fault): Promise<void>;
  /** No fault, and no request seen. */
  reset(): void;
}

/** @param target where requests are passed on to, asked each time */
export async function startFaultProxy(target: () => string): Promise<FaultProxy> {
  let requests: CopyRequest[] = [];
  let pick: (request: CopyRequest) => Fault | undefined = () => undefined;
  let happened: (() => void) | undefined;

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bodyOf(incoming);
    const seen = describe(incoming.url ?? '', requests);
    requests.push(seen);
    const fault = pick(seen);
    const pass = (content = body): Promise<Answer> =>
      passOn(new URL(incoming.url ?? '', target()), incoming, content).then((answer) => {
        seen.status = answer.status;
        return answer;
      });
    try {
      if (fault === undefined) {
        giveBack(outgoing, await pass());
      } else if ('at' in fault) {
        await strike(fault, { body, incoming, url: new URL(incoming.url ?? '', target()), pass });
        outgoing.destroy();
      } else if ('delayMilliseconds' in fault) {
        await delay(fault.delayMilliseconds);
        giveBack(outgoing, await pass());
      } else if ('answer' in fault) {
        const content = fault.body === undefined ? '' : JSON.stringify(fault.body);
        giveBack(outgoing, { status: fault.answer, type: 'application/json', body: Buffer.from(content) });
      } else if ('twice' in fault) {
        await pass();
        giveBack(outgoing, await pass());
      } else if ('alter' in fault) {
        giveBack(outgoing, await pass(fault.alter(body)));
      } else {
        const answer = await pass();
        outgoing.writeHead(answer.status, { 'content-length': answer.body.length + 1 });
        outgoing.write(answer.body.subarray(0, answer.body.length / 2 + 1), () => outgoing.destroy());
      }
    } finally {
      if (fault !== undefined) happened?.();
    }
  };

  const server = createServer((incoming, outgoing) => {
    // A target that is not there, or a source that has gone: either way nothing is left to answer.
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    endpoint: `http://127.0.0.1:${port}`,
    get requests() {
      return requests;
    },
    inject(fault) {
      pick = fault;
    },
    injectOnce(isMeant, fault) {
      return new Promise((resolve) => {
        happened = resolve;
        let isOver = false;
        pick = (request) => {
          if (isOver || !isMeant(request)) return undefined;
          isOver = true;
          return fault;
        };
      });
    },
    reset() {
      requests = [];
      pick = () => undefined;
      happened = undefined;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: Buffer;
}

async function strike(
  fault: Extract<Fault, { at: string }>,
  request: {
    readonly body: Buffer;
    readonly incoming: IncomingMessage;
    readonly url: URL;
    readonly pass: () => Promise<Answer>;
  },
): Promise<void> {
  switch (fault.at) {
    case 'before':
      break;
    case 'midway': {
      const half = open(request.url, request.incoming, request.body.length);
      half.on('error', () => {});
      await new Promise<void>((resolve) =>
        half.write(request.body.subarray(0, request.body.length / 2), () => resolve()),
      );
      await fault.blow();
      half.destroy();
      return;
    }
    case 'during': {
      const whole = open(request.url, request.incoming, request.body.length);
      whole.on('error', () => {});
      whole.on('response', (response) => response.resume());
      await new Promise<void>((resolve) => whole.end(request.body, resolve));
      break;
    }
    case 'after':
      await request.pass();
      break;
    default:
      throw new TypeError(`unknown moment ${fault.at satisfies never}`);
  }
  await fault.blow();
}

function passOn(url: URL, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = open(url, incoming, body.length);
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      bodyOf(response).then(
        (content) =>
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body: content }),
        reject,
      );
    });
    outgoing.end(body);
  });
}

/** A connection of its own for each request: a target that was killed leaves none behind that looks alive. */
function open(url: URL, incoming: IncomingMessage, length: number): ReturnType<typeof send> {
  const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = incoming.headers;
  return send(url, {
    method: incoming.method ?? 'GET',
    agent: false,
    headers: { ...headers, 'content-length': length },
  });
}

function giveBack(outgoing: ServerResponse, answer: Answer): void {
  outgoing.writeHead(answer.status, {
    ...(answer.type === undefined ? {} : { 'content-type': answer.type }),
    ...(answer.status === 204 ? {} : { 'content-length': answer.body.length }),
  });
  outgoing.end(answer.body);
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** By the paths of server/src/http/copies. */
function describe(path: string, before: readonly CopyRequest[]): CopyRequest {
  const [, part, piece] = /\/parts\/([0-9a-f]{64})\/pieces\/(\d+)$/.exec(path) ?? [];
  const last = path.slice(path.lastIndexOf('/') + 1);
  const step = part !== undefined ? 'piece' : last;
  if (step !== 'offer' && step !== 'piece' && step !== 'publish' && step !== 'proof') {
    throw new Error(`no request of a copy: ${path}`);
  }
  return {
    step,
    number: before.filter((request) => request.step === step).length + 1,
    ...(part === undefined ? {} : { part, piece: Number(piece) }),
    status: undefined,
  };
}
