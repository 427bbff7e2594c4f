import { connect, type Socket } from 'node:net';

// HTTP as bytes on a socket, for what a well-behaved client cannot be made to send, and to see an answer as it was written.

export interface RawAnswer {
  readonly status: number;
  /** The first line. */
  readonly statusLine: string;
  readonly headers: Headers;
  readonly body: string;
  /** Status line, headers and body as they came. */
  readonly text: string;
}

export async function openSocket(endpoint: string): Promise<Socket> {
  const { hostname, port } = new URL(endpoint);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
  const connected = Promise.withResolvers<void>();
  socket.once('connect', connected.resolve);
  // Stays: a socket may fail again after it has failed, for instance while it is written to.
  socket.on('error', connected.reject);
  await connected.promise;
  return socket;
}

/** Everything that comes until the other side ends the connection, whether orderly or not. */
export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  const ended = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.once('close', () => ended.resolve());
  await ended.promise;
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends a request, which must ask to close the connection, and reads the answer. */
export async function exchange(endpoint: string, request: string): Promise<RawAnswer> {
  const socket = await openSocket(endpoint);
  const answer = readToEnd(socket);
  socket.write(request);
  return parseAnswer(await answer);
}

/** @throws Error where there is no answer or it is not HTTP */
export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1];
  if (end === -1 || status === undefined) throw new Error(`no HTTP answer: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = new Headers();
  for (const line of lines) headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
  return { status: Number(status), statusLine, headers, body: text.slice(end + 4), text };
}
