import {
  AliasError,
  ConfigInvalid,
  EXIT,
  OrchestratorRunning,
  SecretMissing,
  UndeleteError,
  UnknownPolicy,
} from '@formhaven/dr';

// What the commands of replication have in common: the file they read, and how their errors end.

export const CONFIG_FILE = process.env.FORMHAVEN_CONFIG || 'formhaven.yaml';

/** A mistake in what was asked, with what to do about it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Runs a command and sets the exit code it returns. An error goes to standard error, with `--json` as
 * `{"error":{"code","message"}}`.
 */
export async function runCommand(
  options: { readonly json?: boolean | undefined },
  run: () => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await run();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') {
      console.error('Stopped. What was begun is gone on with by the next run.');
      process.exitCode = 130;
      return;
    }
    const { code, exit } = classify(error);
    const message = error instanceof Error ? error.message : String(error);
    console.error(options.json === true ? JSON.stringify({ error: { code, message } }) : message);
    process.exitCode = exit;
  }
}

function classify(error: unknown): { readonly code: string; readonly exit: number } {
  const name = error instanceof Error ? error.name : 'Error';
  const isMisunderstood =
    error instanceof ConfigInvalid ||
    error instanceof SecretMissing ||
    error instanceof UnknownPolicy ||
    error instanceof UsageError;
  if (isMisunderstood) return { code: name, exit: EXIT.notUnderstood };
  const isKnown = error instanceof OrchestratorRunning || error instanceof UndeleteError || error instanceof AliasError;
  return { code: isKnown ? name : 'Failed', exit: EXIT.failed };
}
