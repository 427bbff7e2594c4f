import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DocumentSources, type OutboundPolicy, SourceError } from '../../ports/sources.ts';
import { AddressNotAllowed, type GuardedAgents, guardedAgents } from './guarded-agents.ts';
import { parseOutboundUrl, withoutQuery } from './outbound-url.ts';
import { readLimited, tooLarge } from './read-limited.ts';

const MAX_REDIRECTS = 3;
/** For the whole of it, redirects, retries and body included. */
const FETCH_MILLISECONDS = 60_000;
const RETRY_MILLISECONDS = [250, 1000];

/** Documents by http(s) URL. */
export class OutboundDocumentSources implements DocumentSources {
  readonly #policy: OutboundPolicy;
  readonly #agents: GuardedAgents;

  constructor(policy: OutboundPolicy, lookup?: LookupFunction) {
    this.#policy = policy;
    this.#agents = guardedAgents(policy, lookup);
  }

  async fetch(url: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MILLISECONDS)]);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#follow(parseOutboundUrl(url, this.#policy), maxBytes, limited);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof SourceError)) throw error;
        const delay = RETRY_MILLISECONDS[attempt];
        if (error.code !== 'unreachable' || delay === undefined || limited.aborted) throw error;
        await sleep(delay);
      }
    }
  }

  async #follow(first: URL, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    let url = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const response = await this.#get(url, signal);
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.destroy();
        const next = URL.parse(headers.location, url.href);
        if (next === null) throw new SourceError('refused', `${withoutQuery(url)} redirects to no URL.`);
        url = parseOutboundUrl(next.href, this.#policy);
        continue;
      }
      return await this.#read(response, url, maxBytes);
    }
    throw new SourceError('refused', `${withoutQuery(first)} redirects more than ${MAX_REDIRECTS} times.`);
  }

  async #read(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
    const { statusCode = 0, headers } = response;
    const what = withoutQuery(url);
    try {
      if (statusCode >= 500 || statusCode === 429)
        throw new SourceError('unreachable', `${what} answered ${statusCode}.`);
      if (statusCode !== 200) throw new SourceError('refused', `${what} answered ${statusCode}.`);
      // Asked for plain bytes: what expands while it is read could expand without end.
      const encoding = headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') throw new SourceError('refused', `${what} came in an encoding nobody asked for.`);
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(what, maxBytes);
      return await readLimited(response, maxBytes, what);
    } catch (error) {
      if (error instanceof SourceError) throw error;
      throw new SourceError('unreachable', `${what} broke off.`, { cause: error });
    } finally {
      response.destroy();
    }
  }

  #get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const isSecure = url.protocol === 'https:';
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'formhaven' };
    const request = isSecure
      ? httpsRequest(url, { agent: this.#agents.https, headers, signal })
      : httpRequest(url, { agent: this.#agents.http, headers, signal });
    request.once('response', resolve);
    // Stays: a request may fail again after it has failed.
    request.on('error', (error) => {
      if (error instanceof AddressNotAllowed) {
        reject(new SourceError('notAllowed', `Not allowed to read ${withoutQuery(url)}: ${error.message}.`));
      } else {
        reject(new SourceError('unreachable', `${withoutQuery(url)} could not be reached.`, { cause: error }));
      }
    });
    request.end();
    return promise;
  }
}
