import { randomUUID } from 'node:crypto';
import { parseModelId, parseOperationId, parseRegion } from '@formhaven/contract';
import { describe, expect, test } from 'vitest';
import { parseSpoolKey, type SpooledDocument } from '../spool/spool.ts';
import type { GatewayStore, StoredOperation } from './store.ts';

// What every adapter of the store has to do. `open` gives two handles on one store, as two gateways have.

export function gatewayStoreSuite(
  name: string,
  open: () => Promise<AsyncDisposable & { readonly one: GatewayStore; readonly two: GatewayStore }>,
): void {
  describe(name, () => {
    test('gives an operation back as it was stored, to every gateway', async () => {
      await using stores = await open();
      const analysis = operation();
      await stores.one.addOperation(analysis);
      expect(await stores.two.operation(analysis.id)).toEqual(analysis);
      expect(await stores.two.operation(required(parseOperationId(randomUUID())))).toBeUndefined();
      const copy: StoredOperation = { ...operation(), work: { kind: 'copy', modelId: MODEL } };
      await stores.one.addOperation(copy);
      expect(await stores.one.operation(copy.id)).toEqual(copy);
    });

    test('lists open analyses of a region, oldest first, and none whose result was delivered', async () => {
      await using stores = await open();
      const late = operation({ createdOn: 200 });
      const early = operation({ createdOn: 100 });
      const elsewhere = operation({ region: EAST });
      const done = operation();
      for (const each of [late, early, elsewhere, done]) await stores.one.addOperation(each);
      await stores.one.markDelivered(done.id, 300);
      await stores.one.markDelivered(done.id, 900);
      expect((await stores.two.openAnalyses(WEST, 10)).map(({ id }) => id)).toEqual([early.id, late.id]);
      expect(await stores.two.openAnalyses(WEST, 1)).toHaveLength(1);
      expect(await stores.two.countOpen()).toBe(3);
      expect((await stores.two.operation(done.id))?.outcome).toEqual({ status: 'delivered', deliveredOn: 300 });
    });

    test('gives the right to a rerun to one gateway at a time, and takes it back when it has run out', async () => {
      await using stores = await open();
      const analysis = operation();
      await stores.one.addOperation(analysis);
      const claim = { generation: 1, milliseconds: 1000 };
      expect(await stores.one.claimRerun(analysis.id, { ...claim, by: 'one', now: 5000 })).toBe(true);
      expect(await stores.two.claimRerun(analysis.id, { ...claim, by: 'two', now: 5500 })).toBe(false);
      expect(await stores.two.claimRerun(analysis.id, { ...claim, by: 'two', now: 6000 })).toBe(true);
      await stores.one.releaseRerun(analysis.id, { by: 'one' });
      expect(await stores.one.claimRerun(analysis.id, { ...claim, by: 'one', now: 6100 })).toBe(false);
      await stores.two.releaseRerun(analysis.id, { by: 'two' });
      expect(await stores.one.claimRerun(analysis.id, { ...claim, by: 'one', now: 6100 })).toBe(true);
      // The clock has been set back far behind the claim: nobody waits for that.
      expect(await stores.two.claimRerun(analysis.id, { ...claim, by: 'two', now: 1000 })).toBe(true);
    });

    test('moves an operation once per generation', async () => {
      await using stores = await open();
      const analysis = operation();
      await stores.one.addOperation(analysis);
      const to = (id: string) => ({
        region: EAST,
        regionOperationId: required(parseOperationId(id)),
        regionModelId: MODEL,
      });
      const [first, second] = [randomUUID(), randomUUID()];
      expect(await stores.one.moveOperation(analysis.id, { generation: 1 }, to(first))).toBe(true);
      expect(await stores.two.moveOperation(analysis.id, { generation: 1 }, to(second))).toBe(false);
      expect(await stores.two.operation(analysis.id)).toMatchObject({
        id: analysis.id,
        region: EAST,
        regionOperationId: first,
        generation: 2,
      });
      expect(await stores.two.markLost(analysis.id, { generation: 1 }, 1, 'gone')).toBe(false);
    });

    test('forgets documents that may go, each told to one gateway', async () => {
      await using stores = await open();
      const delivered = operation({ createdOn: 1000 });
      const old = operation({ createdOn: 10 });
      const fresh = operation({ createdOn: 1000 });
      for (const each of [delivered, old, fresh]) await stores.one.addOperation(each);
      await stores.one.markDelivered(delivered.id, 1100);
      const before = { deliveredOn: 1200, createdOn: 100, limit: 10 };
      const taken = [...(await stores.one.takeDisposable(before)), ...(await stores.two.takeDisposable(before))];
      expect(new Set(taken.map(({ key }) => key))).toEqual(new Set([documentOf(delivered).key, documentOf(old).key]));
      expect(taken).toHaveLength(2);
      expect(await stores.one.isSpooled(documentOf(fresh).key)).toBe(true);
      expect(await stores.one.isSpooled(documentOf(old).key)).toBe(false);
    });

    test('lets a write begin under the present epoch only', async () => {
      await using stores = await open();
      const write = { region: WEST, kind: 'train', now: 10 } as const;
      expect(await stores.one.leadership({ region: WEST, now: 1 })).toMatchObject({ epoch: 1, region: WEST });
      expect(await stores.two.leadership({ region: EAST, now: 2 })).toMatchObject({ epoch: 1, region: WEST });
      const ticket = required(await stores.one.beginWrite(1, write));
      const move = { region: EAST, now: 20, by: 'test', reason: '' };
      const moves = await Promise.all([
        stores.one.moveLeadership({ epoch: 1 }, move),
        stores.two.moveLeadership({ epoch: 1 }, move),
      ]);
      expect(moves.filter((leadership) => leadership !== undefined)).toMatchObject([{ epoch: 2, region: EAST }]);
      expect(await stores.two.beginWrite(1, write)).toBeUndefined();
      expect(await stores.two.beginWrite(2, write)).toBeUndefined();
      expect(await stores.two.beginWrite(2, { ...write, region: EAST })).toBeDefined();
      expect(await stores.one.settleWrite(ticket, 'done')).toBe(false);
      expect(await stores.one.unsettledWrites()).toMatchObject([
        { id: ticket.id, epoch: 1, problem: 'afterFailover' },
        { epoch: 2, problem: 'unfinished' },
      ]);
      await stores.one.acknowledgeWrites(ticket.id);
      expect(await stores.two.unsettledWrites()).toHaveLength(1);
    });

    test('holds writes back while it drains, and no longer than it was said', async () => {
      await using stores = await open();
      await stores.one.leadership({ region: WEST, now: 1 });
      expect(await stores.one.setMode({ epoch: 1 }, { kind: 'draining', until: 100 })).toBe(true);
      expect(await stores.two.beginWrite(1, { region: WEST, kind: 'delete', now: 50 })).toBeUndefined();
      expect(await stores.two.beginWrite(1, { region: WEST, kind: 'delete', now: 100 })).toBeDefined();
      expect(await stores.two.setMode({ epoch: 7 }, { kind: 'open' })).toBe(false);
    });

    test('keeps homes of models, isolations and the audit log', async () => {
      await using stores = await open();
      await stores.one.putModelHome(MODEL, { status: 'made', region: WEST });
      expect(await stores.two.modelHome(MODEL)).toEqual({ status: 'made', region: WEST });
      expect(await stores.two.modelsMadeIn(WEST)).toEqual([MODEL]);
      await stores.two.putModelHome(MODEL, { status: 'deleted' });
      expect(await stores.one.modelHome(MODEL)).toEqual({ status: 'deleted' });
      expect(await stores.two.modelsMadeIn(WEST)).toEqual([]);
      await stores.one.isolate(WEST, 'a');
      await stores.one.isolate(WEST, 'b');
      expect(await stores.two.isolations()).toEqual(new Map([[WEST, 'b']]));
      await stores.two.release(WEST);
      expect((await stores.one.isolations()).size).toBe(0);
      await stores.one.audit({ on: 1, by: 'me', event: 'first', details: { a: 1 } });
      await stores.one.audit({ on: 2, by: 'me', event: 'second', details: {} });
      expect(await stores.two.auditLog(1)).toEqual([{ on: 2, by: 'me', event: 'second', details: {} }]);
    });
  });
}

const WEST = required(parseRegion('west'));
const EAST = required(parseRegion('east'));
const MODEL = required(parseModelId('11111111-1111-4111-8111-111111111111'));

function operation(change: Partial<StoredOperation> = {}): StoredOperation {
  const id = required(parseOperationId(randomUUID()));
  return {
    id,
    version: 'v2.1',
    work: {
      kind: 'analyze',
      target: { kind: 'custom', modelId: MODEL },
      query: '?pages=1',
      contentType: 'application/pdf',
      document: { key: required(parseSpoolKey(randomUUID())), bytes: 5 },
    },
    region: WEST,
    regionOperationId: id,
    regionModelId: MODEL,
    generation: 1,
    createdOn: 100,
    outcome: { status: 'open' },
    ...change,
  };
}

function documentOf({ work }: StoredOperation): SpooledDocument {
  if (work.kind !== 'analyze' || work.document === undefined) throw new Error('it has no document');
  return work.document;
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('there is none');
  return value;
}
