import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  isRestError,
  type PipelineResponse,
  RestError,
} from '@azure/core-rest-pipeline';
import type { HttpOperationResponse, IHttpClient, WebResource } from '@azure/storage-blob';
import { SourceError } from '../../ports/sources.ts';
import { AddressNotAllowed, type GuardedAgents } from './guarded-agents.ts';
import { readLimited } from './read-limited.ts';

/** Until the headers of one answer. */
const ANSWER_MILLISECONDS = 15_000;
/** A page of a listing takes about half of one. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/**
 * What Azure's client library sends its requests through. It is the last step of the library's pipeline, so nothing set before
 * (a proxy from the environment, an agent of its own) gets past it. Answers that redirect are refused here, before the pipeline
 * would follow them. Errors other than RestError are not tried again by the pipeline.
 */
export function guardedHttpClient(agents: GuardedAgents): IHttpClient {
  const client = createDefaultHttpClient();
  return {
    async sendRequest(request) {
      const url = new URL(request.url);
      const streamed = request.streamResponseStatusCodes;
      const caller = request.abortSignal as AbortSignal | undefined;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), ANSWER_MILLISECONDS);
      const agent = url.protocol === 'https:' ? agents.https : agents.http;
      // A request of its own: the caller's stays as it was for another try.
      const guarded = createPipelineRequest({
        url: request.url,
        method: request.method,
        headers: createHttpHeaders(request.headers.toJson({ preserveCase: true })),
        timeout: request.timeout,
        requestId: request.requestId,
        // Which schemes a source may have was decided before; the library alone would refuse http.
        allowInsecureConnection: true,
        // Every answer as a stream, so that the size of a text can be limited while it arrives.
        streamResponseStatusCodes: new Set([Number.POSITIVE_INFINITY]),
        abortSignal: caller === undefined ? late.signal : AbortSignal.any([caller, late.signal]),
        // Has the last word over all else. An IPv6 literal is no host name to be looked up with its brackets.
        requestOverrides: { agent, hostname: url.hostname.replace(/^\[(.*)\]$/, '$1') },
      });
      // Not among the options above: the library leaves an agent that is given there out without a word.
      guarded.agent = agent;
      try {
        const response = await client.sendRequest(guarded);
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
        return asLibraryResponse(response, request);
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
      }
    },
  };
}

/** The library speaks to its clients in the terms of its former core, which has other headers. */
function asLibraryResponse(response: PipelineResponse, request: WebResource): HttpOperationResponse {
  const { headers } = response;
  const answered = { ...response, request, headers: { toJson: () => headers.toJSON({ preserveCase: true }) } };
  return answered as unknown as HttpOperationResponse;
}
