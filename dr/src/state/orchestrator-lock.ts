import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export class OrchestratorRunning extends Error {
  override readonly name = 'OrchestratorRunning';
}

/**
 * One orchestrator at a time on a state. The lock is SQLite's on a file of its own, so that the system lets go of it however the
 * process ends; reading the state needs none.
 * @throws OrchestratorRunning
 */
export function lockOrchestrator(file: string): Disposable {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  try {
    db.exec('pragma busy_timeout = 0; begin exclusive');
  } catch (cause) {
    db.close();
    throw new OrchestratorRunning(
      `another formhaven replicate, verify or alias command works on ${dirname(file)}; wait for it or stop it.`,
      { cause },
    );
  }
  return {
    [Symbol.dispose]() {
      db.close();
    },
  };
}
