// What the API process and its worker say to each other.

export type ParentMessage = 'wake' | 'drain';
export type WorkerMessage = 'ready';

export function parseParentMessage(message: unknown): ParentMessage | undefined {
  return message === 'wake' || message === 'drain' ? message : undefined;
}

export function parseWorkerMessage(message: unknown): WorkerMessage | undefined {
  return message === 'ready' ? message : undefined;
}
