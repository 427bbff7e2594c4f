import { type Alias, rollBack, undelete, verifyChain } from '@formhaven/dr';
import { describe, expect, test } from 'vitest';
import { FINE } from './sim/fake-region.ts';
import { GRACE_MILLISECONDS, policyOf, World } from './sim/simulation.ts';

// One danger a test, in virtual time: two regions in memory, the real orchestrator over them.

const MINUTE = 60_000;

function pass(world: World, milliseconds: number): Promise<void> {
  return world.clock.run(world.clock.now() + milliseconds);
}

function counts(world: World): Readonly<Record<string, number>> {
  return world.lastStatus?.counts ?? {};
}

function signs(world: World): readonly string[] {
  return (world.lastStatus?.models ?? []).map(({ sign, name }) => `${sign} ${name}`);
}

describe('copies', () => {
  test('are not believed because a server says so', async () => {
    const world = new World({ seed: 1 });
    world.west.train('invoices');
    world.west.conditions = { ...FINE, lyingShare: 1 };
    world.start();
    await pass(world, 2 * MINUTE);
    expect(counts(world)).toMatchObject({ protected: 0, behind: 1 });
    expect(world.lastStatus?.models[0]?.reason).toContain('the target has no such model');
    world.west.conditions = { ...FINE };
    await pass(world, 10 * MINUTE);
    expect(signs(world)).toEqual(['= invoices']);
    expect(world.east.models.size).toBe(1);
  });

  test('with other content are found by the proof and made again, the good one being kept until then', async () => {
    const world = new World({ seed: 2 });
    world.west.train('invoices');
    world.west.conditions = { ...FINE, garbledShare: 1 };
    world.start();
    await pass(world, MINUTE);
    expect(counts(world)).toMatchObject({ protected: 0, drifted: 1 });
    world.west.conditions = { ...FINE };
    await pass(world, 15 * MINUTE);
    expect(signs(world)).toEqual(['= invoices']);
    expect(world.east.models.size).toBe(1);
  });

  test('that were accepted and never end hold nobody up, and are made anew', async () => {
    const world = new World({ seed: 3 });
    world.west.train('first');
    world.west.conditions = { ...FINE, stuckShare: 1 };
    world.start();
    await pass(world, 10_000);
    world.west.conditions = { ...FINE };
    world.west.train('second');
    await pass(world, 30_000);
    expect(signs(world)).toContain('= second');
    expect(counts(world)).toMatchObject({ protected: 1, behind: 1 });
    await pass(world, 10 * MINUTE);
    expect(counts(world)).toMatchObject({ protected: 2 });
    expect(world.east.models.size).toBe(2);
  });

  test('get a new authorization where the first has run out', async () => {
    const world = new World({ seed: 4 });
    world.east.conditions = { ...FINE, hasShortAuthorizations: true };
    world.west.train('invoices');
    world.start();
    await pass(world, 5000);
    expect(world.east.asked.get('authorize')).toBeGreaterThan(1);
    world.east.conditions = { ...FINE };
    await pass(world, 10 * MINUTE);
    expect(signs(world)).toEqual(['= invoices']);
    expect([...world.east.models.values()].map(({ status }) => status)).toEqual(['ready']);
  });

  test('survive a storm of 429, and Retry-After is obeyed', async () => {
    const world = new World({ seed: 5 });
    for (let index = 0; index < 10; index++) world.west.train(`model ${index}`);
    world.west.conditions = { ...FINE, throttledShare: 0.9 };
    world.east.conditions = { ...FINE, throttledShare: 0.9 };
    world.start();
    await pass(world, 5 * MINUTE);
    const asked = [...world.west.asked.values()].reduce((sum, count) => sum + count, 0);
    // Each 429 pauses its kind of request for 1 to 30 seconds: a storm is met with patience, not with requests.
    expect(asked).toBeLessThan(1000);
    world.west.conditions = { ...FINE };
    world.east.conditions = { ...FINE };
    await pass(world, 15 * MINUTE);
    expect(counts(world)).toMatchObject({ protected: 10 });
    expect(world.east.models.size).toBe(10);
  });

  test('wait for room at a target whose disk is full', async () => {
    for (const areFormhaven of [true, false]) {
      const world = new World({ seed: 6, areFormhaven });
      world.west.train('invoices');
      world.east.conditions = { ...FINE, isDiskFull: true };
      world.start();
      await pass(world, 3 * MINUTE);
      expect(world.lastStatus?.models[0]?.reason).toContain('No space');
      world.east.conditions = { ...FINE };
      await pass(world, 10 * MINUTE);
      expect(signs(world)).toEqual(['= invoices']);
      expect(world.east.models.size).toBe(1);
      await world.stop();
    }
  });

  test('of a diamond of composed models come after their components, and a failing child holds up only itself', async () => {
    const world = new World({ seed: 7 });
    const bottom = world.west.train('bottom');
    const left = world.west.train('left', [bottom.id]);
    const right = world.west.train('right', [bottom.id]);
    const failing = world.west.train('failing');
    world.west.train('top', [left.id, right.id, failing.id]);
    world.west.conditions = { ...FINE, failing: new Set([failing.id]) };
    const order: (string | undefined)[] = [];
    world.onEvent = (event) => {
      if (event.event === 'proven') order.push(event.replica.name);
    };
    world.start();
    await pass(world, MINUTE);
    expect(signs(world).toSorted()).toEqual(['+ failing', '= bottom', '= left', '= right', '= top']);
    expect(order.indexOf('bottom')).toBeLessThan(order.indexOf('left'));
    expect(order.at(-1)).toBe('top');
    const top = world.lastStatus?.models.find(({ name }) => name === 'top');
    expect(Object.keys(top?.components ?? {})).toHaveLength(3);
    expect(top?.components[failing.id]).toBeNull();
    world.west.conditions = { ...FINE };
    await pass(world, 10 * MINUTE);
    expect(counts(world)).toMatchObject({ protected: 5 });
  });

  test('are right whatever the clocks of the regions say', async () => {
    for (const skew of [48, -48]) {
      const world = new World({ seed: 8, skew: skew * 3_600_000 });
      world.west.train('invoices');
      world.start();
      await pass(world, 10_000);
      expect(signs(world)).toEqual(['= invoices']);
      world.east.conditions = { ...FINE, isUp: false };
      world.west.train('late');
      await pass(world, 2 * MINUTE);
      const lag = world.lastStatus?.lagMilliseconds ?? 0;
      expect(lag).toBeGreaterThan(MINUTE);
      expect(lag).toBeLessThan(3 * MINUTE);
      await world.stop();
    }
  });

  test('of 5,000 models come through ten restarts, each exactly once', async () => {
    const world = new World({ seed: 9, parallelCopies: 64 });
    for (let index = 0; index < 5000; index++) world.west.train(undefined);
    for (let life = 0; life < 10; life++) {
      world.start();
      await pass(world, 8000);
      world.kill();
    }
    world.start();
    await world.clock.run(world.clock.now() + 240 * MINUTE, () => counts(world).protected === 5000);
    expect(counts(world)).toMatchObject({ protected: 5000 });
    await pass(world, 2 * MINUTE);
    expect(world.east.readyModels()).toHaveLength(5000);
    await world.stop();
  }, 240_000);
});

describe('a process killed at any request', () => {
  test('leaves nothing half done, and the next one ends it', async () => {
    for (const areFormhaven of [true, false]) {
      for (let step = 1; step <= 16; step++) {
        const world = new World({ seed: 100 + step, areFormhaven });
        world.west.train('invoices');
        let left = step;
        const count = (): void => {
          if (--left === 0) world.clock.at('world', 0, () => world.kill());
        };
        world.west.onRequest = count;
        world.east.onRequest = count;
        world.start();
        await pass(world, 20_000);
        if (world.orchestrator === undefined) world.start();
        await pass(world, 12 * MINUTE);
        expect(signs(world), `killed at request ${step}`).toEqual(['= invoices']);
        expect(world.east.readyModels(), `killed at request ${step}`).toHaveLength(1);
        expect(verifyChain(world.state.audit())).toMatchObject({ ok: true });
        await world.stop();
      }
    }
  });
});

describe('what is there already', () => {
  test('is proven and used instead of copied, and never deleted', async () => {
    const world = new World({ seed: 10 });
    const model = world.west.train('invoices');
    const held = world.east.hold(model);
    world.start();
    await pass(world, 10_000);
    expect(signs(world)).toEqual(['= invoices']);
    expect(world.east.asked.get('authorize')).toBeUndefined();
    world.west.remove(model.id);
    await pass(world, GRACE_MILLISECONDS * 2);
    expect(world.east.models.has(held.id)).toBe(true);
  });

  test('of the same name with other content is a conflict, and stays', async () => {
    const world = new World({ seed: 11 });
    world.west.train('invoices');
    const other = world.east.train('invoices');
    world.start();
    await pass(world, MINUTE);
    expect(signs(world).toSorted()).toEqual(['! invoices', '= invoices']);
    expect(world.east.models.get(other.id)?.content).toBe(other.content);
  });

  test('is not copied to and fro by policies in both directions, and a delete is not undone by the other one', async () => {
    const back = policyOf({ name: 'back', from: 'eastus', to: ['westus2'], aliases: 'none' });
    const world = new World({ seed: 12, policies: [policyOf({ aliases: 'none' }), back] });
    const ours = world.west.train('ours');
    world.east.train('theirs');
    world.west.onDelete = () => undefined;
    world.start();
    await pass(world, 3 * MINUTE);
    expect([world.west.models.size, world.east.models.size]).toEqual([2, 2]);
    world.west.remove(ours.id);
    await pass(world, GRACE_MILLISECONDS * 2);
    expect([...world.west.models.values()].map(({ name }) => name)).toEqual(['theirs']);
    expect([...world.east.models.values()].map(({ name }) => name)).toEqual(['theirs']);
  });
});

test('a model that two policies want is copied once, and each policy counts its own', async () => {
  const named = (name: string, names: readonly string[]) =>
    policyOf({ name, aliases: 'none', filter: { names, exceptNames: [], ids: undefined } });
  const world = new World({ seed: 23, policies: [named('a', ['a*', 'both']), named('b', ['b*', 'both'])] });
  for (const name of ['alpha', 'beta', 'both']) world.west.train(name);
  world.start();
  await pass(world, MINUTE);
  expect(world.east.models.size).toBe(3);
  expect(signs(world).toSorted()).toHaveLength(2);
  expect(counts(world)).toMatchObject({ protected: 2, targetOnly: 0 });
  expect(world.east.asked.get('authorize')).toBe(3);
});

describe('a standby that changes', () => {
  test('is found out when two models are swapped, and mended', async () => {
    const world = new World({ seed: 13 });
    world.west.train('a');
    world.west.train('b');
    world.start();
    await pass(world, 10_000);
    const [first, second] = world.east.readyModels();
    if (first === undefined || second === undefined) throw new Error('two copies were made');
    [first.content, second.content] = [second.content, first.content];
    world.west.conditions = { ...FINE, isUp: true, stuckShare: 1 };
    await pass(world, MINUTE);
    expect(counts(world).protected).toBe(0);
    world.west.conditions = { ...FINE };
    await pass(world, 20 * MINUTE);
    expect(counts(world)).toMatchObject({ protected: 2 });
    const contents = (region: World['west']): readonly string[] =>
      region
        .readyModels()
        .map(({ name, content }) => `${name} ${content}`)
        .toSorted();
    expect(contents(world.east)).toEqual(contents(world.west));
  });

  test('is not overwritten by a source that is damaged itself', async () => {
    const world = new World({ seed: 14 });
    const model = world.west.train('invoices');
    world.start();
    await pass(world, 10_000);
    const [copy] = world.east.readyModels();
    model.isDamaged = true;
    await pass(world, 20 * MINUTE);
    expect(signs(world)).toEqual(['! invoices']);
    expect(world.east.models.get(copy?.id ?? model.id)?.isDamaged).toBe(false);
    model.isDamaged = false;
    await pass(world, 10 * MINUTE);
    expect(signs(world)).toEqual(['= invoices']);
  });
});

describe('deletes', () => {
  test('reach the standby after their grace, also when they happened during a partition', async () => {
    const world = new World({ seed: 15 });
    const model = world.west.train('old');
    world.west.train('new');
    world.start();
    await pass(world, 10_000);
    world.east.conditions = { ...FINE, isUp: false };
    world.west.remove(model.id);
    await pass(world, GRACE_MILLISECONDS / 2);
    world.east.conditions = { ...FINE };
    await pass(world, MINUTE);
    expect(world.lastStatus?.models.find(({ name }) => name === 'old')).toMatchObject({
      sign: '-',
      protection: 'expiring',
    });
    expect(world.east.models.size).toBe(2);
    await pass(world, GRACE_MILLISECONDS * 2);
    // The alias of that name still serves it; what serves is never deleted by itself.
    expect(world.east.models.size).toBe(2);
    world.state.transact({ durable: false }, (writing) => writing.removeAlias('old'));
    await pass(world, 2 * MINUTE);
    expect(world.east.readyModels().map(({ name }) => name)).toEqual(['new']);
  });

  test('are not concluded from a source that is not reachable', async () => {
    const world = new World({ seed: 16 });
    world.west.train('invoices');
    world.start();
    await pass(world, 10_000);
    world.west.conditions = { ...FINE, isUp: false };
    await pass(world, GRACE_MILLISECONDS * 3);
    expect(world.east.readyModels()).toHaveLength(1);
    expect(world.state.tombstones()).toEqual([]);
    expect(world.lastStatus).toMatchObject({ isMissed: true });
  });

  test('of a source that lost its disk are none: the standby keeps everything and can give it back', async () => {
    const world = new World({ seed: 17 });
    for (const name of ['a', 'b', 'c']) world.west.train(name);
    world.start();
    await pass(world, 10_000);
    world.west.loseDisk();
    await pass(world, GRACE_MILLISECONDS * 3);
    expect(world.east.readyModels()).toHaveLength(3);
    expect(counts(world)).toMatchObject({ conflict: 3 });
    expect([...world.state.audit()].some(({ event }) => event === 'region-changed')).toBe(true);
  });

  test('of many at once are held by the guard until somebody says that they are meant', async () => {
    const policy = policyOf({
      aliases: 'none',
      deletes: { kind: 'afterGrace', graceMilliseconds: GRACE_MILLISECONDS, guardShare: 0.1 },
    });
    const world = new World({ seed: 18, policies: [policy] });
    const models = Array.from({ length: 20 }, (_, index) => world.west.train(`model ${index}`));
    world.start();
    await pass(world, 30_000);
    for (const { id } of models.slice(0, 5)) world.west.remove(id);
    await pass(world, GRACE_MILLISECONDS * 2);
    expect(world.east.readyModels()).toHaveLength(20);
    expect(world.events.filter(({ event }) => event === 'deletes-held')).toHaveLength(1);
    for (const runner of world.orchestrator?.runners ?? []) runner.acceptDeletes();
    await pass(world, GRACE_MILLISECONDS * 2);
    expect(world.east.readyModels()).toHaveLength(15);
  });

  test('can be undone from the copy within the grace', async () => {
    const world = new World({ seed: 19 });
    const model = world.west.train('invoices');
    world.start();
    await pass(world, 10_000);
    world.west.remove(model.id);
    await pass(world, MINUTE);
    await world.stop();
    const [replica] = world.state.replicas();
    const runner = world.make().runners[0];
    if (replica === undefined || runner === undefined) throw new Error('there was a copy');
    const undone = undelete(
      replica,
      runner.pair,
      {
        state: world.state,
        clock: world.clock.of('undelete'),
        nonce: () => 'n'.repeat(32),
        report: () => undefined,
        copyPatienceMilliseconds: MINUTE,
      },
      AbortSignal.any([]),
    );
    void undone.catch(() => undefined);
    await pass(world, MINUTE);
    const newId = await undone;
    world.start();
    await pass(world, GRACE_MILLISECONDS * 2);
    expect(world.west.models.get(newId)?.content).toBe(model.content);
    expect(signs(world)).toEqual(['= invoices']);
    expect(world.east.readyModels()).toHaveLength(1);
  });
});

describe('an alias', () => {
  const serving = (alias: Alias | undefined): string | undefined =>
    alias?.versions.find(({ version }) => version === alias.current)?.modelId;

  test('goes on serving the old version until the new one is proven, and can be rolled back', async () => {
    const world = new World({ seed: 20 });
    const blue = world.west.train('invoices');
    world.start();
    await pass(world, 10_000);
    expect(serving(world.state.alias('invoices'))).toBe(blue.id);
    world.west.conditions = { ...FINE, lyingShare: 1 };
    await pass(world, 2000);
    const green = world.west.train('invoices');
    await pass(world, 2 * MINUTE);
    expect(world.state.alias('invoices')?.versions).toHaveLength(2);
    expect(serving(world.state.alias('invoices'))).toBe(blue.id);
    world.west.conditions = { ...FINE };
    await pass(world, 10 * MINUTE);
    expect(serving(world.state.alias('invoices'))).toBe(green.id);
    rollBack('invoices', { state: world.state, now: world.clock.now() });
    await pass(world, 5 * MINUTE);
    expect(serving(world.state.alias('invoices'))).toBe(blue.id);
    const newest = world.west.train('invoices');
    await pass(world, 5 * MINUTE);
    expect(serving(world.state.alias('invoices'))).toBe(newest.id);
  });
});

test('an objective that is missed is told once, and once when it is met again', async () => {
  const world = new World({ seed: 21 });
  world.west.train('invoices');
  world.east.conditions = { ...FINE, isUp: false };
  world.start();
  await pass(world, 20 * MINUTE);
  world.east.conditions = { ...FINE };
  await pass(world, 10 * MINUTE);
  const told = world.events.map(({ event }) => event).filter((event) => event.startsWith('objective'));
  expect(told).toEqual(['objective-missed', 'objective-met']);
});

test('an audit log that was altered, shortened or reordered is found out', async () => {
  const world = new World({ seed: 22 });
  world.west.train('invoices');
  world.start();
  await pass(world, 10_000);
  const entries = [...world.state.audit()];
  const head = entries.at(-1)?.hash;
  expect(verifyChain(entries, head)).toMatchObject({ ok: true, entries: entries.length });
  const altered = entries.map((entry, index) =>
    index === 0 ? { ...entry, details: { ...entry.details, to: 'mars' } } : entry,
  );
  expect(verifyChain(altered)).toMatchObject({ ok: false, sequence: 1 });
  expect(verifyChain(entries.slice(1))).toMatchObject({ ok: false });
  expect(verifyChain(entries.slice(0, -1))).toMatchObject({ ok: true });
  expect(verifyChain(entries.slice(0, -1), head)).toMatchObject({ ok: false });
});
