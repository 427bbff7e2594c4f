import type { RecognizerErrorCode } from '@formhaven/recognizer';
import { Piscina } from 'piscina';
import { type FailureCode, OperationFailure } from '../../failure.ts';
import type { Recognition } from '../../ports/recognition.ts';
import type { Task, TaskAnswer, TaskValues } from './tasks.ts';

export interface PoolOptions {
  readonly threads: number;
  /** A document that takes longer is given up, its thread ended. */
  readonly documentMilliseconds: number;
  readonly trainingMilliseconds: number;
  /** Heap of a thread; native memory is bounded by the recognizer's own limits. */
  readonly maxHeapMegabytes: number;
}

export const DEFAULT_POOL_LIMITS = {
  documentMilliseconds: 10 * 60_000,
  trainingMilliseconds: 60 * 60_000,
  maxHeapMegabytes: 1024,
} as const;

const FAILURE_OF: Readonly<Record<RecognizerErrorCode, FailureCode>> = {
  unsupportedFormat: 'unreadableDocument',
  invalidFile: 'unreadableDocument',
  passwordProtected: 'unreadableDocument',
  tooManyPages: 'unreadableDocument',
  pageTooLarge: 'unreadableDocument',
  imageTooLarge: 'unreadableDocument',
  imageTooSmall: 'unreadableDocument',
  tooMuchData: 'unreadableDocument',
  timeLimit: 'documentTimeout',
  invalidTrainingSet: 'noTrainingDocuments',
  unsupportedModel: 'analysisFailed',
};

/** The recognizer in threads of this process: one document a thread, each with its own limits. */
export function createRecognitionPool(options: PoolOptions): Recognition & AsyncDisposable {
  const pool = new Piscina<Task, TaskAnswer<TaskValues[Task['task']]>>({
    filename: new URL('./tasks.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: options.threads,
    idleTimeout: 60_000,
    resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMegabytes },
  });

  async function run<Name extends Task['task']>(
    task: Extract<Task, { task: Name }>,
    signal: AbortSignal,
    milliseconds: number,
  ): Promise<TaskValues[Name]> {
    const timeout = AbortSignal.timeout(milliseconds);
    let answer: TaskAnswer<TaskValues[Name]>;
    try {
      answer = (await pool.run(task, { signal: AbortSignal.any([signal, timeout]) })) as TaskAnswer<TaskValues[Name]>;
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted) {
        throw new OperationFailure('documentTimeout', `Not done after ${milliseconds / 1000} seconds.`, {
          cause: error,
        });
      }
      throw error;
    }
    if (answer.ok) return answer.value;
    throw new OperationFailure(FAILURE_OF[answer.code], answer.message);
  }

  return {
    read: (document, settings, signal) =>
      run<'read'>({ task: 'read', document, settings }, signal, options.documentMilliseconds),
    analyze: (document, models, settings, signal) =>
      run<'analyze'>({ task: 'analyze', document, models, settings }, signal, options.documentMilliseconds),
    train: (set, signal) => run<'train'>({ task: 'train', set }, signal, options.trainingMilliseconds),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}
