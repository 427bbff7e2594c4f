import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startRegions } from '../kit/regions.ts';

const CERTIFICATE = join(import.meta.dirname, 'tls', 'certificate.pem');

test('a region with a certificate speaks https, and hands out https URLs', async () => {
  await using regions = await startRegions(['westus2'], {
    FORMHAVEN_TLS_CERT: CERTIFICATE,
    FORMHAVEN_TLS_KEY: join(import.meta.dirname, 'tls', 'key.pem'),
  });
  const region = regions.region('westus2');
  expect(region.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const asked = request(`${region.endpoint}/formrecognizer/v2.1/layout/analyze`, {
    method: 'POST',
    ca: await readFile(CERTIFICATE),
    headers: { 'ocp-apim-subscription-key': region.key1, 'content-type': 'application/json' },
  });
  asked.end(JSON.stringify({ source: 'https://documents.example/form.pdf' }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(202);
  expect(response.headers['operation-location']).toMatch(
    new RegExp(`^${region.endpoint}/formrecognizer/v2.1/layout/analyzeResults/[0-9a-f-]{36}$`),
  );
  await expect(fetch(region.endpoint.replace('https', 'http'))).rejects.toThrow();
});
