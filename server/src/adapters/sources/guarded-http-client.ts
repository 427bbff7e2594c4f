import { createDefaultHttpClient, type HttpClient, isRestError, RestError } from '@azure/core-rest-pipeline';
import { SourceError } from '../../ports/sources.ts';
import { AddressNotAllowed, type GuardedAgents } from './guarded-agents.ts';
import { readLimited } from './read-limited.ts';

/** Until the headers of one answer. */
const ANSWER_MILLISECONDS = 15_000;
/** A page of a listing; a thousand blobs take about one. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/**
 * What Azure's client library sends its requests through. It is the last step of the library's pipeline, so nothing set before
 * (a proxy from the environment, an agent of its own) gets past it. Answers that redirect are refused here, before the pipeline
 * would follow them. Errors other than RestError are not tried again by the pipeline.
 */
export function guardedHttpClient(agents: GuardedAgents): HttpClient {
  const client = createDefaultHttpClient();
  return {
    async sendRequest(request) {
      const url = new URL(request.url);
      request.agent = url.protocol === 'https:' ? agents.https : agents.http;
      delete request.proxySettings;

      // Every answer as a stream, so that the size of a text can be limited while it arrives.
      const streamed = request.streamResponseStatusCodes;
      request.streamResponseStatusCodes = new Set([Number.POSITIVE_INFINITY]);
      const caller = request.abortSignal;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), ANSWER_MILLISECONDS);
      request.abortSignal = caller === undefined ? late.signal : AbortSignal.any([caller as AbortSignal, late.signal]);
      try {
        const response = await client.sendRequest(request);
        clearTimeout(timer);
        if (response.status >= 300 && response.status < 400 && response.status !== 304) {
          response.readableStreamBody?.on('error', () => {});
          (response.readableStreamBody as { destroy?: () => void } | undefined)?.destroy?.();
          throw new SourceError(
            'refused',
            `${url.origin} answered with a redirect (${response.status}), which is not followed. Name the container's own URL.`,
          );
        }
        const wantsStream = streamed?.has(response.status) || streamed?.has(Number.POSITIVE_INFINITY);
        if (!wantsStream && response.readableStreamBody !== undefined) {
          const stream = response.readableStreamBody as NodeJS.ReadableStream;
          delete response.readableStreamBody;
          response.bodyAsText = Buffer.from(
            await readLimited(stream, MAX_TEXT_BYTES, `The answer of ${url.origin}`),
          ).toString('utf8');
        }
        return response;
      } catch (error) {
        if (isRestError(error) && error.code === new AddressNotAllowed().code) {
          throw new AddressNotAllowed(error.message);
        }
        if (late.signal.aborted && caller?.aborted !== true) {
          throw new RestError(`${url.origin} did not answer`, { code: 'ETIMEDOUT' });
        }
        throw error;
      } finally {
        clearTimeout(timer);
        if (streamed === undefined) delete request.streamResponseStatusCodes;
        else request.streamResponseStatusCodes = streamed;
        // A pipeline that tries again must find the caller's signal here, not ours.
        if (caller === undefined) delete request.abortSignal;
        else request.abortSignal = caller;
      }
    },
  };
}
