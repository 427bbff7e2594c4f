import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStatement } from '../kit/forms.ts';
import { startRegions, type TestRegion, type TestRegions } from '../kit/regions.ts';
import { analyzePdf, fieldTexts, trainStatements } from '../kit/work.ts';

// A fault of ours must not be blamed on the client. The folder in which blobs are written is taken away for a while, which
// fails as a full disk does: after the request was understood, before anything was accepted.

let regions: TestRegions;
let region: TestRegion;

beforeAll(async () => {
  regions = await startRegions(['westus2']);
  region = regions.region('westus2');
});

afterAll(() => regions[Symbol.asyncDispose]());

test('what cannot be stored is answered 500 and told to the log, and later work is done', async () => {
  const { modelInfo } = await trainStatements(region);
  const body = await readStatement('Invoice_6.pdf');
  const folder = join(region.dataFolder, 'blobs', '~tmp');
  await rename(folder, `${folder}-away`);
  for (const [path, document] of [
    [`/formrecognizer/v2.1/custom/models/${modelInfo.modelId}/analyze`, body],
    ['/formrecognizer/v2.1/layout/analyze', body.subarray(0, 100)],
  ] as const) {
    const answer = await region.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/pdf' },
      body: document,
    });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ error: { code: 'InternalServerError' } });
    const requestId = answer.headers.get('apim-request-id');
    const told = region
      .log()
      .split('\n')
      .find((line) => line.includes('"event":"request-error"') && line.includes(`${requestId}`));
    expect(told).toContain('ENOENT');
  }
  await rename(`${folder}-away`, folder);
  const result = await analyzePdf(region, modelInfo.modelId, body);
  expect(fieldTexts(result)['Receipt No']).toBe('9876');
});
