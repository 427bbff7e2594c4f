import type { FailbackPlan, FailoverReport } from '@formhaven/gateway';
import { describe, expect, test } from 'vitest';
import { Fleet, MODEL, MODEL_IN_EAST, someDocument, until } from './fleet.ts';

const SOURCE = 'https://storage.example/forms?sig=x';

describe('writes', () => {
  test('go to the primary alone, and to nobody while it is out', async () => {
    await using fleet = await Fleet.start();
    const client = fleet.client();
    await client.train({ source: SOURCE });
    expect(fleet.west.bodies.map((body) => JSON.parse(body))).toEqual([{ source: SOURCE }]);
    await fleet.west.kill();
    await until('west is dead', async () => (await fleet.stateOf('west')) === 'dead');
    const refusal = await client.train({ source: SOURCE }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 503, retryAfterSeconds: 5 });
    expect(String(refusal)).toContain('formhaven failover');
    expect(fleet.east.bodies).toEqual([]);
    expect(fleet.log).not.toContain('sig=x');
  });

  test('follow a failover in every gateway, and the old primary gets none when it returns', async () => {
    await using fleet = await Fleet.start();
    const second = await fleet.startGateway();
    const left = (await fleet.client().train({ source: SOURCE })).modelId;
    await fleet.west.kill();
    const report = await fleet.admin<FailoverReport>('/gateway/failover', { to: 'east', reason: 'west is lost' });
    expect(report).toMatchObject({ from: 'west', leadership: { region: 'east', epoch: 2 }, modelsLeftBehind: [left] });
    await fleet.west.revive();
    await until('west is back', async () => (await fleet.stateOf('west', second.endpoint)) === 'healthy');
    const { modelId } = await fleet.client(second.endpoint).train({ source: SOURCE });
    expect(fleet.east.models.has(modelId)).toBe(true);
    expect(fleet.west.bodies).toHaveLength(1);
    // Both versions are there, each under its id.
    expect((await fleet.client().getModel(left)).modelInfo.modelId).toBe(left);
    expect((await fleet.client().getModel(modelId)).modelInfo.modelId).toBe(modelId);
  });

  test('that ended after a failover are reported until a person has seen them', async () => {
    await using fleet = await Fleet.start();
    fleet.west.behave(({ method }) => (method === 'POST' ? { kind: 'late', milliseconds: 700 } : { kind: 'normal' }));
    const training = fleet.client().train({ source: SOURCE });
    await until('it is under way', async () => (await fleet.admin('/gateway/status')).unsettledWrites.length === 1);
    await fleet.admin('/gateway/failover', { to: 'east' });
    await training;
    const { unsettledWrites } = await fleet.admin('/gateway/status');
    expect(unsettledWrites).toMatchObject([{ kind: 'train', region: 'west', epoch: 1, problem: 'afterFailover' }]);
    await fleet.admin('/gateway/writes/acknowledge', { upTo: unsettledWrites[0]?.id });
    expect((await fleet.admin('/gateway/status')).unsettledWrites).toEqual([]);
  });

  test('move by themselves where a witness is configured, once, however many gateways see it', async () => {
    await using fleet = await Fleet.start({ gateway: { witnessSeconds: 0.3 } });
    await fleet.startGateway();
    await fleet.west.kill();
    await until('writes go to east', async () => (await fleet.admin('/gateway/status')).writes.region === 'east');
    await fleet.client().train({ source: SOURCE });
    expect((await fleet.admin('/gateway/status')).writes.epoch).toBe(2);
  });

  test('of two people who move them at once one succeeds', async () => {
    await using fleet = await Fleet.start();
    const second = await fleet.startGateway();
    const answers = await Promise.all([
      fleet.adminRequest('/gateway/failover', { to: 'east' }),
      fleet.adminRequest('/gateway/failover', { to: 'east' }, second.endpoint),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('delete a model at once, though its copy is still there', async () => {
    await using fleet = await Fleet.start();
    const client = fleet.client();
    await client.deleteModel(MODEL);
    expect(fleet.west.models.has(MODEL)).toBe(false);
    expect(fleet.east.models.has(MODEL_IN_EAST)).toBe(true);
    await expect(client.getModel(MODEL)).rejects.toMatchObject({ status: 404, code: '1022' });
    await expect(client.analyze(MODEL, someDocument())).rejects.toMatchObject({ status: 400, code: '1001' });
  });
});

test('an error names the model as the client does', async () => {
  await using fleet = await Fleet.start();
  await fleet.admin('/gateway/failover', { to: 'east' });
  fleet.east.models.delete(MODEL_IN_EAST);
  const refusal = await fleet
    .client()
    .deleteModel(MODEL)
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ status: 404, code: '1022', message: expect.stringContaining(MODEL) });
  expect(String(refusal)).not.toContain(MODEL_IN_EAST);
});

describe('a copy', () => {
  test('is authorized by the primary, and polled where it was begun', async () => {
    await using fleet = await Fleet.start();
    const client = fleet.client();
    const { authorization, location } = await client.authorizeCopy();
    expect(location).toBe(`${fleet.endpoint}/formrecognizer/v2.1/custom/models/${authorization.modelId}`);
    const copying = await client.copy(MODEL, {
      targetResourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/other',
      targetResourceRegion: 'other',
      copyAuthorization: authorization,
    });
    expect(copying.location).toContain(`${fleet.endpoint}/formrecognizer/v2.1/custom/models/${MODEL}/copyresults/`);
    await fleet.restartGateway();
    const polled = await fleet.client().getCopyResult(MODEL, copying.resultId);
    expect(polled.status).toBe('succeeded');
    await fleet.west.kill();
    await expect(fleet.client().getCopyResult(MODEL, copying.resultId)).rejects.toMatchObject({ status: 503 });
  });
});

describe('failback', () => {
  test('is planned, refused while models are missing, and done without an error for clients', async () => {
    await using fleet = await Fleet.start();
    await fleet.admin('/gateway/failover', { to: 'east' });
    const client = fleet.client();
    const { modelId } = await client.train({ source: SOURCE });
    const plan = await fleet.admin<FailbackPlan>('/gateway/failback?to=west');
    expect(plan.models).toEqual(
      [
        { id: MODEL, there: 'proven' },
        { id: modelId, there: 'missing' },
      ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
    expect(plan.obstacles).toEqual(['1 models of east are not in west: let replication bring them.']);
    expect((await fleet.adminRequest('/gateway/failback', { to: 'west' })).status).toBe(409);
    await client.train({ source: SOURCE }).then(({ modelId }) => client.deleteModel(modelId));

    // Replication has brought it.
    const copy = '66666666-6666-4666-8666-666666666666';
    fleet.west.models.add(copy);
    await fleet.writeMap([
      { id: MODEL, west: MODEL, east: MODEL_IN_EAST },
      { id: modelId, west: copy, east: modelId },
    ]);
    await until('nothing is in the way', async () => {
      return (await fleet.admin<FailbackPlan>('/gateway/failback?to=west')).obstacles.length === 0;
    });
    const over = new AbortController();
    const reading = (async () => {
      while (!over.signal.aborted) {
        await client.getModel(modelId);
        await client.analyze(modelId, someDocument(100));
      }
    })();
    await fleet.admin('/gateway/failback', { to: 'west' });
    await client.getModel(modelId);
    over.abort();
    await reading;
    const status = await fleet.admin('/gateway/status');
    expect(status).toMatchObject({ preferred: 'west', writes: { region: 'west', epoch: 3, mode: 'open' } });
    expect((await client.getModel(modelId)).modelInfo.modelId).toBe(modelId);
  });

  test('holds new writes back while those under way end', async () => {
    await using fleet = await Fleet.start();
    await fleet.admin('/gateway/failover', { to: 'east' });
    fleet.east.behave(({ method, path }) =>
      method === 'POST' && path.includes('copyAuthorization')
        ? { kind: 'late', milliseconds: 600 }
        : { kind: 'normal' },
    );
    const client = fleet.client();
    const slow = client.authorizeCopy();
    await until('it is under way', async () => (await fleet.admin('/gateway/status')).unsettledWrites.length === 1);
    const moving = fleet.adminRequest('/gateway/failback', { to: 'west' });
    await until('writes are drained', async () => (await fleet.admin('/gateway/status')).writes.mode === 'draining');
    await expect(client.train({ source: SOURCE })).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    const { authorization } = await slow;
    // The write that ended last made a model that is not in west: nothing is moved, and writes go on.
    expect((await moving).status).toBe(409);
    expect((await fleet.admin('/gateway/status')).writes).toMatchObject({ region: 'east', mode: 'open' });
    await client.deleteModel(authorization.modelId);
    expect((await fleet.adminRequest('/gateway/failback', { to: 'west' })).status).toBe(200);
  });
});
