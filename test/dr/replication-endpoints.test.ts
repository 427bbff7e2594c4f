import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { startRegions } from '../kit/regions.ts';
import { copyModel, pollUntil, trainStatements } from '../kit/work.ts';

// Each look may be a process of its own, on a machine that has other work.
const PATIENCE_MILLISECONDS = 150_000;

async function json(response: Response): Promise<unknown> {
  return { status: response.status, body: await response.json() };
}

test('a region tells whoever has its key what changed, and proves its models from their bytes', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const base = '/formhaven/replication';

  const unauthorized = await fetch(`${west.endpoint}${base}/models`);
  expect(unauthorized.status).toBe(401);

  const identity = (await (await west.request(base)).json()) as { instance: string; last: number };
  expect(identity).toMatchObject({ format: 'formhaven-replication/1', region: 'westus2', last: 0 });

  const waiting = west.request(`${base}/changes?after=0&wait=30&instance=${identity.instance}`);
  const model = await trainStatements(west);
  const id = model.modelInfo.modelId;
  expect(await json(await waiting)).toMatchObject({
    status: 200,
    body: { isReset: false, changes: [{ modelId: id, change: 'ready' }] },
  });
  expect(await json(await west.request(`${base}/changes?after=99`))).toMatchObject({ body: { isReset: true } });

  const { targetModelId } = await copyModel(west, id, east);
  const nonce = randomBytes(32).toString('hex');
  const ask = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const proofs = await Promise.all(
    [west.request(`${base}/models/${id}/proof`, { ...ask, body: JSON.stringify({ nonce }) })].concat(
      east.request(`${base}/models/${targetModelId}/proof`, { ...ask, body: JSON.stringify({ nonce }) }),
    ),
  );
  const [ours, theirs] = await Promise.all(proofs.map((response) => response.json()));
  expect(ours).toEqual(theirs);

  const canary = { ...ask, body: JSON.stringify({ samples: 3 }) };
  const source = (await (await west.request(`${base}/models/${id}/canary`, canary)).json()) as Record<string, unknown>;
  const target = await (await east.request(`${base}/models/${targetModelId}/canary`, canary)).json();
  expect(target).toEqual(source);
  expect(source.found).toEqual(source.expected);
  expect(source.found).toHaveLength(3);

  await west.client().deleteModel(id);
  const gone = await pollUntil(
    async () => json(await west.request(`${base}/models/${id}`)),
    () => true,
    PATIENCE_MILLISECONDS,
  );
  expect(gone).toMatchObject({ status: 200, body: { status: 'deleted' } });
});

test('a region that drains answers whoever waits for a change', async () => {
  await using regions = await startRegions(['westus2']);
  const west = regions.region('westus2');
  const waiting = west.request('/formhaven/replication/changes?after=0&wait=30');
  // Asked for before it drains: the request has been taken.
  await pollUntil(
    async () => (await west.request('/formhaven/replication')).status,
    (status) => status === 200,
    PATIENCE_MILLISECONDS,
  );
  await west.stop();
  expect(await json(await waiting)).toMatchObject({ status: 200, body: { isReset: false, changes: [] } });
});
