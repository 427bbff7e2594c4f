import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Fleet, fieldOf, MODEL, MODEL_IN_EAST, resultOf, sha256, someDocument, until } from './fleet.ts';

test('weights share the analyses out, and a region that is down gets none', async () => {
  await using fleet = await Fleet.start({ shares: { west: { weight: 70 }, east: { weight: 30 } } });
  const client = fleet.client();
  await Promise.all(Array.from({ length: 100 }, () => client.analyze(MODEL, someDocument(100))));
  expect(fleet.west.customAnalyses + fleet.east.customAnalyses).toBe(100);
  // Five standard deviations of a binomial.
  expect(Math.abs(fleet.west.customAnalyses - 70)).toBeLessThan(23);
  await fleet.west.kill();
  const places = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const { resultId } = await client.analyze(MODEL, someDocument(100));
      return fieldOf(await resultOf(client, resultId), 'Region');
    }),
  );
  expect(new Set(places)).toEqual(new Set(['east']));
});

test('a 429 overflows to the other region, and is passed on only when both are full', async () => {
  await using fleet = await Fleet.start();
  const full = { kind: 'status', status: 429, headers: { 'retry-after': '7' } } as const;
  const isAnalysis = (path: string): boolean => path.includes('/custom/models/') && path.includes('analyze');
  fleet.west.behave(({ method, path }) => (method === 'POST' && isAnalysis(path) ? full : { kind: 'normal' }));
  const client = fleet.client();
  for (let n = 0; n < 5; n++) await client.analyze(MODEL, someDocument());
  expect(fleet.east.customAnalyses).toBe(5);
  // It said for how long: it is not asked again before.
  expect(fleet.west.count('POST', /custom.*analyze/)).toBe(1);
  expect(await fleet.stateOf('west')).toBe('healthy');
  fleet.east.behave(({ method, path }) => (method === 'POST' && isAnalysis(path) ? full : { kind: 'normal' }));
  const refusal = await client.analyze(MODEL, someDocument()).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ status: 429, code: '429' });
  expect((refusal as { retryAfterSeconds: number }).retryAfterSeconds).toBeLessThanOrEqual(7);
});

test('a quota holds work back from a region before the region has to', async () => {
  await using fleet = await Fleet.start({ shares: { west: { requestsPerSecond: 2 } } });
  const client = fleet.client();
  await Promise.all(Array.from({ length: 12 }, () => client.analyze(MODEL, someDocument(100))));
  expect(fleet.west.customAnalyses).toBeLessThan(8);
  expect(fleet.west.customAnalyses + fleet.east.customAnalyses).toBe(12);
});

test('a model whose copy is not proven is asked for only where nothing else is left', async () => {
  await using fleet = await Fleet.start();
  const other = '44444444-4444-4444-8444-444444444444';
  await writeFile(
    join(fleet.folder, 'model-map.json'),
    JSON.stringify({
      version: 1,
      writtenOn: new Date().toISOString(),
      models: [
        {
          id: other,
          regions: { west: { modelId: MODEL, isProven: false }, east: { modelId: MODEL_IN_EAST, isProven: true } },
        },
      ],
    }),
  );
  const client = fleet.client();
  await until('the map is read', async () => {
    const { resultId } = await client.analyze(other, someDocument()).catch(() => ({ resultId: undefined }));
    return resultId !== undefined;
  });
  expect(fleet.west.customAnalyses).toBe(0);
  await fleet.east.kill();
  await client.analyze(other, someDocument());
  expect(fleet.west.customAnalyses).toBe(1);
});

test('a storm of ten times the load does not reach the regions and leaves the gateway answering', async () => {
  await using fleet = await Fleet.start({
    gateway: { limits: { parallelPerRegion: 8 }, maxRequestsAtOnce: 60 },
  });
  const late = { kind: 'late', milliseconds: 150 } as const;
  const isWork = ({ method, path }: { method: string; path: string }) => method === 'POST' && path.includes('custom');
  let underWay = 0;
  let most = 0;
  for (const region of [fleet.west, fleet.east]) {
    region.behave((request) => {
      if (!isWork(request)) return { kind: 'normal' };
      most = Math.max(most, ++underWay);
      setTimeout(() => underWay--, 150);
      return late;
    });
  }
  const answers = await Promise.all(
    Array.from({ length: 400 }, () =>
      fleet.request(`/formrecognizer/v2.1/custom/models/${MODEL}/analyze`, {
        method: 'POST',
        headers: { 'content-type': 'application/pdf' },
        body: someDocument(100).body,
      }),
    ),
  );
  const statuses = new Set(answers.map(({ status }) => status));
  expect(statuses).toContain(202);
  expect([...statuses].every((status) => [202, 429, 503].includes(status))).toBe(true);
  expect(answers.filter(({ status }) => status !== 202).every(({ headers }) => headers.has('retry-after'))).toBe(true);
  expect(most).toBeLessThanOrEqual(16);
  await expect(fleet.client().summary()).resolves.toBeDefined();
  expect(await fleet.stateOf('west')).toBe('healthy');
});

test('keys are rotated under load without an error', async () => {
  await using fleet = await Fleet.start();
  const client = fleet.client();
  const over = new AbortController();
  let done = 0;
  const load = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        const document = someDocument();
        const { resultId } = await client.analyze(MODEL, document);
        expect(fieldOf(await resultOf(client, resultId), 'Sha256')).toBe(sha256(document.body));
        done++;
      }
    }),
  );
  const [first = '', second = ''] = fleet.west.keys;
  for (const keys of [
    ['new-1', second],
    ['new-1', 'new-2'],
    [first, 'new-2'],
  ]) {
    const before = done;
    await until('work goes on', () => done > before + 5);
    // The region first, as an operator does: the gateway goes on with the other key, then reads the new one.
    fleet.west.keys = keys;
    await fleet.writeConfig();
    await until('the file is read', () => fleet.log.split('config-read').length > 1);
    fleet.log = '';
  }
  over.abort();
  await load;
  expect(await fleet.stateOf('west')).toBe('healthy');
  expect(fleet.east.customAnalyses).toBe(0);
});
