import { type ModelId, parseModelId } from '@formhaven/contract';
import { expect, test } from 'vitest';
import type { Policy } from '../config/config.ts';
import { diffExitCode, statusExitCode } from '../exit-codes.ts';
import type { Look, ModelView } from '../replicate/look.ts';
import type { Replica, ReplicaPhase } from '../state/state.ts';
import { type Assessed, assess } from './assess.ts';

const NOW = Date.UTC(2026, 10, 25);
const MINUTE = 60_000;

const POLICY: Policy = {
  name: 'all',
  from: 'westus2',
  to: ['eastus'],
  filter: { names: undefined, exceptNames: [], ids: undefined },
  rpoMilliseconds: 5 * MINUTE,
  rtoMilliseconds: undefined,
  deletes: { kind: 'never' },
  canaries: undefined,
  proveEveryMilliseconds: 60 * MINUTE,
  aliases: 'none',
};

function id(number: number): ModelId {
  const parsed = parseModelId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
  if (parsed === undefined) throw new TypeError('it is made to be parsed');
  return parsed;
}

function model(number: number, name = `model ${number}`): ModelView {
  const date = '2026-11-24T00:00:00Z';
  return {
    id: id(number),
    status: 'ready',
    name,
    createdDateTime: date,
    lastUpdatedDateTime: date,
    isComposed: false,
    digest: undefined,
  };
}

function look(...models: readonly ModelView[]): Look {
  return { ok: true, on: NOW, position: undefined, models: new Map(models.map((entry) => [entry.id, entry])) };
}

function replica(number: number, state: ReplicaPhase, behindSince?: number): Replica {
  return {
    from: 'westus2',
    sourceId: id(number),
    to: 'eastus',
    name: `model ${number}`,
    sourceDigest: undefined,
    behindSince,
    components: [],
    adopted: undefined,
    state,
    trouble: undefined,
  };
}

function proven(number: number, age = 1): ReplicaPhase {
  return { phase: 'protected', targetId: id(number + 100), proof: { on: NOW - age, levels: ['metadata', 'canary'] } };
}

function assessed(changes: Partial<Assessed>) {
  return assess({
    now: NOW,
    policy: POLICY,
    to: 'eastus',
    source: look(),
    target: look(),
    replicas: [],
    tombstones: [],
    wants: () => true,
    othersWant: () => false,
    copiesAtSource: new Set(),
    sourcesAtTarget: new Set(),
    lookedOn: NOW,
    ...changes,
  });
}

test('what is copied and proven is equal, and nothing is open', () => {
  const status = assessed({ source: look(model(1)), target: look(model(101)), replicas: [replica(1, proven(1))] });
  expect(status.models).toMatchObject([{ sign: '=', protection: 'protected', lagMilliseconds: 0 }]);
  expect([statusExitCode([status]), diffExitCode([status])]).toEqual([0, 0]);
});

test('a copy that is only copied is unproven and says so', () => {
  const unproven: ReplicaPhase = { phase: 'unproven', targetId: id(101), reason: 'not proven yet' };
  const status = assessed({
    source: look(model(1)),
    target: look(model(101)),
    replicas: [replica(1, unproven, NOW - MINUTE)],
  });
  expect(status.models).toMatchObject([{ sign: '*', protection: 'unproven', lagMilliseconds: MINUTE }]);
  expect([statusExitCode([status]), diffExitCode([status])]).toEqual([3, 3]);
});

test('a proof of long ago is none', () => {
  const status = assessed({
    source: look(model(1)),
    target: look(model(101)),
    replicas: [replica(1, proven(1, 121 * MINUTE))],
  });
  expect(status.models).toMatchObject([{ sign: '*', protection: 'unproven' }]);
  expect(status.models[0]?.reason).toContain('2 h 1 m old');
});

test('the worst model is the lag, and beyond the objective it is a miss', () => {
  const waiting: ReplicaPhase = { phase: 'waiting', reason: 'new at the source', isDrifted: false };
  const replicas = [replica(1, waiting, NOW - MINUTE), replica(2, waiting, NOW - 6 * MINUTE)];
  const status = assessed({ source: look(model(1), model(2)), replicas });
  expect(status).toMatchObject({ lagMilliseconds: 6 * MINUTE, isMissed: true, counts: { behind: 2 } });
  expect(statusExitCode([status])).toBe(4);
});

test('a source that has not been seen for long is a miss, whatever its copies', () => {
  const gone: Look = { ok: false, on: NOW, reason: 'no answer' };
  const given = { source: gone, target: look(model(101)), replicas: [replica(1, proven(1))] };
  const short = assessed({ ...given, lookedOn: NOW - MINUTE });
  expect(short).toMatchObject({ isMissed: false, models: [{ sign: '=' }] });
  expect(statusExitCode([short])).toBe(5);
  expect(statusExitCode([assessed({ ...given, lookedOn: NOW - 10 * MINUTE })])).toBe(4);
});

test('another model of the same name at the target is a conflict; one of another name is only told by diff', () => {
  const given = { source: look(model(1)), replicas: [replica(1, proven(1))] };
  const sameName = assessed({ ...given, target: look(model(101), model(7, 'model 1')) });
  expect(sameName.models.map(({ sign }) => sign)).toEqual(['!', '=']);
  expect(statusExitCode([sameName])).toBe(3);
  const other = assessed({ ...given, target: look(model(101), model(7)) });
  expect(other.models.map(({ sign }) => sign)).toEqual(['-', '=']);
  expect([statusExitCode([other]), diffExitCode([other])]).toEqual([0, 3]);
});

test('a copy that vanished is found by looking, before replication has dealt with it', () => {
  const status = assessed({ source: look(model(1)), replicas: [replica(1, proven(1))] });
  expect(status.models).toMatchObject([{ sign: '+', protection: 'drifted' }]);
});
