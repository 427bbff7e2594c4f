import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errorBody, ServiceError } from '@formhaven/contract';

/** What arrived was no HTTP, or not in time: no request was made of it, so the answer goes to the socket. */
export function refuseUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, code] = reasonOf(error.code);
  const message = code === 'Timeout' ? undefined : 'The request cannot be understood.';
  const body = JSON.stringify(errorBody(new ServiceError(code, { message })));
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

function reasonOf(code: string | undefined): readonly [status: number, code: ErrorCode] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'Timeout'];
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'BadArgument'];
  return [400, 'BadArgument'];
}
