import { readFile } from 'node:fs/promises';
import type { SecretSource } from './config.ts';

export class SecretMissing extends Error {
  override readonly name = 'SecretMissing';
}

/** @throws SecretMissing, which says where it was looked for and never what was found */
export async function readSecret(
  source: SecretSource,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly what: string },
): Promise<string> {
  if ('env' in source) {
    const value = options.env[source.env]?.trim();
    if (!value) throw new SecretMissing(`${options.what}: the environment variable ${source.env} is not set.`);
    return value;
  }
  let text: string;
  try {
    text = await readFile(source.file, 'utf8');
  } catch (cause) {
    throw new SecretMissing(`${options.what}: the file ${source.file} cannot be read.`, { cause });
  }
  const value = text.trim();
  if (value === '') throw new SecretMissing(`${options.what}: the file ${source.file} is empty.`);
  return value;
}
