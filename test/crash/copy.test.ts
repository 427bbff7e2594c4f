import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { v2 } from '@formhaven/contract';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { type CopyRequest, type Fault, type FaultProxy, startFaultProxy } from '../kit/fault-proxy.ts';
import { expectedFields, FORMS, readStatement, writeLargeStatements } from '../kit/forms.ts';
import { killWhole } from '../kit/processes.ts';
import { startRegions, type TestRegion, type TestRegions, writePeers } from '../kit/regions.ts';
import { damagedParts, damageParts, forgetParts } from '../kit/stored.ts';
import { analyzePdf, copyModel, fieldTexts, pollUntil, startCopy, trainStatements, waitForCopy } from '../kit/work.ts';

// "A failed copy leaves nothing behind": the copy of a real model, through a proxy that lets something happen at a chosen moment.
// Its largest part travels in three pieces.

const LARGE_BYTES = 9 * 1024 * 1024;

let folder: string;
let regions: TestRegions;
let source: TestRegion;
let target: TestRegion;
let proxy: FaultProxy;
let modelId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'formhaven-large-'));
  await writeLargeStatements(folder, LARGE_BYTES);
  regions = await startRegions(['westus2', 'eastus'], {
    FORMHAVEN_TRAINING_ROOTS: [FORMS, folder].join(delimiter),
  });
  source = regions.region('westus2');
  target = regions.region('eastus');
  proxy = await startFaultProxy(() => target.endpoint);
  await writePeers(regions.peersFile, [
    { name: target.name, resourceId: target.resourceId, endpoint: proxy.endpoint },
    { name: source.name, resourceId: source.resourceId, endpoint: source.endpoint },
  ]);
  const model = await trainStatements(source, 'v2.1', folder);
  modelId = model.modelInfo.modelId;
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await regions[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

// Every copy starts at a target that has nothing.
afterEach(async () => {
  proxy.reset();
  for await (const model of target.client().listModels()) await target.client().deleteModel(model.modelId);
  await forgetParts(target);
});

interface Place {
  readonly title: string;
  readonly isMeant: (request: CopyRequest) => boolean;
  readonly at: Extract<Fault, { at: string }>['at'];
  /** Whether the target has published by then; undefined where it may or may not have. */
  readonly isPublished: boolean | undefined;
}

const first = (step: CopyRequest['step']) => (request: CopyRequest) => request.step === step && request.number === 1;
/** Only the large part has a second piece. */
const isInsidePart = (request: CopyRequest): boolean => request.piece === 1;
const isLastPiece = (request: CopyRequest): boolean => request.piece === 2;

const PLACES: readonly Place[] = [
  { title: 'before the offer arrives', isMeant: first('offer'), at: 'before', isPublished: false },
  { title: 'before the answer to the offer', isMeant: first('offer'), at: 'after', isPublished: false },
  { title: 'before the first piece', isMeant: first('piece'), at: 'before', isPublished: false },
  { title: 'in the middle of a piece', isMeant: isInsidePart, at: 'midway', isPublished: false },
  { title: 'between two pieces of a part', isMeant: isInsidePart, at: 'after', isPublished: false },
  { title: 'while a piece is stored', isMeant: isLastPiece, at: 'during', isPublished: false },
  { title: 'before the publication', isMeant: first('publish'), at: 'before', isPublished: false },
  { title: 'while the model is published', isMeant: first('publish'), at: 'during', isPublished: undefined },
  { title: 'before the answer to the publication', isMeant: first('publish'), at: 'after', isPublished: true },
  { title: 'before the proof is asked for', isMeant: first('proof'), at: 'before', isPublished: true },
  { title: 'before the proof arrives', isMeant: first('proof'), at: 'after', isPublished: true },
];

/** Lets the blow fall once at that place; from then on the target is out of reach until `reopen`. */
function strike(place: Place, blow: () => unknown): { readonly struck: Promise<void>; reopen(): void } {
  const { promise: struck, resolve } = Promise.withResolvers<void>();
  let isOver = false;
  proxy.inject((request) => {
    if (isOver) return { answer: 503 };
    if (!place.isMeant(request)) return undefined;
    isOver = true;
    return {
      at: place.at,
      async blow() {
        await blow();
        resolve();
      },
    };
  });
  return { struck, reopen: () => proxy.inject(() => undefined) };
}

async function authorize(): Promise<v2.CopyAuthorizationResult> {
  const { authorization } = await target.client().authorizeCopy();
  return authorization;
}

async function copyWith(authorization: v2.CopyAuthorizationResult): Promise<v2.CopyOperationResult> {
  const { resultId } = await startCopy(source, modelId, target, authorization);
  return await waitForCopy(source, modelId, resultId);
}

/** The model as the target shows it, by its id and in the list, which must agree. */
async function statusOnTarget(id: string): Promise<string> {
  const { modelInfo } = await target.client().getModel(id);
  const listed: v2.ModelInfo[] = [];
  for await (const info of target.client().listModels()) listed.push(info);
  expect(listed.find((info) => info.modelId === id)?.status).toBe(modelInfo.status);
  return modelInfo.status;
}

async function expectWhole(id: string): Promise<void> {
  expect(await statusOnTarget(id)).toBe('ready');
  expect(await damagedParts(target, id)).toEqual([]);
  const [copy, original] = await Promise.all([target.client().getModel(id), source.client().getModel(modelId)]);
  expect(copy.trainResult).toEqual(original.trainResult);
  const result = await analyzePdf(target, id, await readStatement('Invoice_6.pdf'));
  expect(fieldTexts(result)).toEqual(await expectedFields('Invoice_6.pdf'));
}

async function expectNothingHalf(id: string, isPublished: boolean | undefined): Promise<void> {
  const status = await statusOnTarget(id);
  if (isPublished !== undefined) expect(status).toBe(isPublished ? 'ready' : 'creating');
  if (status !== 'creating') await expectWhole(id);
}

/** Pieces the target said it has, in the order they arrived. */
function arrived(): readonly string[] {
  return proxy.requests
    .filter((request) => request.step === 'piece' && request.status === 204)
    .map((request) => `${request.part}/${request.piece}`);
}

async function expectUsedUp(authorization: v2.CopyAuthorizationResult): Promise<void> {
  const again = await copyWith(authorization);
  expect(again).toMatchObject({
    status: 'failed',
    copyResult: { errors: [{ message: expect.stringContaining('Could not retrieve authorization metadata') }] },
  });
}

async function expectCopyOnceMore(): Promise<void> {
  const { result, targetModelId } = await copyModel(source, modelId, target);
  expect(result.status).toBe('succeeded');
  expect(await statusOnTarget(targetModelId)).toBe('ready');
}

function keepLogs(): void {
  onTestFailed(() => {
    console.error(`${source.name}:\n${source.log().slice(-4000)}\n${target.name}:\n${target.log().slice(-4000)}`);
  });
}

describe('a copy goes on by itself', () => {
  const BLOWS = [
    { what: 'the target is killed', blow: () => killWhole(target), recover: () => target.start() },
    { what: 'the source is killed', blow: () => killWhole(source), recover: () => source.start() },
  ];
  const cases = PLACES.flatMap((place) => BLOWS.map((blow) => ({ ...place, ...blow })));

  test.each(cases)('when $what $title', async ({ blow, recover, ...place }) => {
    keepLogs();
    const authorization = await authorize();
    const { struck, reopen } = strike(place, blow);
    const { resultId } = await startCopy(source, modelId, target, authorization);
    await struck;
    await recover();
    await expectNothingHalf(authorization.modelId, place.isPublished);
    reopen();

    const result = await waitForCopy(source, modelId, resultId);
    expect(result).toMatchObject({ status: 'succeeded', copyResult: { modelId: authorization.modelId } });
    await expectWhole(authorization.modelId);
    // Whatever the target had was not sent again.
    expect(new Set(arrived()).size).toBe(arrived().length);
    await expectUsedUp(authorization);
  });
});

describe('a copy that fails', () => {
  beforeAll(async () => {
    await killWhole(source);
    await source.start({ FORMHAVEN_COPY_PATIENCE_SECONDS: '0' });
  });

  test.each(PLACES.filter((place) => place.isPublished === false))(
    'leaves its authorization as it was when the connection breaks $title',
    async (place) => {
      keepLogs();
      const authorization = await authorize();
      const { struck, reopen } = strike(place, () => {});
      const attempt = copyWith(authorization);
      await struck;
      expect(await attempt).toMatchObject({
        status: 'failed',
        copyResult: { modelId: authorization.modelId, errors: [expect.anything()] },
      });
      expect(await statusOnTarget(authorization.modelId)).toBe('creating');
      reopen();

      expect((await copyWith(authorization)).status).toBe('succeeded');
      await expectWhole(authorization.modelId);
      expect(new Set(arrived()).size).toBe(arrived().length);
      await expectUsedUp(authorization);
    },
  );

  test.each(PLACES.filter((place) => place.isPublished !== false))(
    'leaves a whole model and no second use of its authorization when the connection breaks $title',
    async (place) => {
      keepLogs();
      const authorization = await authorize();
      const { struck, reopen } = strike(place, () => {});
      const attempt = copyWith(authorization);
      await struck;
      expect((await attempt).status).toBe('failed');
      reopen();

      // A publication whose source has gone still comes to its end.
      await pollUntil(
        () => statusOnTarget(authorization.modelId),
        (status) => status === 'ready',
      );
      await expectWhole(authorization.modelId);
      await expectUsedUp(authorization);
      await expectCopyOnceMore();
    },
  );

  test('goes on inside a part when it is run again', async () => {
    const authorization = await authorize();
    const broken = proxy.injectOnce(isInsidePart, { at: 'midway', blow: () => {} });
    const attempt = copyWith(authorization);
    await broken;
    expect((await attempt).status).toBe('failed');
    const large = proxy.requests.find(isInsidePart)?.part;
    expect(arrived()).toContain(`${large}/0`);

    proxy.reset();
    expect((await copyWith(authorization)).status).toBe('succeeded');
    const sent = proxy.requests.filter((request) => request.part === large).map((request) => request.piece);
    expect(sent).toEqual([1, 2]);
    await expectWhole(authorization.modelId);
  });

  test('is told that the target did not answer, and works once it does', async () => {
    const authorization = await authorize();
    await killWhole(target);
    const result = await copyWith(authorization);
    expect(result).toMatchObject({
      status: 'failed',
      copyResult: { errors: [{ message: expect.stringMatching(/eastus/) }] },
    });
    await target.start();
    expect(await statusOnTarget(authorization.modelId)).toBe('creating');
    expect((await copyWith(authorization)).status).toBe('succeeded');
    await expectWhole(authorization.modelId);
  });
});

describe('a target that lies', () => {
  const nothingMissing = { answer: 200, body: { missing: [] } };
  const falseProof = { answer: 200, body: { proof: '0'.repeat(64) } };
  const LIES: readonly { title: string; lie(request: CopyRequest): Fault | undefined }[] = [
    {
      title: 'takes everything and keeps nothing',
      lie: ({ step }) => (step === 'offer' ? nothingMissing : step === 'proof' ? falseProof : { answer: 204 }),
    },
    { title: 'says that it has published', lie: ({ step }) => (step === 'publish' ? { answer: 204 } : undefined) },
    { title: 'says that it has every piece', lie: ({ step }) => (step === 'piece' ? { answer: 204 } : undefined) },
    { title: 'misses nothing', lie: ({ step }) => (step === 'offer' ? nothingMissing : undefined) },
    {
      title: 'proves something else',
      lie: ({ step }) => (step === 'publish' ? { answer: 204 } : step === 'proof' ? falseProof : undefined),
    },
    {
      title: 'asks for what is no part of the model',
      lie: ({ step }) =>
        step === 'offer' ? { answer: 200, body: { missing: [{ sha256: '0'.repeat(64), pieces: [0] }] } } : undefined,
    },
    {
      title: 'answers what no target answers',
      lie: ({ step }) => (step === 'offer' ? { answer: 200, body: { welcome: true } } : undefined),
    },
  ];

  test.each(LIES)('is found out when it $title, and the authorization still works', async ({ lie }) => {
    keepLogs();
    const authorization = await authorize();
    proxy.inject(lie);
    expect(await copyWith(authorization)).toMatchObject({
      status: 'failed',
      copyResult: { errors: [expect.anything()] },
    });
    expect(await statusOnTarget(authorization.modelId)).toBe('creating');
    proxy.reset();
    expect((await copyWith(authorization)).status).toBe('succeeded');
    await expectWhole(authorization.modelId);
  });
});

describe('a copy over a bad line', () => {
  beforeAll(async () => {
    await killWhole(source);
    await source.start();
  });

  test('repairs a piece that was damaged', async () => {
    const authorization = await authorize();
    void proxy.injectOnce(isInsidePart, { alter: (body) => Buffer.from(body).fill(0, 1000, 1100) });
    expect((await copyWith(authorization)).status).toBe('succeeded');
    expect(proxy.requests.filter(isInsidePart).map((request) => request.status)).toEqual([409, 204]);
    await expectWhole(authorization.modelId);
  });

  test('repairs a piece that was cut short', async () => {
    const authorization = await authorize();
    void proxy.injectOnce(isInsidePart, { alter: (body) => body.subarray(0, 1000) });
    expect((await copyWith(authorization)).status).toBe('succeeded');
    expect(proxy.requests.filter(isInsidePart).map((request) => request.status)).toEqual([409, 204]);
    await expectWhole(authorization.modelId);
  });

  test('succeeds when every request arrives twice', async () => {
    const authorization = await authorize();
    proxy.inject(() => ({ twice: true }));
    expect((await copyWith(authorization)).status).toBe('succeeded');
    await expectWhole(authorization.modelId);
    await expectUsedUp(authorization);
  });

  test('waits for a target that is busy, slow, or breaks off its answers', async () => {
    const authorization = await authorize();
    const faults: Fault[] = [{ answer: 503 }, { cutAnswer: true }, { answer: 429 }, { delayMilliseconds: 300 }];
    proxy.inject(({ step }) => (step === 'offer' ? faults.shift() : undefined));
    expect((await copyWith(authorization)).status).toBe('succeeded');
    expect(faults).toEqual([]);
    await expectWhole(authorization.modelId);
  });

  test('two copies with one authorization end with one success and one whole model', async () => {
    const authorization = await authorize();
    const outcomes = await Promise.all([copyWith(authorization), copyWith(authorization)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['failed', 'succeeded']);
    await expectWhole(authorization.modelId);
  });

  test('ends when the reserved model is deleted at the target meanwhile', async () => {
    const authorization = await authorize();
    void proxy.injectOnce(isInsidePart, {
      at: 'before',
      blow: () => target.client().deleteModel(authorization.modelId),
    });
    expect((await copyWith(authorization)).status).toBe('failed');
    await expect(target.client().getModel(authorization.modelId)).rejects.toMatchObject({ code: '1022' });
    await expectCopyOnceMore();
  });

  test('says so when the disk of the source has damaged a part, and publishes nothing', async () => {
    const authorization = await authorize();
    await damageParts(source);
    try {
      expect(await copyWith(authorization)).toMatchObject({
        status: 'failed',
        copyResult: { errors: [{ message: expect.stringContaining('at the source') }] },
      });
    } finally {
      // The same bit again: the disk is as it was.
      await damageParts(source);
    }
    expect(await statusOnTarget(authorization.modelId)).toBe('creating');
    expect((await copyWith(authorization)).status).toBe('succeeded');
    await expectWhole(authorization.modelId);
  });

  test('mends a part that the disk of the target has damaged', async () => {
    const { targetModelId: damaged } = await copyModel(source, modelId, target);
    await damageParts(target);
    expect(await damagedParts(target, damaged)).not.toEqual([]);
    await expectCopyOnceMore();
    expect(await damagedParts(target)).toEqual([]);
    await expectWhole(damaged);
  });
});
