import { lookup as systemLookup } from 'node:dns';
import { type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { OutboundPolicy } from '../../ports/sources.ts';
import { isPublicAddress } from './public-address.ts';

/** Ends a request before a connection is made. The message names no address: what a name resolves to inside is nobody's business. */
export class AddressNotAllowed extends Error {
  override readonly name = 'AddressNotAllowed';
  /** Survives where an HTTP client wraps errors and keeps only their code. */
  readonly code = 'FORMHAVEN_ADDRESS_NOT_ALLOWED';
}

export interface GuardedAgents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/**
 * Agents that look at the address a connection is about to be made to, after the name was resolved: whatever a name meant when
 * somebody looked before, it cannot be made to mean another address in between (DNS rebinding), and literals in any spelling are
 * seen as what they are. Connections kept alive lead where they were checked to lead.
 */
export function guardedAgents(
  policy: Pick<OutboundPolicy, 'allowPrivateAddresses'>,
  lookup: LookupFunction = systemLookup as LookupFunction,
): GuardedAgents {
  const isAllowed = (address: string): boolean => policy.allowPrivateAddresses || isPublicAddress(address);
  const options = { keepAlive: true, maxSockets: 32, lookup: guardedLookup(lookup, isAllowed) };

  class GuardedHttpAgent extends HttpAgent {
    override createConnection(request: ClientRequestArgs, callback?: ConnectionCallback): Duplex | null | undefined {
      return refuse(request, isAllowed, callback) ? undefined : super.createConnection(request, callback);
    }
  }
  class GuardedHttpsAgent extends HttpsAgent {
    override createConnection(request: ClientRequestArgs, callback?: ConnectionCallback): Duplex | null | undefined {
      return refuse(request, isAllowed, callback) ? undefined : super.createConnection(request, callback);
    }
  }
  return { http: new GuardedHttpAgent(options), https: new GuardedHttpsAgent(options) };
}

type ConnectionCallback = (error: Error | null, stream: Duplex) => void;

/** A literal is never looked up, so it is checked here. */
function refuse(
  request: ClientRequestArgs,
  isAllowed: (address: string) => boolean,
  callback: ConnectionCallback | undefined,
): boolean {
  const host = request.host ?? '';
  if (isIP(host) === 0 || isAllowed(host)) return false;
  // The stream's absence is what Node's own agent expects beside an error.
  process.nextTick(callback as (error: Error) => void, notAllowed(host));
  return true;
}

function guardedLookup(lookup: LookupFunction, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      const addresses = typeof address === 'string' ? [address] : (address ?? []).map((found) => found.address);
      // One private address among public ones is either a mistake or an attempt.
      if (error === null && !addresses.every(isAllowed)) callback(notAllowed(hostname), address, family);
      else callback(error, address, family);
    });
  };
}

function notAllowed(host: string): AddressNotAllowed {
  return new AddressNotAllowed(`${host} lies on a private or otherwise special address`);
}
