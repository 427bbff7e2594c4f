import { type Logger, pino } from 'pino';

/**
 * The log of one process, JSON lines on standard error. Keys, tokens and SAS strings are never passed to it; what a mistake
 * might pass under its usual name is blotted out all the same.
 */
export function createLog(bindings: Readonly<Record<string, unknown>>, level: string): Logger {
  return pino(
    {
      level,
      base: bindings,
      redact: {
        paths: ['key', 'accessToken', 'source', 'url', '*.key', '*.accessToken', '*.source', '*.url', '*.headers'],
        censor: '[redacted]',
      },
      serializers: { err: errorFacts },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** What a log may say of an error: its names and places, through its causes, and not what it was thrown with. */
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
