import { RecognizerError } from '../errors.ts';

// Reading of untrusted JSON: every function names the place (`labels[3].value[0].page`) where the data is not what it must be.

export type JsonRecord = Readonly<Record<string, unknown>>;

export function wrong(at: string, problem: string): RecognizerError {
  return new RecognizerError('invalidTrainingSet', `${at} ${problem}`);
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function recordAt(value: unknown, at: string): JsonRecord {
  if (!isRecord(value)) throw wrong(at, 'must be an object');
  return value;
}

export function arrayAt(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, 'must be an array');
  return value;
}

export function stringAt(value: unknown, at: string): string {
  if (typeof value !== 'string') throw wrong(at, 'must be a string');
  return value;
}

export function numberAt(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(at, 'must be a finite number');
  return value;
}
