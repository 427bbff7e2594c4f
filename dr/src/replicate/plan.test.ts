import { type ModelId, parseModelId, parseSha256, type Sha256 } from '@formhaven/contract';
import { describe, expect, test } from 'vitest';
import type { Policy } from '../config/config.ts';
import type { Replica, ReplicaPhase, Tombstone } from '../state/state.ts';
import type { Look, ModelView } from './look.ts';
import { type Action, plan, type Situation } from './plan.ts';

const NOW = Date.UTC(2026, 10, 25);
const HOUR = 3_600_000;

function id(number: number): ModelId {
  return required(parseModelId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`));
}

function digest(number: number): Sha256 {
  return required(parseSha256(String(number).padStart(64, '0')));
}

function model(number: number, changes: Partial<ModelView> = {}): ModelView {
  const date = '2026-11-24T00:00:00Z';
  return {
    id: id(number),
    status: 'ready',
    name: `model ${number}`,
    createdDateTime: date,
    lastUpdatedDateTime: date,
    isComposed: false,
    digest: digest(number),
    ...changes,
  };
}

function look(...models: readonly ModelView[]): Look {
  const position = { instance: 'i', last: 1 };
  return { ok: true, on: NOW, position, models: new Map(models.map((entry) => [entry.id, entry])) };
}

const GONE: Look = { ok: false, on: NOW, reason: 'no answer' };

function replica(number: number, state: ReplicaPhase, changes: Partial<Replica> = {}): Replica {
  return {
    from: 'westus2',
    sourceId: id(number),
    to: 'eastus',
    name: `model ${number}`,
    sourceDigest: digest(number),
    behindSince: undefined,
    components: [],
    adopted: undefined,
    state,
    trouble: undefined,
    ...changes,
  };
}

function proven(number: number, ageMilliseconds = 0): ReplicaPhase {
  return {
    phase: 'protected',
    targetId: id(number + 100),
    proof: { on: NOW - 1 - ageMilliseconds, levels: ['digest'] },
  };
}

function buried(number: number, dueOn: number | undefined): Tombstone {
  return { from: 'westus2', sourceId: id(number), to: 'eastus', order: number, seenOn: NOW - 2 * HOUR, dueOn };
}

const POLICY: Policy = {
  name: 'all',
  from: 'westus2',
  to: ['eastus'],
  filter: { names: undefined, exceptNames: [], ids: undefined },
  rpoMilliseconds: 60_000,
  rtoMilliseconds: undefined,
  deletes: { kind: 'afterGrace', graceMilliseconds: HOUR, guardShare: 0.1 },
  canaries: undefined,
  proveEveryMilliseconds: 24 * HOUR,
  aliases: 'none',
};

function planned(changes: Partial<Situation>): readonly string[] {
  return plan({
    now: NOW,
    policy: POLICY,
    to: 'eastus',
    source: look(),
    target: look(),
    replicas: [],
    leftovers: [],
    tombstones: [],
    known: undefined,
    wants: () => true,
    copiesAtSource: new Set(),
    vanished: new Map(),
    components: new Map(),
    servedByAliases: new Set(),
    areDeletesAccepted: false,
    busy: new Set(),
    ...changes,
  }).map(present);
}

function present(action: Action): string {
  switch (action.do) {
    case 'hold':
      return `hold ${action.keys.length}`;
    case 'removeLeftover':
      return `remove ${Number(action.leftover.modelId.slice(-12))}`;
    default:
      return `${action.do} ${Number(action.key.sourceId.slice(-12))}`;
  }
}

describe('a plan', () => {
  test('copies what is new and wanted, and what replication put at the source never', () => {
    expect(
      planned({
        source: look(model(1), model(2), model(3), model(4, { status: 'creating' })),
        wants: (entry) => entry.id !== id(2),
        copiesAtSource: new Set([id(3)]),
      }),
    ).toEqual(['copy 1']);
  });

  test('uses what the target holds already, once', () => {
    const same = { digest: digest(7) };
    expect(planned({ source: look(model(1, same), model(2, same)), target: look(model(9, same)) })).toEqual([
      'adopt 1',
      'copy 2',
    ]);
  });

  test('concludes nothing from a side that does not answer', () => {
    const replicas = [replica(1, proven(1)), replica(2, { phase: 'waiting', reason: '', isDrifted: false })];
    expect(planned({ source: GONE, replicas, vanished: new Map([[id(1), 'deleted']]) })).toEqual([]);
    expect(planned({ source: look(model(1), model(2), model(3)), target: GONE, replicas })).toEqual(['note 3']);
  });

  test('puts composed models after their components, whatever circle they are in', () => {
    const components = new Map([
      [id(1), [id(2), id(3)]],
      [id(2), [id(3)]],
      [id(4), [id(5)]],
      [id(5), [id(4)]],
    ]);
    const order = planned({ source: look(model(1), model(2), model(3), model(4), model(5)), components });
    expect(order.indexOf('copy 3')).toBeLessThan(order.indexOf('copy 2'));
    expect(order.indexOf('copy 2')).toBeLessThan(order.indexOf('copy 1'));
    expect(order).toHaveLength(5);
  });

  test('copies again what vanished from the target or has other content there', () => {
    const replicas = [replica(1, proven(1)), replica(2, proven(2)), replica(3, proven(3))];
    const target = look(model(102, { digest: digest(99) }), model(103, { digest: digest(3) }));
    expect(planned({ source: look(model(1), model(2), model(3)), target, replicas })).toEqual(['copy 1', 'copy 2']);
  });

  test('never replaces a copy because the source has changed under the same id', () => {
    const source = look(model(1, { digest: digest(99) }));
    const target = look(model(101, { digest: digest(1) }));
    expect(planned({ source, target, replicas: [replica(1, proven(1))] })).toEqual(['conflict 1']);
  });

  test('proves again what was proven long ago, and leaves alone what rests after a failure', () => {
    const trouble = { error: 'x', attempts: 2, retryOn: NOW + 1 };
    const replicas = [
      replica(1, proven(1, 25 * HOUR)),
      replica(2, { phase: 'unproven', targetId: id(102), reason: '' }, { trouble }),
      replica(3, { phase: 'unproven', targetId: id(103), reason: '' }),
    ];
    const target = look(...[1, 2, 3].map((number) => model(number + 100, { digest: digest(number) })));
    expect(planned({ source: look(model(1), model(2), model(3)), target, replicas })).toEqual(['prove 1', 'prove 3']);
  });

  test('believes a delete only when the source says so', () => {
    const replicas = [1, 2, 3].map((number) => replica(number, proven(number)));
    const target = look(...[101, 102, 103].map((number) => model(number)));
    const say = (whereabouts: 'deleted' | 'unknown') =>
      planned({ target, replicas, vanished: new Map([[id(1), whereabouts]]) });
    expect(say('deleted')).toEqual(['bury 1']);
    expect(say('unknown')).toEqual(['conflict 1']);
    expect(planned({ target, replicas })).toEqual([]);
  });

  test('holds deletes of more than a tenth, and believes them when somebody says so', () => {
    const replicas = Array.from({ length: 20 }, (_, index) => replica(index + 1, proven(index + 1)));
    const vanished = new Map([1, 2, 3].map((number) => [id(number), 'deleted'] as const));
    const source = look(...replicas.slice(3).map((_, index) => model(index + 4)));
    const target = look(...replicas.map((_, index) => model(index + 101, { digest: digest(index + 1) })));
    expect(planned({ source, target, replicas, vanished })).toEqual(['hold 3']);
    expect(planned({ source, target, replicas, vanished, areDeletesAccepted: true })).toEqual([
      'bury 1',
      'bury 2',
      'bury 3',
    ]);
  });

  test('deletes a copy when its grace is over, unless it was not ours, serves an alias, or its source is back', () => {
    const due = {
      target: look(model(101)),
      replicas: [replica(1, proven(1))],
      vanished: new Map([[id(1), 'deleted']] as const),
      tombstones: [buried(1, NOW)],
    };
    expect(planned(due)).toEqual(['deleteCopy 1']);
    expect(planned({ ...due, tombstones: [buried(1, NOW + 1)] })).toEqual([]);
    expect(planned({ ...due, tombstones: [buried(1, undefined)] })).toEqual([]);
    expect(planned({ ...due, servedByAliases: new Set([id(1)]) })).toEqual([]);
    expect(planned({ ...due, replicas: [replica(1, proven(1), { adopted: id(101) })] })).toEqual([]);
    expect(planned({ ...due, target: GONE })).toEqual([]);
    expect(planned({ ...due, source: look(model(1)), target: look(model(101, { digest: digest(1) })) })).toEqual([
      'unbury 1',
    ]);
  });

  test('keeps what a copy replaces until its replacement is proven', () => {
    const leftover = {
      region: 'eastus',
      modelId: id(200),
      kind: 'superseded',
      of: { from: 'westus2', sourceId: id(1), to: 'eastus' },
    } as const;
    const given = {
      source: look(model(1)),
      target: look(model(101, { digest: digest(1) }), model(200)),
      leftovers: [leftover],
    };
    const unproven: ReplicaPhase = { phase: 'unproven', targetId: id(101), reason: '' };
    expect(planned({ ...given, replicas: [replica(1, unproven)] })).toEqual(['prove 1']);
    expect(planned({ ...given, replicas: [replica(1, proven(1))] })).toEqual(['remove 200']);
  });
});

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('it is made to be parsed');
  return value;
}
