import { createHash, randomUUID } from 'node:crypto';
import {
  type ModelId,
  type OperationId,
  parseModelId,
  parseOperationId,
  parseResourceId,
  parseSha256,
  type Sha256,
} from '@formhaven/contract';
import { describe, expect, test } from 'vitest';
import type { CopyAuthorization, Model, Operation, Resource, Store } from './store.ts';

/** A store of its own for one test, with its jobs. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  /** Jobs stored, waiting or running. */
  countJobs(): Promise<number>;
  /** The same rows through another connection, as another process has them. Closed by the test. */
  again(): Promise<Store>;
}

/** What every {@link Store} owes to those above it. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a store`, () => {
    test('keeps resources, and replaces the id of one that is put again', async () => {
      await using rows = await open();
      await rows.store.putResource(FORMS);
      await rows.store.putResource(OTHERS);
      const renamed = { ...FORMS, resourceId: resourceId('renamed') };
      await rows.store.putResource(renamed);
      expect(await rows.store.resources()).toEqual([renamed, OTHERS]);
    });

    test('replaces a key in its slot and leaves the other slot alone', async () => {
      await using rows = await opened(open);
      await rows.store.putKey({ resource: FORMS.name, slot: 1, hash: sha256('first') });
      await rows.store.putKey({ resource: FORMS.name, slot: 2, hash: sha256('second') });
      await rows.store.putKey({ resource: FORMS.name, slot: 1, hash: sha256('third') });
      expect(await rows.store.keys()).toEqual([
        { resource: FORMS.name, slot: 1, hash: sha256('third') },
        { resource: FORMS.name, slot: 2, hash: sha256('second') },
      ]);
    });

    test('gives back an accepted operation and its model as they were', async () => {
      await using rows = await opened(open);
      const { operation, model } = await acceptTraining(rows.store, { name: 'Rechnungen, 청구서' });
      expect(await rows.store.getOperation(FORMS.name, operation.id)).toEqual(operation);
      expect(await rows.store.findOperation(operation.id)).toEqual(operation);
      expect(await rows.store.getModel(FORMS.name, model.id)).toEqual(model);
      expect(await rows.countJobs()).toBe(1);
    });

    test('accepts all of an operation, its job and its model, or nothing', async () => {
      await using rows = await opened(open);
      const first = await acceptTraining(rows.store);
      const model = sampleModel();
      const accepted = { operation: first.operation, job: jobOf(first.operation), model };
      await expect(rows.store.accept(accepted)).rejects.toThrow();
      expect(await rows.store.getModel(FORMS.name, model.id)).toBeUndefined();

      const operation = sampleOperation({ kind: 'train', modelId: first.model.id });
      await expect(rows.store.accept({ operation, job: jobOf(operation), model: first.model })).rejects.toThrow();
      expect(await rows.store.findOperation(operation.id)).toBeUndefined();
      expect(await rows.countJobs()).toBe(1);
    });

    test('shows operations and models to their own resource only', async () => {
      await using rows = await opened(open);
      const { operation, model } = await acceptTraining(rows.store);
      expect(await rows.store.getOperation(OTHERS.name, operation.id)).toBeUndefined();
      expect(await rows.store.getModel(OTHERS.name, model.id)).toBeUndefined();
      expect(await rows.store.deleteModel(OTHERS.name, model.id, new Date())).toBe(false);
      expect((await rows.store.listModels(OTHERS.name, { after: undefined, limit: 10 })).models).toEqual([]);
    });

    test('lists models page by page in the order of their ids', async () => {
      await using rows = await opened(open);
      const ids: ModelId[] = [];
      for (let count = 0; count < 7; count += 1) ids.push((await acceptTraining(rows.store)).model.id);
      const listed: ModelId[][] = [];
      let after: ModelId | undefined;
      do {
        const page = await rows.store.listModels(FORMS.name, { after, limit: 3 });
        listed.push(page.models.map((model) => model.id));
        after = page.next;
      } while (after !== undefined);
      expect(listed.map((page) => page.length)).toEqual([3, 3, 1]);
      expect(listed.flat()).toEqual(ids.toSorted(byCodeUnit));
    });

    test('says that the last page is the last one even when it is full', async () => {
      await using rows = await opened(open);
      for (let count = 0; count < 4; count += 1) await acceptTraining(rows.store);
      const first = await rows.store.listModels(FORMS.name, { after: undefined, limit: 2 });
      const second = await rows.store.listModels(FORMS.name, { after: first.next, limit: 2 });
      expect(second.models).toHaveLength(2);
      expect(second.next).toBeUndefined();
    });

    test('summarizes the models of a resource', async () => {
      await using rows = await opened(open);
      expect(await rows.store.summarizeModels(FORMS.name)).toEqual({ count: 0, lastUpdatedOn: undefined });
      await acceptTraining(rows.store, { lastUpdatedOn: later(5) });
      await acceptTraining(rows.store, { lastUpdatedOn: later(9) });
      await acceptTraining(rows.store, { lastUpdatedOn: later(7) });
      expect(await rows.store.summarizeModels(FORMS.name)).toEqual({ count: 3, lastUpdatedOn: later(9) });
    });

    test('yields the manifest of every ready model once, and of no other', async () => {
      await using rows = await opened(open);
      const expected: string[] = [];
      for (let count = 0; count < 120; count += 1) {
        const resource = count % 3 === 0 ? OTHERS.name : FORMS.name;
        const { model } = await acceptTraining(rows.store, { resource, state: readyState(`model ${count}`) });
        if (model.state.status === 'ready') expected.push(model.state.digest);
      }
      await acceptTraining(rows.store);
      const found: string[] = [];
      for await (const { digest, manifest } of rows.store.manifests()) {
        expect(sha256(manifest)).toBe(digest);
        found.push(digest);
      }
      expect(new Set(found)).toEqual(new Set(expected));
      expect(found).toHaveLength(expected.length);
    });

    test('adds a model that is complete as it comes, once', async () => {
      await using rows = await opened(open);
      const model = sampleModel({ state: readyState('composed'), name: 'composed' });
      await rows.store.addModel(model);
      await expect(rows.store.addModel(model)).rejects.toThrow();
      expect(await rows.store.getModel(FORMS.name, model.id)).toEqual(model);
    });

    test('tells the last change of each model once, in order, and what was deleted', async () => {
      await using rows = await opened(open);
      const before = await rows.store.changePosition();
      const first = sampleModel({ state: readyState('first') });
      const second = sampleModel({ state: readyState('second') });
      await rows.store.addModel(first);
      await rows.store.addModel(second);
      await acceptTraining(rows.store);
      await rows.store.deleteModel(FORMS.name, first.id, new Date(7000));
      const all = await rows.store.listChanges(FORMS.name, { after: before.last, limit: 10 });
      expect(all.map(({ modelId, change }) => ({ modelId, change }))).toEqual([
        { modelId: second.id, change: 'ready' },
        { modelId: first.id, change: 'deleted' },
      ]);
      expect(await rows.store.changePosition()).toEqual({ instance: before.instance, last: all.at(-1)?.sequence });
      expect(await rows.store.listChanges(FORMS.name, { after: all.at(-1)?.sequence ?? 0, limit: 10 })).toEqual([]);
      expect(await rows.store.findChange(FORMS.name, first.id)).toEqual({ ...all[1], changedOn: new Date(7000) });
      expect(await rows.store.findChange(OTHERS.name, first.id)).toBeUndefined();
    });

    test('starts an operation, also when its first run was cut short, and never a finished one', async () => {
      await using rows = await opened(open);
      const operation = await acceptAnalysis(rows.store);
      expect(await rows.store.startOperation(operation.id, later(1))).toBe(true);
      expect(await rows.store.startOperation(operation.id, later(2))).toBe(true);
      expect(await rows.store.findOperation(operation.id)).toEqual({
        ...operation,
        state: { status: 'running' },
        lastUpdatedOn: later(2),
      });
      await rows.store.finishOperation({ id: operation.id, state: { status: 'succeeded' }, now: later(3) });
      expect(await rows.store.startOperation(operation.id, later(4))).toBe(false);
      expect(await rows.store.startOperation(operationId(), later(4))).toBe(false);
    });

    test('finishes an operation once and removes its job', async () => {
      await using rows = await opened(open);
      const operation = await acceptAnalysis(rows.store);
      const failed = { status: 'failed', errors: [{ code: 'unreadableDocument', message: 'no "PDF"' }] } as const;
      expect(await rows.store.finishOperation({ id: operation.id, state: failed, now: later(1) })).toBe(true);
      expect(await rows.countJobs()).toBe(0);
      const again = { id: operation.id, state: { status: 'succeeded' }, now: later(2) } as const;
      expect(await rows.store.finishOperation(again)).toBe(false);
      expect(await rows.store.findOperation(operation.id)).toEqual({
        ...operation,
        state: failed,
        lastUpdatedOn: later(1),
      });
      expect(await rows.store.finishOperation({ ...again, id: operationId() })).toBe(false);
    });

    test('stores the outcome of a training with its model', async () => {
      await using rows = await opened(open);
      const { operation, model } = await acceptTraining(rows.store);
      const state = readyState('trained');
      await rows.store.finishOperation({
        id: operation.id,
        state: { status: 'succeeded' },
        now: later(3),
        model: { id: model.id, state, lastUpdatedOn: later(2) },
      });
      expect(await rows.store.getModel(FORMS.name, model.id)).toEqual({ ...model, state, lastUpdatedOn: later(2) });

      const other = await acceptTraining(rows.store);
      const errors = [{ code: 'noTrainingDocuments', message: 'none' }] as const;
      await rows.store.finishOperation({
        id: other.operation.id,
        state: { status: 'failed', errors },
        now: later(3),
        model: { id: other.model.id, state: { status: 'invalid', errors }, lastUpdatedOn: later(3) },
      });
      expect((await rows.store.getModel(FORMS.name, other.model.id))?.state).toEqual({ status: 'invalid', errors });
    });

    test('leaves a model deleted that was deleted while it was trained, and fails the training', async () => {
      await using rows = await opened(open);
      const { operation, model } = await acceptTraining(rows.store);
      expect(await rows.store.deleteModel(FORMS.name, model.id, new Date())).toBe(true);
      expect(await rows.store.deleteModel(FORMS.name, model.id, new Date())).toBe(false);
      const isFinished = await rows.store.finishOperation({
        id: operation.id,
        state: { status: 'succeeded' },
        now: later(1),
        model: { id: model.id, state: readyState('trained'), lastUpdatedOn: later(1) },
      });
      expect(isFinished).toBe(true);
      expect(await rows.store.getModel(FORMS.name, model.id)).toBeUndefined();
      expect((await rows.store.findOperation(operation.id))?.state).toMatchObject({
        status: 'failed',
        errors: [{ code: 'modelGone' }],
      });
    });

    test('publishes a copy into the reserved model and uses up its authorization', async () => {
      await using rows = await opened(open);
      const { model, authorization } = await authorize(rows.store);
      expect(await rows.store.findCopyAuthorization(model.id)).toEqual(authorization);
      const copy = copyOf(model.id);
      expect(await rows.store.publishCopy(copy)).toEqual({ outcome: 'published' });
      expect(await rows.store.getModel(FORMS.name, model.id)).toEqual({
        ...model,
        name: copy.name,
        createdOn: copy.createdOn,
        lastUpdatedOn: copy.lastUpdatedOn,
        state: { status: 'ready', digest: copy.digest, manifest: copy.manifest },
      });
      expect((await rows.store.findCopyAuthorization(model.id))?.used).toEqual({ by: copy.by, digest: copy.digest });
    });

    test('tells a repeated copy from another one', async () => {
      await using rows = await opened(open);
      const { model, authorization } = await authorize(rows.store);
      const copy = copyOf(model.id);
      await rows.store.publishCopy(copy);
      const whenExpired = { ...copy, now: new Date(authorization.expiresOn.getTime() + 1) };
      expect(await rows.store.publishCopy(whenExpired)).toEqual({ outcome: 'alreadyPublished' });
      expect(await rows.store.publishCopy({ ...copy, by: 'another copy' })).toEqual({ outcome: 'used' });
      expect(await rows.store.publishCopy({ ...copy, digest: sha256('another') })).toEqual({ outcome: 'used' });
      expect((await rows.store.getModel(FORMS.name, model.id))?.state).toMatchObject({ digest: copy.digest });
    });

    test('publishes nothing without an authorization that holds', async () => {
      await using rows = await opened(open);
      const { model, authorization } = await authorize(rows.store);
      const tooLate = { ...copyOf(model.id), now: authorization.expiresOn };
      expect(await rows.store.publishCopy(tooLate)).toEqual({ outcome: 'expired' });
      expect((await rows.store.getModel(FORMS.name, model.id))?.state.status).toBe('creating');
      expect(await rows.store.publishCopy(copyOf(modelId()))).toEqual({ outcome: 'unknown' });

      await rows.store.deleteModel(FORMS.name, model.id, new Date());
      expect(await rows.store.findCopyAuthorization(model.id)).toBeUndefined();
      expect(await rows.store.publishCopy(copyOf(model.id))).toEqual({ outcome: 'unknown' });
      expect(await rows.store.getModel(FORMS.name, model.id)).toBeUndefined();
    });

    test('lets one of several copies at once win', async () => {
      await using rows = await opened(open);
      await using second = await rows.again();
      const { model } = await authorize(rows.store);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? rows.store : second).publishCopy({ ...copyOf(model.id), by: `copy ${index}` }),
        ),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'published')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'used')).toHaveLength(9);
    });

    test('reserves all of a model and its authorization, or nothing', async () => {
      await using rows = await opened(open);
      const first = await authorize(rows.store);
      await expect(rows.store.authorizeCopy(first)).rejects.toThrow();
      expect(await rows.store.findCopyAuthorization(first.model.id)).toEqual(first.authorization);
    });

    test('expires finished operations only', async () => {
      await using rows = await opened(open);
      const finished = await acceptAnalysis(rows.store, { expiresOn: later(10) });
      await rows.store.finishOperation({ id: finished.id, state: { status: 'succeeded' }, now: later(1) });
      const young = await acceptAnalysis(rows.store, { expiresOn: later(20) });
      await rows.store.finishOperation({ id: young.id, state: { status: 'succeeded' }, now: later(1) });
      const waiting = await acceptAnalysis(rows.store, { expiresOn: later(10) });
      const running = await acceptAnalysis(rows.store, { expiresOn: later(10) });
      await rows.store.startOperation(running.id, later(1));

      expect(await rows.store.expire(later(9))).toEqual({ operations: [], models: [] });
      expect(await rows.store.expire(later(10))).toEqual({ operations: [finished.id], models: [] });
      expect(await rows.store.findOperation(finished.id)).toBeUndefined();
      const all = [finished.id, young.id, waiting.id, running.id, operationId()];
      expect(await rows.store.knownOperations(all)).toEqual(new Set([young.id, waiting.id, running.id]));
      expect(await rows.countJobs()).toBe(2);
    });

    test('expires unused authorizations together with the models they reserve', async () => {
      await using rows = await opened(open);
      const unused = await authorize(rows.store, { expiresOn: later(10) });
      const young = await authorize(rows.store, { expiresOn: later(20) });
      const used = await authorize(rows.store, { expiresOn: later(10) });
      await rows.store.publishCopy({ ...copyOf(used.model.id), now: later(5) });
      const training = await acceptTraining(rows.store);

      expect(await rows.store.expire(later(10))).toEqual({ operations: [], models: [unused.model.id] });
      expect(await rows.store.getModel(FORMS.name, unused.model.id)).toBeUndefined();
      expect(await rows.store.findCopyAuthorization(unused.model.id)).toBeUndefined();
      for (const { model } of [young, used, training]) {
        expect(await rows.store.getModel(FORMS.name, model.id)).toBeDefined();
      }
    });

    test('finds known operations among thousands of ids', async () => {
      await using rows = await opened(open);
      const known = [(await acceptAnalysis(rows.store)).id, (await acceptAnalysis(rows.store)).id];
      const unknown = Array.from({ length: 2500 }, operationId);
      const asked = [known[0], ...unknown, known[1]].filter((id) => id !== undefined);
      expect(await rows.store.knownOperations(asked)).toEqual(new Set(known));
      expect(await rows.store.knownOperations([])).toEqual(new Set());
    });

    test('is written through several connections at once', async () => {
      await using rows = await opened(open);
      await using second = await rows.again();
      const accepted = await Promise.all(
        Array.from({ length: 100 }, (_, index) => acceptAnalysis(index % 2 === 0 ? rows.store : second)),
      );
      await Promise.all(
        accepted.map(({ id }, index) =>
          (index % 2 === 0 ? second : rows.store).finishOperation({
            id,
            state: { status: 'succeeded' },
            now: later(1),
          }),
        ),
      );
      expect(await rows.countJobs()).toBe(0);
      await rows.store.checkpoint();
      expect(await second.knownOperations(accepted.map(({ id }) => id))).toHaveProperty('size', 100);
    });
  });
}

// ---- rows to test with -----------------------------------------------------------------------------------------------

export const FORMS: Resource = { name: 'forms', resourceId: resourceId('forms') };
export const OTHERS: Resource = { name: 'others', resourceId: resourceId('others') };

const EPOCH = Date.UTC(2026, 10, 25);

/** So many seconds after the moment everything here was made at. */
export function later(seconds: number): Date {
  return new Date(EPOCH + seconds * 1000);
}

async function opened(open: () => Promise<StoreUnderTest>): Promise<StoreUnderTest> {
  const rows = await open();
  await rows.store.putResource(FORMS);
  await rows.store.putResource(OTHERS);
  return rows;
}

export function sampleOperation(changes: Partial<Operation> = {}): Operation {
  return {
    id: operationId(),
    kind: 'analyze',
    resource: FORMS.name,
    modelId: undefined,
    createdOn: later(0),
    lastUpdatedOn: later(0),
    expiresOn: later(48 * 3600),
    request: '{"kind":"analyze"}',
    state: { status: 'notStarted' },
    ...changes,
  };
}

export async function acceptAnalysis(store: Store, changes: Partial<Operation> = {}): Promise<Operation> {
  const operation = sampleOperation(changes);
  await store.accept({ operation, job: jobOf(operation) });
  return operation;
}

function sampleModel(changes: Partial<Model> = {}): Model {
  return {
    id: modelId(),
    resource: FORMS.name,
    createdOn: later(0),
    lastUpdatedOn: later(0),
    name: undefined,
    state: { status: 'creating', by: 'train' },
    ...changes,
  };
}

async function acceptTraining(
  store: Store,
  changes: Partial<Model> = {},
): Promise<{ operation: Operation; model: Model }> {
  const model = sampleModel(changes);
  const operation = sampleOperation({ kind: 'train', modelId: model.id, resource: model.resource });
  await store.accept({ operation, job: jobOf(operation), model });
  return { operation, model };
}

function jobOf(operation: Operation) {
  const kind = operation.kind === 'layout' ? 'analyze' : operation.kind;
  return { operationId: operation.id, kind, resource: operation.resource } as const;
}

async function authorize(
  store: Store,
  changes: Partial<CopyAuthorization> = {},
): Promise<{ model: Model; authorization: CopyAuthorization }> {
  const model = sampleModel({ state: { status: 'creating', by: 'copy' } });
  const authorization: CopyAuthorization = {
    modelId: model.id,
    resource: model.resource,
    tokenHash: sha256(randomUUID()),
    createdOn: later(0),
    expiresOn: later(24 * 3600),
    used: undefined,
    ...changes,
  };
  await store.authorizeCopy({ model, authorization });
  return { model, authorization };
}

function copyOf(id: ModelId): Parameters<Store['publishCopy']>[0] {
  const manifest = '{"format":"formhaven-model/1","name":"copied"}';
  return {
    modelId: id,
    by: 'a copy',
    digest: sha256(manifest),
    manifest,
    name: 'copied',
    createdOn: later(-100),
    lastUpdatedOn: later(-90),
    now: later(2),
  };
}

function readyState(text: string): Extract<Model['state'], { status: 'ready' }> {
  const manifest = JSON.stringify({ text });
  return { status: 'ready', digest: sha256(manifest), manifest };
}

export function sha256(text: string): Sha256 {
  return parsed(parseSha256(createHash('sha256').update(text).digest('hex')));
}

export function operationId(): OperationId {
  return parsed(parseOperationId(randomUUID()));
}

function modelId(): ModelId {
  return parsed(parseModelId(randomUUID()));
}

function resourceId(name: string): Resource['resourceId'] {
  return parsed(
    parseResourceId(`/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/${name}`),
  );
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function parsed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('the test made an id that is none');
  return value;
}
