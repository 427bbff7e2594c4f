import { expect } from 'vitest';
import type { TestRegion } from '../kit/regions.ts';
import { pollUntil } from '../kit/work.ts';

/** Well-formed, and never given out. */
export const NOBODY = '00000000-0000-4000-8000-000000000000';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Status, code and message of an answer that must be an error in the wire's form. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text();
  expect(response.headers.get('content-type')).toMatch(/^application\/json(; charset=utf-8)?$/);
  const { error } = JSON.parse(text) as { error: { code: string; message: string } };
  expect(error).toEqual({ code: expect.any(String), message: expect.any(String) });
  expect(response.headers.get('apim-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  return { status: response.status, ...error };
}

export function postJson(region: TestRegion, path: string, body: unknown): Promise<Response> {
  return region.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export function postDocument(
  region: TestRegion,
  path: string,
  document: Uint8Array | string,
  contentType = 'application/pdf',
): Promise<Response> {
  const body = Buffer.from(document);
  return region.request(path, { method: 'POST', headers: { 'content-type': contentType }, body });
}

export interface Ended {
  /** Of the operation, or the model's. */
  readonly status: string;
  readonly code: string | undefined;
  readonly message: string;
  /** The code as the answer's header repeats it. */
  readonly header: string | null;
}

/** Polls the URL that an accepted request was answered with, until the work has ended. */
export async function endOf(region: TestRegion, accepted: Response): Promise<Ended> {
  expect([201, 202]).toContain(accepted.status);
  const url = accepted.headers.get('operation-location') ?? accepted.headers.get('location') ?? '';
  const path = url.slice(region.endpoint.length);
  const { response, body } = await pollUntil(
    async () => {
      const polled = await region.request(path);
      return { response: polled, body: (await polled.json()) as EndBody };
    },
    ({ body: { status, modelInfo } }) => /^(succeeded|failed|ready|invalid)$/.test(status ?? modelInfo?.status ?? ''),
  );
  const errors = body.analyzeResult?.errors ?? body.copyResult?.errors ?? body.trainResult?.errors ?? [];
  return {
    status: body.status ?? body.modelInfo?.status ?? '',
    code: errors[0]?.code,
    message: errors.map(({ message }) => message).join(' '),
    header: response.headers.get('ms-azure-ai-errorcode') ?? response.headers.get('x-ms-cs-error-code'),
  };
}

interface EndBody {
  readonly status?: string;
  readonly modelInfo?: { readonly status: string };
  readonly analyzeResult?: { readonly errors?: readonly Information[] };
  readonly copyResult?: { readonly errors?: readonly Information[] };
  readonly trainResult?: { readonly errors?: readonly Information[] };
}

interface Information {
  readonly code: string;
  readonly message: string;
}
