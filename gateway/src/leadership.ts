import { setTimeout as sleep } from 'node:timers/promises';
import { type ModelId, parseModelId, type Region, ServiceError } from '@formhaven/contract';
import { fetchAllModels } from './all-models.ts';
import { nameOf } from './health/region-health.ts';
import type { GatewayParts } from './parts.ts';
import type { Leadership, UnsettledWrite } from './store/store.ts';

// Moving the writes. A failover is for a primary that is lost: it is done at once, and says what may be missing. A failback is for
// one that is well again: it is done only when nothing is missing there, after the writes under way have ended.

const DRAIN_MILLISECONDS = 20_000;

export interface Mover {
  readonly by: string;
  readonly reason: string;
}

export interface FailoverReport {
  readonly leadership: Leadership;
  readonly from: Region;
  /** Made in the old region through a gateway, and not known to be in the new one. They come back when it does. */
  readonly modelsLeftBehind: readonly ModelId[];
  /** Their outcome is not known, or they succeeded too late. */
  readonly unsettledWrites: readonly UnsettledWrite[];
}

/** Who takes the writes, as the store says now. */
export async function currentLeadership(parts: Pick<GatewayParts, 'store' | 'config' | 'now'>): Promise<Leadership> {
  const [first] = parts.config.current.regions;
  if (first === undefined) throw new TypeError('a configuration has regions');
  return await parts.store.leadership({ region: first.name, now: parts.now() });
}

/** @throws ServiceError where the region is unknown, isolated, or someone else was faster */
export async function failover(parts: GatewayParts, to: Region, mover: Mover): Promise<FailoverReport> {
  const region = requiredRegion(parts, to);
  if (region.health.state.status === 'isolated') throw refusal(`${to} is isolated; release it first.`);
  const before = await currentLeadership(parts);
  if (before.region === to) throw refusal(`Writes go to ${to} already.`);
  const after = await move(parts, before, to, mover, 'failover');
  return {
    leadership: after,
    from: before.region,
    modelsLeftBehind: (await parts.store.modelsMadeIn(before.region)).filter((id) => !isIn(parts, id, to)),
    unsettledWrites: await parts.store.unsettledWrites(),
  };
}

export interface FailbackPlan {
  readonly from: Region;
  readonly to: Region;
  readonly epoch: number;
  readonly state: string;
  /** Every model of the region that takes the writes now, and whether the other one has it. */
  readonly models: readonly {
    readonly id: ModelId;
    readonly name: string | undefined;
    readonly there: 'proven' | 'unproven' | 'missing';
  }[];
  readonly training: readonly ModelId[];
  readonly unsettledWrites: readonly UnsettledWrite[];
  /** Empty where it can be done now. */
  readonly obstacles: readonly string[];
}

export async function planFailback(parts: GatewayParts, to: Region): Promise<FailbackPlan> {
  const target = requiredRegion(parts, to);
  const leadership = await currentLeadership(parts);
  const state = nameOf(target.health.state);
  const obstacles: string[] = [];
  const common = { from: leadership.region, to, epoch: leadership.epoch, state };
  if (leadership.region === to) {
    return { ...common, models: [], training: [], unsettledWrites: [], obstacles: [`Writes go to ${to} already.`] };
  }
  if (!target.health.takesWork) obstacles.push(`${to} is not in use: ${state}.`);
  const listed = await fetchAllModels(parts, 'v2.1', leadership.region);
  const models = listed
    .filter(({ status }) => status === 'ready')
    .map(({ modelId, modelName }) => {
      const id = requiredModelId(modelId);
      return { id, name: modelName, there: thereIs(parts, id, to) };
    });
  const training = listed.filter(({ status }) => status === 'creating').map(({ modelId }) => requiredModelId(modelId));
  const missing = models.filter(({ there }) => there === 'missing').length;
  const unproven = models.filter(({ there }) => there === 'unproven').length;
  if (missing > 0)
    obstacles.push(`${missing} models of ${leadership.region} are not in ${to}: let replication bring them.`);
  if (unproven > 0) obstacles.push(`${unproven} models are in ${to} but not proven: let replication prove them.`);
  if (training.length > 0)
    obstacles.push(`${training.length} models are being trained or copied in ${leadership.region}.`);
  return { ...common, models, training, unsettledWrites: await parts.store.unsettledWrites(), obstacles };
}

/** Drains, looks once more, switches. Whatever stops it, writes go on where they went. @throws ServiceError with the obstacles */
export async function failback(parts: GatewayParts, to: Region, mover: Mover): Promise<FailbackPlan> {
  const before = await planFailback(parts, to);
  if (before.obstacles.length > 0) throw refusal(before.obstacles.join(' '));
  const expected = { epoch: before.epoch };
  const isDraining = await parts.store.setMode(expected, { kind: 'draining', until: parts.now() + DRAIN_MILLISECONDS });
  if (!isDraining) throw refusal('Someone else has moved the writes meanwhile.');
  try {
    await writesEnded(parts, before.epoch);
    // A write that was under way may have made a model.
    const after = await planFailback(parts, to);
    if (after.obstacles.length > 0) throw refusal(after.obstacles.join(' '));
    await move(parts, expected, to, mover, 'failback');
    return after;
  } catch (error) {
    await parts.store.setMode(expected, { kind: 'open' });
    throw error;
  }
}

export async function isolate(parts: GatewayParts, name: Region, mover: Mover): Promise<void> {
  const region = requiredRegion(parts, name);
  await parts.store.isolate(name, mover.reason);
  region.health.isolate(mover.reason);
  await audit(parts, mover.by, 'isolate', { region: name, reason: mover.reason });
}

export async function release(parts: GatewayParts, name: Region, mover: Mover): Promise<void> {
  const region = requiredRegion(parts, name);
  await parts.store.release(name);
  region.health.release();
  await audit(parts, mover.by, 'release', { region: name });
}

/** A configured witness: this gateway has seen the primary dead for so long, and another region is well. One gateway succeeds. */
export async function moveAsWitness(parts: GatewayParts, deadSince: number, seconds: number): Promise<void> {
  const leadership = await currentLeadership(parts);
  if (performance.now() - deadSince < seconds * 1000) return;
  const [next] = parts.config.current.regions
    .filter(({ name }) => name !== leadership.region)
    .filter(({ name }) => parts.router.find(name)?.health.takesWork === true);
  if (next === undefined) return;
  const reason = `${leadership.region} dead for ${seconds} s`;
  await move(parts, leadership, next.name, { by: `witness ${parts.instance}`, reason }, 'failover').catch(
    (error: unknown) => {
      if (!(error instanceof ServiceError)) throw error;
    },
  );
}

async function move(
  parts: GatewayParts,
  expected: { readonly epoch: number },
  to: Region,
  mover: Mover,
  event: 'failover' | 'failback',
): Promise<Leadership> {
  const after = await parts.store.moveLeadership(expected, { region: to, now: parts.now(), ...mover });
  if (after === undefined) throw refusal('Someone else has moved the writes meanwhile.');
  parts.router.prefer(to);
  await audit(parts, mover.by, event, { to, epoch: after.epoch, reason: mover.reason });
  parts.log.warn({ event, to, epoch: after.epoch });
  return after;
}

async function writesEnded(parts: GatewayParts, epoch: number): Promise<void> {
  const until = performance.now() + DRAIN_MILLISECONDS / 2;
  for (;;) {
    const open = (await parts.store.unsettledWrites()).filter(
      (write) => write.epoch === epoch && write.problem === 'unfinished',
    );
    if (open.length === 0) return;
    if (performance.now() > until)
      throw refusal(`${open.length} writes have not ended; look at them and acknowledge them.`);
    await sleep(50);
  }
}

async function audit(
  parts: GatewayParts,
  by: string,
  event: string,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  await parts.store.audit({ on: parts.now(), by, event, details });
}

function thereIs(parts: GatewayParts, id: ModelId, region: Region): 'proven' | 'unproven' | 'missing' {
  const place = parts.ids.current.placesOf(id)?.find((candidate) => candidate.region === region);
  return place === undefined ? 'missing' : place.isProven ? 'proven' : 'unproven';
}

function isIn(parts: GatewayParts, id: ModelId, region: Region): boolean {
  return thereIs(parts, id, region) !== 'missing';
}

function requiredRegion(parts: GatewayParts, name: Region) {
  const region = parts.router.find(name);
  if (region === undefined) throw refusal(`There is no region ${name}.`);
  return region;
}

function requiredModelId(text: string): ModelId {
  const id = parseModelId(text);
  if (id === undefined)
    throw new ServiceError('InternalServerError', { message: 'A region lists an id that is none.' });
  return id;
}

function refusal(message: string): ServiceError {
  return new ServiceError('BadArgument', { status: 409, message });
}
