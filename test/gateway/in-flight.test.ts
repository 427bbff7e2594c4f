import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeRegion } from './fake-region.ts';
import { Fleet, fieldOf, MODEL, resultOf, sha256, someDocument, until } from './fleet.ts';

// What was answered 202 comes to an end, and to the right one, whatever happens on the way.

describe('an analysis that was accepted', () => {
  test('is run elsewhere under its id when its region dies, also where nobody asks for it', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 60_000 } });
    const client = fleet.client();
    const documents = Array.from({ length: 12 }, () => someDocument(50_000));
    const accepted = await Promise.all(documents.map((document) => client.analyze(MODEL, document)));
    expect(fleet.west.customAnalyses).toBe(12);
    await fleet.west.kill();
    await until('all of them run in east', () => fleet.east.customAnalyses === 12);
    for (const [index, { resultId }] of accepted.entries()) {
      const result = await resultOf(client, resultId);
      expect(fieldOf(result, 'Sha256')).toBe(sha256(documents[index]?.body ?? Buffer.alloc(0)));
      expect(fieldOf(result, 'Region')).toBe('east');
    }
    // Delivered results come from where they are; nothing runs a third time.
    expect(fleet.east.customAnalyses).toBe(12);
  });

  test('is still running, for whoever polls, while its region is silent or broken', async () => {
    await using fleet = await Fleet.start();
    const client = fleet.client();
    const { resultId } = await client.analyze(MODEL, someDocument());
    fleet.west.behave({ kind: 'half' });
    const statuses = new Set<string>();
    await until('the result is there', async () => {
      const { status } = await client.getAnalyzeResult(MODEL, resultId);
      statuses.add(status);
      return status === 'succeeded';
    });
    expect([...statuses].filter((status) => !['notStarted', 'running', 'succeeded'].includes(status))).toEqual([]);
  });

  test('is polled at the region that has it, through a gateway that was restarted', async () => {
    await using fleet = await Fleet.start({ shares: { west: { weight: 1 }, east: { weight: 1 } } });
    const accepted = await Promise.all(Array.from({ length: 10 }, () => fleet.client().analyze(MODEL, someDocument())));
    await fleet.restartGateway();
    const client = fleet.client();
    for (const { resultId } of accepted) expect((await resultOf(client, resultId)).status).toBe('succeeded');
    expect(fleet.west.customAnalyses + fleet.east.customAnalyses).toBe(10);
  });

  test('is run again by the next gateway when the region and the gateway die together', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 60_000 } });
    const document = someDocument();
    const { resultId } = await fleet.client().analyze(MODEL, document);
    await fleet.west.kill();
    await fleet.restartGateway();
    const result = await resultOf(fleet.client(), resultId);
    expect(fieldOf(result, 'Sha256')).toBe(sha256(document.body));
    expect(fieldOf(result, 'Region')).toBe('east');
  });

  test('is run again once, where two gateways see its region die, and both say the same', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 60_000 } });
    const second = await fleet.startGateway();
    const accepted = await Promise.all(Array.from({ length: 10 }, () => fleet.client().analyze(MODEL, someDocument())));
    await fleet.west.kill();
    for (const { resultId } of accepted) {
      const results = await Promise.all([
        resultOf(fleet.client(), resultId),
        resultOf(fleet.client(second.endpoint), resultId),
      ]);
      expect(results[0]).toEqual(results[1]);
      expect(fieldOf(results[0], 'Region')).toBe('east');
    }
    expect(fleet.east.customAnalyses).toBe(10);
  });

  test('has one result, where one gateway cannot reach its region and another one can', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 1500 } });
    const unreachable = await FakeRegion.start('west');
    await using _ = unreachable;
    await unreachable.kill();
    // The second gateway is told that west is where nobody listens, which is what a cut between the two looks like.
    const config = join(fleet.folder, 'gateway-2.json');
    const { regions, ...rest } = JSON.parse(await readFile(join(fleet.folder, 'gateway.json'), 'utf8')) as {
      regions: { region: string; endpoint: string }[];
    };
    await writeFile(
      config,
      JSON.stringify({
        ...rest,
        regions: regions.map((each) => (each.region === 'west' ? { ...each, endpoint: unreachable.endpoint } : each)),
      }),
    );
    const second = await fleet.startGateway({ configFile: config });
    await until('the second one has lost west', async () => (await fleet.stateOf('west', second.endpoint)) === 'dead');
    const documents = Array.from({ length: 6 }, () => someDocument());
    const clients = [fleet.client(), fleet.client(second.endpoint)];
    for (const [index, document] of documents.entries()) {
      const { resultId } = await (index % 2 === 0 ? fleet.client() : fleet.client(second.endpoint)).analyze(
        MODEL,
        document,
      );
      const results = await Promise.all(clients.map((client) => resultOf(client, resultId)));
      for (const result of results) expect(fieldOf(result, 'Sha256')).toBe(sha256(document.body));
      expect(results[0]).toEqual(results[1]);
    }
    // Neither has moved the writes, and the first one still uses west.
    expect((await fleet.admin('/gateway/status')).writes).toMatchObject({ region: 'west', epoch: 1 });
    expect((await fleet.admin('/gateway/status')).preferred).toBe('west');
  });

  test('is run again when its region comes back without it', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 60_000 } });
    const { resultId } = await fleet.client().analyze(MODEL, someDocument());
    fleet.west.analyses.clear();
    fleet.west.finishMilliseconds = 10;
    expect((await resultOf(fleet.client(), resultId)).status).toBe('succeeded');
  });

  test('outlives a clock that is set a day forward and then two days back', async () => {
    let offset = 0;
    const day = 86_400_000;
    await using fleet = await Fleet.start({
      west: { finishMilliseconds: 60_000 },
      gateway: { now: () => Date.now() + offset },
    });
    const { resultId } = await fleet.client().analyze(MODEL, someDocument());
    offset = day;
    await fleet.restartGateway({ limits: { keepDocumentsMilliseconds: 2 * day } });
    offset = -day;
    await fleet.west.kill();
    const result = await resultOf(fleet.client(), resultId);
    expect(fieldOf(result, 'Region')).toBe('east');
  });

  test('ends failed, and says why, when no region is left that can run it', async () => {
    const only = '55555555-5555-4555-8555-555555555555';
    await using fleet = await Fleet.start({
      west: { models: [only], finishMilliseconds: 60_000 },
      gateway: { limits: { lostAfterMilliseconds: 300 } },
    });
    const client = fleet.client();
    const { resultId } = await client.analyze(only, someDocument());
    await fleet.west.kill();
    const result = await resultOf(client, resultId, only);
    expect(result.status).toBe('failed');
    const [error] = result.analyzeResult?.errors ?? [];
    expect(error?.code).toBe('3014');
    expect(error?.message).toContain('west');
    expect(await resultOf(client, resultId, only)).toEqual(result);
  });

  test('ends failed when its spooled document was damaged, and never with another document’s result', async () => {
    await using fleet = await Fleet.start({ west: { finishMilliseconds: 60_000 } });
    const { resultId } = await fleet.client().analyze(MODEL, someDocument(200_000));
    const spool = join(fleet.folder, 'gateway', 'spool');
    for (const file of await readdir(spool)) await truncate(join(spool, file), 100_000);
    await fleet.west.kill();
    expect((await resultOf(fleet.client(), resultId)).status).toBe('failed');
  });
});

test('documents go once their results are delivered, and the spool stays within its bound', async () => {
  await using fleet = await Fleet.start({
    gateway: { spoolBytes: 500_000, limits: { keepDeliveredMilliseconds: 0 } },
  });
  const client = fleet.client();
  const first = await Promise.all([1, 2].map(() => client.analyze(MODEL, someDocument(200_000))));
  await expect(client.analyze(MODEL, someDocument(200_000))).rejects.toMatchObject({
    status: 503,
    retryAfterSeconds: 5,
  });
  for (const { resultId } of first) await resultOf(client, resultId);
  await until('there is room', async () => (await fleet.admin('/gateway/status')).spool.bytes === 0);
  await client.analyze(MODEL, someDocument(200_000));
});

test('a poll for an operation nobody knows is 404 where all were asked, and 503 where one could not be', async () => {
  await using fleet = await Fleet.start();
  const client = fleet.client();
  const nobody = '99999999-9999-4999-8999-999999999999';
  await expect(client.getAnalyzeResult(MODEL, nobody)).rejects.toMatchObject({ status: 404 });
  await fleet.west.kill();
  await until('west is dead', async () => (await fleet.stateOf('west')) === 'dead');
  await expect(client.getAnalyzeResult(MODEL, nobody)).rejects.toMatchObject({ status: 503 });
});
