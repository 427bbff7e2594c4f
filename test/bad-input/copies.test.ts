import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { v2 } from '@formhaven/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { copyModel, pollUntil, trainStatements } from '../kit/work.ts';
import { endOf, NOBODY, postJson, refusalOf } from './refusal.ts';

const NOT_FOUND =
  'Could not retrieve authorization metadata. If this issue persists use a different target model to copy into.';
const ALTERED = 'Authorization failure due to missing or invalid authorization claims.';

const opened = new AsyncDisposableStack();
let source: TestRegion;
let target: TestRegion;
let modelId: string;

beforeAll(async () => {
  const regions = opened.use(await startRegions(['westus2', 'eastus'], { FORMHAVEN_COPY_PATIENCE_SECONDS: '1' }));
  source = regions.region('westus2');
  target = regions.region('eastus');
  modelId = (await trainStatements(source)).modelInfo.modelId;
});

afterAll(() => opened.disposeAsync());

interface CopyRequest {
  readonly targetResourceId: unknown;
  readonly targetResourceRegion: unknown;
  readonly copyAuthorization: unknown;
}

async function authorize(): Promise<v2.CopyAuthorizationResult> {
  return (await target.client().authorizeCopy()).authorization;
}

async function requestWith(changes: Partial<CopyRequest>): Promise<CopyRequest> {
  return {
    targetResourceId: target.resourceId,
    targetResourceRegion: target.name,
    copyAuthorization: changes.copyAuthorization ?? (await authorize()),
    ...changes,
  };
}

function copy(body: unknown, version: v2.V2Version = 'v2.1'): Promise<Response> {
  return postJson(source, `/formrecognizer/${version}/custom/models/${modelId}/copy`, body);
}

describe('a copy request is refused at once', () => {
  const seconds = 4_000_000_000;
  test.each<[string, Partial<CopyRequest>, string]>([
    ['whose resource id is no resource id', { targetResourceId: 'eastus' }, 'targetResourceId'],
    [
      'whose resource id is of another kind of resource',
      { targetResourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/accounts/a' },
      'targetResourceId',
    ],
    [
      'whose resource id goes on after the name',
      { targetResourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/b' },
      'targetResourceId',
    ],
    [
      'whose resource id has 1025 characters',
      {
        targetResourceId: `/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/${'a'.repeat(1000)}`,
      },
      'targetResourceId',
    ],
    ['whose resource id is a number', { targetResourceId: 7 }, 'targetResourceId'],
    ['whose region is empty', { targetResourceRegion: '' }, 'targetResourceRegion'],
    ['whose region is a display name', { targetResourceRegion: 'East US' }, 'targetResourceRegion'],
    ['whose region is a URL', { targetResourceRegion: 'http://localhost' }, 'targetResourceRegion'],
    ['whose region has 25 letters', { targetResourceRegion: 'a'.repeat(25) }, 'targetResourceRegion'],
    ['whose authorization is a text', { copyAuthorization: JSON.stringify({ modelId: NOBODY }) }, 'copyAuthorization'],
    ['whose authorization is empty', { copyAuthorization: {} }, 'copyAuthorization'],
    [
      'whose authorization has no token',
      { copyAuthorization: { modelId: NOBODY, expirationDateTimeTicks: seconds } },
      'accessToken',
    ],
    [
      'whose authorization is for no GUID',
      { copyAuthorization: { modelId: 'xx', accessToken: NOBODY, expirationDateTimeTicks: seconds } },
      'modelId',
    ],
    [
      'whose authorization expires in words',
      { copyAuthorization: { modelId: NOBODY, accessToken: NOBODY, expirationDateTimeTicks: 'tomorrow' } },
      'expirationDateTimeTicks',
    ],
    [
      'whose authorization expires at no time',
      { copyAuthorization: { modelId: NOBODY, accessToken: NOBODY, expirationDateTimeTicks: 300_000_000_000 } },
      'expirationDateTimeTicks',
    ],
    [
      'whose authorization expires before all time',
      { copyAuthorization: { modelId: NOBODY, accessToken: NOBODY, expirationDateTimeTicks: -1 } },
      'expirationDateTimeTicks',
    ],
  ])('%s', async (_what, changes, member) => {
    const refusal = await refusalOf(await copy(await requestWith(changes)));
    expect(refusal).toMatchObject({ status: 400, code: '1002' });
    expect(refusal.message).toContain(member);
  });

  test.each([
    ['in seconds', 1_600_000_000],
    ["in .NET ticks, with the guide's own number", Number(637_233_481_531_659_440n)],
  ])('whose authorization has expired, told %s', async (_what, expirationDateTimeTicks) => {
    const authorization = { ...(await authorize()), expirationDateTimeTicks };
    const refusal = await refusalOf(await copy(await requestWith({ copyAuthorization: authorization })));
    expect(refusal).toMatchObject({ status: 400, code: '1002' });
    expect(refusal.message).toContain('expired');
  });

  test('that is missing or no JSON', async () => {
    for (const body of ['', '{', 'null', '[]', '{}'])
      expect(await refusalOf(await copy(body))).toMatchObject({ status: 400, code: '1002' });
  });
});

describe.each(v2.V2_VERSIONS)('a copy is accepted by %s, and fails', (version) => {
  const isOf2020 = ['v2.0-preview', 'v2.1-preview.1', 'v2.1-preview.2'].includes(version);
  const code = isOf2020 ? 'AuthorizationError' : '2024';
  const unresolved = isOf2020 ? 'ResourceResolverError' : '2024';

  async function failure(changes: Partial<CopyRequest>): Promise<{ code: string | undefined; message: string }> {
    const { status, header, ...ended } = await endOf(source, await copy(await requestWith(changes), version));
    expect([status, header]).toEqual(['failed', ended.code]);
    return ended;
  }

  test('where the region is another one', async () => {
    for (const targetResourceRegion of ['westus2', 'nowhere1']) {
      const ended = await failure({ targetResourceRegion });
      expect(ended.code).toBe(unresolved);
      expect(ended.message).toContain('Could not fetch information for Cognitive resource with Id');
      expect(ended.message).toContain(targetResourceRegion);
    }
  });

  test('where the resource is not known', async () => {
    const ended = await failure({ targetResourceId: `${target.resourceId}x` });
    expect(ended).toEqual({ code: unresolved, message: expect.stringContaining(`${target.resourceId}x`) });
  });

  test('where the token was altered', async () => {
    const authorization = await authorize();
    const altered = { ...authorization, accessToken: NOBODY };
    expect(await failure({ copyAuthorization: altered })).toEqual({ code, message: ALTERED });
    // Nothing was used up: the true one still works.
    const { status } = await endOf(
      source,
      await copy(await requestWith({ copyAuthorization: authorization }), version),
    );
    expect(status).toBe('succeeded');
  });

  test('where the authorization is for another model, or none', async () => {
    const [one, two] = [await authorize(), await authorize()];
    expect(await failure({ copyAuthorization: { ...one, modelId: two.modelId } })).toEqual({ code, message: ALTERED });
    expect(await failure({ copyAuthorization: { ...one, modelId: NOBODY } })).toEqual({ code, message: NOT_FOUND });
  });

  test('where the authorization was used before', async () => {
    const copyAuthorization = await authorize();
    expect((await endOf(source, await copy(await requestWith({ copyAuthorization }), version))).status).toBe(
      'succeeded',
    );
    expect(await failure({ copyAuthorization })).toEqual({ code, message: NOT_FOUND });
    const model = await target.client().getModel(copyAuthorization.modelId);
    expect(model.modelInfo.status).toBe('ready');
  });

  test('where the reserved model was deleted', async () => {
    const copyAuthorization = await authorize();
    await target.client().deleteModel(copyAuthorization.modelId);
    expect(await failure({ copyAuthorization })).toEqual({ code, message: NOT_FOUND });
    await expect(target.client().getModel(copyAuthorization.modelId)).rejects.toMatchObject({ code: '1022' });
  });
});

test('whoever names another expiry is believed as long as it lies ahead: the token decides', async () => {
  const authorization = await authorize();
  const later = { ...authorization, expirationDateTimeTicks: authorization.expirationDateTimeTicks + 86_400.25 };
  const { status } = await endOf(source, await copy(await requestWith({ copyAuthorization: later })));
  expect(status).toBe('succeeded');
});

test('region and resource id are taken without regard to case', async () => {
  const body = await requestWith({
    targetResourceId: target.resourceId.toUpperCase(),
    targetResourceRegion: target.name.toUpperCase(),
  });
  expect((await endOf(source, await copy(body))).status).toBe('succeeded');
});

test('an authorization that has expired at the target is of no use, whatever the request says, and goes with its model', async () => {
  const copyAuthorization = await authorize();
  await target.stop();
  const database = new DatabaseSync(join(target.dataFolder, 'region.db'));
  database.prepare('update authorizations set expires_on = ? where model_id = ?').run(1, copyAuthorization.modelId);
  database.close();
  await target.start();
  const ended = await endOf(source, await copy(await requestWith({ copyAuthorization })));
  expect(ended).toMatchObject({ status: 'failed', code: '2024', message: NOT_FOUND });
  await pollUntil(
    () => target.request(`/formrecognizer/v2.1/custom/models/${copyAuthorization.modelId}`),
    ({ status }) => status === 404,
  );
});

test('the result of a copy is found under its own model and region only', async () => {
  const accepted = await copy(await requestWith({}));
  const location = accepted.headers.get('operation-location') ?? '';
  const path = location.slice(source.endpoint.length);
  await endOf(source, accepted);
  const { targetModelId } = await copyModel(source, modelId, target);
  for (const answer of [
    await target.request(path),
    await source.request(path.replace(modelId, targetModelId)),
    await source.request(path.replace('copyresults', 'analyzeresults')),
  ]) {
    expect(await refusalOf(answer)).toMatchObject({ status: 404, code: '404' });
  }
});

test('regions do not take a model from whoever has no token for it', async () => {
  const { modelId: reserved, accessToken } = await authorize();
  const offer = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${target.endpoint}/formhaven/copies/${reserved}/offer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
  const id = { 'formhaven-copy-id': NOBODY };
  expect((await offer(id)).status).toBe(403);
  expect(
    (await offer({ ...id, 'formhaven-copy-token': NOBODY, 'ocp-apim-subscription-key': target.key1 })).status,
  ).toBe(400);
  expect((await offer({ 'formhaven-copy-token': accessToken })).status).toBe(400);
  expect((await target.client().getModel(reserved)).modelInfo.status).toBe('creating');
});
