import { describe, expect, test } from 'vitest';
import { Fleet, fieldOf, MODEL, resultOf, someDocument, until } from './fleet.ts';

// What a region may do to its clients, and what the gateway makes of it.

describe('a region', () => {
  test('that is dead is left, and comes back only when analyses finish there', async () => {
    await using fleet = await Fleet.start();
    await fleet.west.kill();
    await until('west is dead', async () => (await fleet.stateOf('west')) === 'dead');
    fleet.west.isStuck = true;
    await fleet.west.revive();
    await until('west is tried', () => fleet.west.count('POST', /layout/) > 1);
    await until('west has failed again', async () => (await fleet.stateOf('west')) === 'grey');
    fleet.west.isStuck = false;
    await until('west is well', async () => (await fleet.stateOf('west')) === 'healthy');
    // One fault, one switch: the way back is a person's.
    expect((await fleet.admin('/gateway/status')).preferred).toBe('east');
  });

  test.each([
    ['finishes nothing', stick, 'grey'],
    ['answers 503 now and then', (fleet: Fleet) => sometimes(fleet), 'erroring'],
    ['answers nothing any more', (fleet: Fleet) => fleet.west.behave({ kind: 'silent' }), 'dead'],
    ['cuts every connection', (fleet: Fleet) => fleet.west.behave({ kind: 'cut' }), 'dead'],
    ['takes none of our keys', lockOut, 'unauthorized'],
  ] as const)('that %s is left while its clients see no error', async (_, misbehave, state) => {
    await using fleet = await Fleet.start();
    await until('both are well', async () => (await fleet.stateOf('east')) === 'healthy');
    misbehave(fleet);
    const client = fleet.client();
    await until(`west is ${state}`, async () => {
      const { resultId } = await client.analyze(MODEL, someDocument());
      expect((await client.getAnalyzeResult(MODEL, resultId)).status).not.toBe('failed');
      return (await fleet.stateOf('west')) === state;
    });
    const { resultId } = await client.analyze(MODEL, someDocument());
    expect(fieldOf(await resultOf(client, resultId), 'Region')).toBe('east');
  });

  test('that is slow is shown as slow and keeps its work, even while the other one is slow too', async () => {
    const slow = { finishMilliseconds: 700 };
    await using fleet = await Fleet.start({
      west: slow,
      east: slow,
      gateway: { timings: { canaryDeadlineMilliseconds: 300, canaryPatienceMilliseconds: 5000 } },
    });
    await until('west is slow', async () => (await fleet.stateOf('west')) === 'slow');
    await until('east is slow', async () => (await fleet.stateOf('east')) === 'slow');
    const client = fleet.client();
    const results = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const { resultId } = await client.analyze(MODEL, someDocument());
        return fieldOf(await resultOf(client, resultId), 'Region');
      }),
    );
    expect(results).toEqual(['west', 'west', 'west', 'west', 'west']);
    expect((await fleet.admin('/gateway/status')).preferred).toBe('west');
  });

  test('that flaps costs one switch and is tried less and less often', async () => {
    await using fleet = await Fleet.start();
    const client = fleet.client();
    for (let round = 0; round < 3; round++) {
      await fleet.west.kill();
      await until('west is dead', async () => (await fleet.stateOf('west')) === 'dead');
      await client.getModel(MODEL);
      await fleet.west.revive();
      await until('west is well', async () => (await fleet.stateOf('west')) === 'healthy');
      await client.getModel(MODEL);
    }
    const metrics = await (await fleet.adminRequest('/metrics')).text();
    const switches = metrics.split('\n').filter((line) => line.startsWith('formhaven_gateway_switches_total{'));
    expect(switches).toEqual(['formhaven_gateway_switches_total{from="west",to="east"} 1']);
  });

  test('can be isolated and released by hand, for every gateway on the store', async () => {
    await using fleet = await Fleet.start();
    const second = await fleet.startGateway();
    await fleet.admin('/gateway/regions/west/isolate', { reason: 'maintenance' });
    await until('both know', async () => (await fleet.stateOf('west', second.endpoint)) === 'isolated');
    const before = fleet.west.requests.length;
    const { resultId } = await fleet.client().analyze(MODEL, someDocument());
    expect(fieldOf(await resultOf(fleet.client(), resultId), 'Region')).toBe('east');
    expect(fleet.west.requests.slice(before).filter(({ method }) => method === 'POST')).toEqual([]);
    await fleet.admin('/gateway/regions/west/release', {});
    await until('west is back', async () => (await fleet.stateOf('west', second.endpoint)) === 'healthy');
    const { entries } = await fleet.admin<{ entries: { event: string; by: string }[] }>('/gateway/audit');
    expect(entries.map(({ event, by }) => [event, by])).toEqual([
      ['release', 'a test'],
      ['isolate', 'a test'],
    ]);
  });
});

test('that a model is nowhere is said only where every region that may have it was asked', async () => {
  await using fleet = await Fleet.start();
  // Trained in west past the gateway: nobody here knows of it.
  const unknown = '77777777-7777-4777-8777-777777777777';
  fleet.west.models.add(unknown);
  await fleet.west.kill();
  const client = fleet.client();
  for (let round = 0; round < 2; round++) {
    await expect(client.getModel(unknown)).rejects.toMatchObject({ status: 503 });
    await expect(client.analyze(unknown, someDocument())).rejects.toMatchObject({ status: 503 });
    await until('west is dead', async () => (await fleet.stateOf('west')) === 'dead');
  }
  await fleet.west.revive();
  await until('west is back', async () => (await fleet.stateOf('west')) === 'healthy');
  await client.analyze(unknown, someDocument());
  fleet.west.models.delete(unknown);
  await expect(client.getModel(unknown)).rejects.toMatchObject({ status: 404 });
});

test('with every region down clients hear so at once, and in the service’s words', async () => {
  await using fleet = await Fleet.start();
  await fleet.west.kill();
  await fleet.east.kill();
  await until(
    'both are dead',
    async () => (await fleet.stateOf('west')) === 'dead' && (await fleet.stateOf('east')) === 'dead',
  );
  const client = fleet.client();
  for (const attempt of [
    () => client.analyze(MODEL, someDocument()),
    () => client.getModel(MODEL),
    () => client.summary(),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ status: 503, code: 'ServiceUnavailable', retryAfterSeconds: 1 });
  }
  expect((await fetch(`${fleet.endpoint}/health/ready`)).status).toBe(503);
  await fleet.west.revive();
  await until('west is back', async () => (await fleet.stateOf('west')) === 'healthy');
  await expect(client.getModel(MODEL)).resolves.toBeDefined();
});

function sometimes(fleet: Fleet): void {
  let n = 0;
  fleet.west.behave((request) =>
    request.method === 'POST' && n++ % 3 === 0 ? { kind: 'status', status: 503 } : { kind: 'normal' },
  );
}

function stick(fleet: Fleet): void {
  fleet.west.isStuck = true;
}

function lockOut(fleet: Fleet): void {
  fleet.west.keys = ['other'];
}
