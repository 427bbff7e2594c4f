import { expect, test } from 'vitest';
import { readStatement } from '../kit/forms.ts';
import { startRegions } from '../kit/regions.ts';
import { type Ended, endOf, postDocument, refusalOf } from './refusal.ts';

test('a region with more work than it may hold answers 429 and when to come back, and ends what it has accepted', async () => {
  await using regions = await startRegions(['westus2'], { FORMHAVEN_MAX_QUEUE: '1' });
  const region = regions.region('westus2');
  const statement = await readStatement('Invoice_6.pdf');
  const accepted: Promise<Ended>[] = [];
  let refused: Response | undefined;
  // One after the other, each faster than a document is read.
  for (let n = 0; n < 200 && refused === undefined; n++) {
    const response = await postDocument(region, '/formrecognizer/v2.1/layout/analyze', statement);
    if (response.status === 202) accepted.push(endOf(region, response));
    else refused = response;
  }
  expect(refused?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(refused?.headers.get('policy-id')).toBe('ResourceRateLimitBy60s');
  expect(refused?.headers.get('content-type')).toBe('application/json');
  expect(await refusalOf(refused ?? Response.error())).toEqual({
    status: 429,
    code: '429',
    message: expect.stringMatching(
      /^Requests to the .+ under Form Recognizer API \(v2\.1\) have exceeded rate limit .+ Please retry after \d+ seconds\.$/,
    ),
  });
  expect(accepted.length).toBeGreaterThan(0);
  for (const { status } of await Promise.all(accepted)) expect(status).toBe('succeeded');
});
