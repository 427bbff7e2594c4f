import { type DestinationStream, type Logger, pino } from 'pino';

/** JSON lines on standard error. Keys, URLs with queries and bodies are never passed to it; errors are cut to what they are. */
export function createGatewayLog(
  bindings: Readonly<Record<string, unknown>>,
  level: string,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  return pino({ level, base: bindings, serializers: { err: errorFacts } }, destination);
}

function errorFacts(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: 'not an Error' };
  return {
    type: error.name,
    message: withoutQueries(error.message),
    ...('code' in error ? { code: error.code } : {}),
    stack: error.stack === undefined ? undefined : withoutQueries(error.stack),
    ...(error.cause === undefined ? {} : { cause: errorFacts(error.cause) }),
  };
}

/** A URL's query may be a SAS. */
function withoutQueries(text: string): string {
  return text.replaceAll(/(https?:\/\/[^\s?"']+)\?[^\s"']*/g, '$1');
}
