import type { ModelId } from '@formhaven/contract';
import {
  type Limits,
  Orchestrator,
  openSqliteState,
  type Pair,
  type PairStatus,
  type Policy,
  type ReplicationEvent,
  type State,
  throttledSide,
} from '@formhaven/dr';
import { type Conditions, type FakeModel, FakeRegion, FINE } from './fake-region.ts';
import { Random } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

// Two regions and an orchestrator that is killed and started again, in virtual time, everything drawn from one seed: people train,
// compose and delete; the network and the regions misbehave; then all heals. What was seen on the way and what is there in the end
// is judged by the history.

export const START = Date.UTC(2026, 10, 25);
const MINUTE = 60_000;
/** The faults end here. */
const TROUBLED_MILLISECONDS = 10 * MINUTE;
/** And by here everything has converged. */
const CONVERGED_MILLISECONDS = 40 * MINUTE;
export const GRACE_MILLISECONDS = 10 * MINUTE;

const LIMITS: Limits = {
  parallelCopies: 4,
  readsPerSecond: 200,
  listsPerSecond: 50,
  writesPerSecond: 100,
  analysesPerSecond: 50,
};

export interface Run {
  readonly seed: number;
  /** Broken promises, each in words. Empty where all were kept. */
  readonly broken: readonly string[];
  readonly models: number;
  readonly kills: number;
  readonly virtualMilliseconds: number;
}

export function policyOf(changes: Partial<Policy> = {}): Policy {
  return {
    name: 'all',
    from: 'westus2',
    to: ['eastus'],
    filter: { names: undefined, exceptNames: [], ids: undefined },
    rpoMilliseconds: 5 * MINUTE,
    rtoMilliseconds: undefined,
    deletes: { kind: 'afterGrace', graceMilliseconds: GRACE_MILLISECONDS, guardShare: 0.5 },
    canaries: undefined,
    proveEveryMilliseconds: 15 * MINUTE,
    aliases: 'byName',
    ...changes,
  };
}

/** Two regions, a state, and orchestrators over them, one life after the other. */
export class World {
  readonly random: Random;
  readonly clock = new VirtualClock(START);
  readonly west: FakeRegion;
  readonly east: FakeRegion;
  readonly state: State = openSqliteState(':memory:');
  readonly events: ReplicationEvent[] = [];
  readonly policies: readonly Policy[];
  onEvent: (event: ReplicationEvent) => void = () => undefined;
  readonly #limits: Limits;
  #life = 0;
  #ending: AbortController | undefined;
  orchestrator: Orchestrator | undefined;
  lastStatus: PairStatus | undefined;

  constructor(options: {
    readonly seed: number;
    readonly areFormhaven?: boolean;
    readonly skew?: number;
    readonly parallelCopies?: number;
    readonly policies?: readonly Policy[];
  }) {
    this.random = new Random(options.seed);
    const { clock, random } = this;
    const common = { isFormhaven: options.areFormhaven ?? true, clock, random, peers: () => [this.west, this.east] };
    this.west = new FakeRegion({ ...common, name: 'westus2' });
    this.east = new FakeRegion({ ...common, name: 'eastus', skew: options.skew ?? 0 });
    this.policies = options.policies ?? [policyOf()];
    this.#limits = { ...LIMITS, parallelCopies: options.parallelCopies ?? LIMITS.parallelCopies };
  }

  get owner(): string {
    return `orchestrator ${this.#life}`;
  }

  make(): Orchestrator {
    const { owner, random } = this;
    const clock = this.clock.of(owner);
    const sides = [this.west, this.east].map((region) => throttledSide(region.side(owner, this.#limits), clock));
    const sideOf = (name: string) => {
      const side = sides.find((candidate) => candidate.name === name);
      if (side === undefined) throw new Error(`no region ${name}`);
      return side;
    };
    const canary = { name: 'canary.pdf', contentType: 'application/pdf', body: new Uint8Array() } as const;
    const pairs = this.policies.flatMap((policy) =>
      policy.to.map(
        (to): Pair => ({
          policy,
          source: sideOf(policy.from),
          target: sideOf(to),
          canaries: this.west.isFormhaven ? undefined : async () => [canary],
        }),
      ),
    );
    return new Orchestrator(
      {
        pairs,
        policies: this.policies,
        pollMilliseconds: 30_000,
        onStatus: (status) => {
          this.lastStatus = status;
        },
      },
      {
        state: this.state,
        clock,
        nonce: () => random.hex(32),
        report: (event) => {
          this.events.push(event);
          this.onEvent(event);
        },
        copyPatienceMilliseconds: 5 * MINUTE,
      },
    );
  }

  /** A new life. What it rejects with that is not its end is a fault of the orchestrator. */
  start(): void {
    // As the lock on the state has it: one at a time.
    if (this.orchestrator !== undefined) return;
    this.#life++;
    const ending = new AbortController();
    this.#ending = ending;
    this.orchestrator = this.make();
    this.orchestrator.watch(ending.signal).catch((error: unknown) => {
      if (error !== ending.signal.reason) this.faults.push(String(error instanceof Error ? error.stack : error));
    });
  }

  readonly faults: string[] = [];

  /** As SIGKILL: nothing of it goes on. */
  kill(): void {
    this.clock.kill(this.owner);
    this.#ending = undefined;
    this.orchestrator = undefined;
  }

  async stop(): Promise<void> {
    this.#ending?.abort(new Error('stopped'));
    this.orchestrator = undefined;
    await this.clock.run(this.clock.now());
  }
}

export async function simulate(seed: number): Promise<Run> {
  const random = new Random(seed ^ 0x5eed);
  const areFormhaven = random.chance(0.75);
  const skew = random.pick([0, 0, 48 * 3_600_000, -48 * 3_600_000]);
  const world = new World({ seed, areFormhaven, skew });
  const { clock, west, east, state } = world;
  const broken: string[] = [];
  const contents = new Map<string, { deletedOn: number | undefined; name: string | undefined }>();
  const made: FakeModel[] = [];
  /** Content that was said to be protected, and that nothing of this history has harmed since. */
  const proven = new Set<string>();
  let lastHarm = START;
  let hasLostDisk = false;

  const train = (componentIds?: readonly ModelId[]): void => {
    const name = random.chance(0.8) ? random.pick(['invoices', 'orders', 'claims']) : undefined;
    const model = west.train(name, componentIds);
    made.push(model);
    contents.set(model.content, { deletedOn: undefined, name });
  };
  const remove = (): void => {
    const [model] = west.readyModels().filter(() => random.chance(0.4));
    if (model === undefined) return;
    west.remove(model.id);
    const known = contents.get(model.content);
    if (known !== undefined) known.deletedOn = clock.now();
  };

  // ---- the history, judged as it happens

  const has = (region: FakeRegion, content: string, except?: ModelId): boolean =>
    region.readyModels().some((model) => model.content === content && !model.isDamaged && model.id !== except);
  east.onDelete = (model) => {
    const known = contents.get(model.content);
    if (model.status !== 'ready' || known === undefined) return;
    if (has(east, model.content, model.id)) return;
    // That the source still has it is no excuse: it may be gone the next moment.
    if (known.deletedOn === undefined && !model.isDamaged && proven.has(model.content)) {
      broken.push(`${model.content} was protected, and its only copy was deleted`);
    }
    if (known.deletedOn !== undefined && clock.now() < known.deletedOn + GRACE_MILLISECONDS) {
      if (!has(west, model.content) && replicaOf(model.id))
        broken.push(`${model.content} went before its grace was over`);
    }
  };
  const replicaOf = (targetId: ModelId): boolean =>
    state.replicas().some(({ state: phase }) => 'targetId' in phase && phase.targetId === targetId);
  west.onDelete = (model) => {
    broken.push(`the orchestrator deleted ${model.content} at the source`);
  };
  world.onEvent = (event) => {
    if (event.event === 'fault') broken.push(`the orchestrator met a fault of its own: ${event.reason}`);
    if (event.event !== 'proven' || event.replica.state.phase !== 'protected') return;
    const { sourceId, state: phase } = event.replica;
    const source = west.models.get(sourceId);
    const target = east.models.get(phase.targetId);
    if (target !== undefined) proven.add(target.content);
    // What was harmed within the proof's own time could not be seen by it.
    if (source === undefined || clock.now() - lastHarm < 70_000) return;
    if (target?.content !== source.content || target.isDamaged || target.status !== 'ready') {
      broken.push(`${sourceId} was said to be proven, and its copy is not equal`);
    }
  };

  // ---- what happens, drawn beforehand

  const count = random.between(2, 7);
  for (let index = 0; index < count; index++) {
    if (random.chance(0.5)) train();
    else clock.at('world', random.between(0, TROUBLED_MILLISECONDS), () => train());
  }
  if (random.chance(0.4)) {
    clock.at('world', random.between(0, TROUBLED_MILLISECONDS / 2), () => {
      const ids = west.readyModels().map(({ id }) => id);
      if (ids.length >= 2) train(ids.slice(0, 3));
    });
  }
  for (let index = random.between(0, 2); index > 0; index--) {
    clock.at('world', random.between(0, TROUBLED_MILLISECONDS), remove);
  }
  const faults: ((region: Conditions) => void)[] = [
    (region) => {
      region.isUp = false;
    },
    (region) => {
      region.throttledShare = 0.6;
    },
    (region) => {
      region.lostShare = 0.3;
    },
    (region) => {
      region.unansweredShare = 0.3;
    },
    (region) => {
      region.doubledShare = 0.5;
    },
    (region) => {
      region.stuckShare = 0.5;
    },
    (region) => {
      region.lyingShare = 0.5;
    },
    (region) => {
      region.garbledShare = 0.3;
    },
    (region) => {
      region.isDiskFull = true;
    },
    (region) => {
      region.hasShortAuthorizations = true;
    },
  ];
  for (let index = random.between(1, 6); index > 0; index--) {
    const region = random.pick([west, east]);
    const fault = random.pick(faults);
    const from = random.between(0, TROUBLED_MILLISECONDS - MINUTE);
    clock.at('world', from, () => fault(region.conditions));
    clock.at('world', from + random.between(1000, 4 * MINUTE), () => {
      region.conditions = { ...FINE };
    });
  }
  if (areFormhaven && random.chance(0.3)) {
    clock.at('world', random.between(MINUTE, TROUBLED_MILLISECONDS), () => {
      const copies = east.readyModels();
      if (copies.length === 0) return;
      const copy = random.pick(copies);
      copy.isDamaged = true;
      proven.delete(copy.content);
      lastHarm = clock.now();
    });
  }
  if (random.chance(0.2)) {
    clock.at('world', random.between(MINUTE, TROUBLED_MILLISECONDS), () => {
      const copies = east.readyModels();
      if (copies.length === 0) return;
      const copy = random.pick(copies);
      east.remove(copy.id);
      proven.delete(copy.content);
      lastHarm = clock.now();
    });
  }
  if (random.chance(0.15)) {
    clock.at('world', random.between(TROUBLED_MILLISECONDS / 2, TROUBLED_MILLISECONDS), () => {
      west.loseDisk();
      hasLostDisk = true;
    });
  }
  const kills = random.between(0, 6);
  for (let index = 0; index < kills; index++) {
    clock.at('world', random.between(100, TROUBLED_MILLISECONDS), () => {
      if (world.orchestrator === undefined) return;
      world.kill();
      clock.at('world', random.between(10, 60_000), () => world.start());
    });
  }

  world.start();
  await clock.run(START + TROUBLED_MILLISECONDS);
  west.conditions = { ...FINE };
  east.conditions = { ...FINE };
  if (world.orchestrator === undefined) world.start();
  await clock.run(START + CONVERGED_MILLISECONDS);

  // ---- and what is there in the end

  broken.push(...world.faults.map((fault) => `the orchestrator threw ${fault}`));
  for (const model of made) {
    const known = contents.get(model.content);
    const isAlive = west.models.has(model.id);
    if (!isAlive && hasLostDisk && known?.deletedOn === undefined) {
      // The day all of this is for. Of the cloud's regions a lost disk looks like deletes, which the guard and the grace hold up.
      const mayBeGone = !areFormhaven;
      if (proven.has(model.content) && !has(east, model.content) && !mayBeGone) {
        broken.push(`${model.content} was protected, and is lost with the disk of its source`);
      }
      continue;
    }
    if (isAlive !== (known?.deletedOn === undefined)) broken.push(`${model.content} is not where people left it`);
    const copies = east.readyModels().filter(({ content }) => content === model.content);
    if (isAlive) {
      const replica = state.replica({ from: 'westus2', sourceId: model.id, to: 'eastus' });
      const targetId = replica?.state.phase === 'protected' ? replica.state.targetId : undefined;
      const copy = targetId === undefined ? undefined : east.models.get(targetId);
      if (copy === undefined)
        broken.push(`${model.content} is ${replica?.state.phase ?? 'unknown'}, ${replica?.trouble?.error}`);
      else if (copy.content !== model.content || copy.isDamaged)
        broken.push(`${model.content} is not equal to its copy`);
      if (copies.length !== 1) broken.push(`${model.content} has ${copies.length} copies`);
    }
  }
  for (const model of east.models.values()) {
    if (model.status === 'creating' && !isForgotten(model, state)) {
      broken.push(`reservation ${model.id} is left and known`);
    }
    const known = contents.get(model.content);
    if (model.status === 'ready' && known === undefined && !model.isDamaged) {
      broken.push(`${model.id} at the target has content that nobody made`);
    }
  }
  for (const { modelId, kind, of } of state.leftovers()) {
    // What may be all there is of a model whose source lost it stays for a person to decide.
    if (hasLostDisk && !west.models.has(of.sourceId) && east.models.get(modelId)?.status === 'ready') continue;
    broken.push(`${kind} ${modelId} is not cleared up`);
  }
  await world.stop();
  const run = {
    seed,
    broken,
    models: made.length,
    kills,
    virtualMilliseconds: clock.now() - START,
  };
  world.state[Symbol.dispose]();
  return run;
}

/**
 * An answer that was lost, or a process that was killed before it wrote the id down, leaves a reservation that nobody knows of. It
 * holds nothing, and the region drops it when it expires.
 */
function isForgotten(model: FakeModel, state: State): boolean {
  const isKnown = state.replicas().some(({ state: phase }) => 'targetId' in phase && phase.targetId === model.id);
  return !isKnown && !state.leftovers().some(({ modelId }) => modelId === model.id);
}
