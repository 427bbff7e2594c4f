import { parseRegion, type Region, ServiceError } from '@formhaven/contract';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Exchange } from '../exchange.ts';
import { nameOf } from '../health/region-health.ts';
import { currentLeadership, failback, failover, isolate, type Mover, planFailback, release } from '../leadership.ts';
import type { GatewayParts } from '../parts.ts';

// What people and their tools may see and do, with an admin key:
//
//   GET  /gateway/status                    regions and their states, who takes the writes, spool, open analyses, unsettled writes
//   GET  /gateway/audit                     what was done by whom, newest first
//   GET  /metrics                           for Prometheus
//   POST /gateway/regions/{name}/isolate    {by, reason}
//   POST /gateway/regions/{name}/release    {by, reason}
//   POST /gateway/failover                  {to, by, reason}
//   GET  /gateway/failback?to={name}        the plan
//   POST /gateway/failback                  {to, by, reason}
//   POST /gateway/writes/acknowledge        {upTo, by, reason}

const MAX_BODY_BYTES = 16 * 1024;
const AUDIT_ENTRIES = 200;

const moverMembers = { by: Type.String({ minLength: 1, maxLength: 200 }), reason: Type.String({ maxLength: 1000 }) };
const moverBody = Compile(Type.Object(moverMembers));
const movingBody = Compile(Type.Object({ to: Type.String(), ...moverMembers }));
const acknowledgingBody = Compile(Type.Object({ upTo: Type.Integer({ minimum: 0 }), ...moverMembers }));

export function isAdminPath(url: string): boolean {
  return /^\/(gateway|metrics)(\/|\?|$)/.test(url);
}

export async function admin(parts: GatewayParts, exchange: Exchange): Promise<void> {
  const url = new URL(exchange.request.url ?? '/', 'http://gateway.invalid');
  const asked = `${exchange.request.method} ${url.pathname.replace(/\/+$/, '')}`;
  switch (asked) {
    case 'GET /metrics': {
      const { registry } = parts.metrics;
      exchange.send(200, { 'content-type': registry.contentType }, Buffer.from(await registry.metrics()));
      return;
    }
    case 'GET /gateway/status':
      exchange.sendJson(200, await statusOf(parts));
      return;
    case 'GET /gateway/audit':
      exchange.sendJson(200, {
        entries: (await parts.store.auditLog(AUDIT_ENTRIES)).map((entry) => ({ ...entry, on: isoTime(entry.on) })),
      });
      return;
    case 'GET /gateway/failback':
      exchange.sendJson(200, await planFailback(parts, requiredRegionName(url.searchParams.get('to') ?? '')));
      return;
    case 'POST /gateway/failback': {
      const { to, ...mover } = await bodyOf(exchange, movingBody);
      exchange.sendJson(200, await failback(parts, requiredRegionName(to), mover));
      return;
    }
    case 'POST /gateway/failover': {
      const { to, ...mover } = await bodyOf(exchange, movingBody);
      exchange.sendJson(200, await failover(parts, requiredRegionName(to), mover));
      return;
    }
    case 'POST /gateway/writes/acknowledge': {
      const { upTo, by, reason } = await bodyOf(exchange, acknowledgingBody);
      await parts.store.acknowledgeWrites(upTo);
      await parts.store.audit({ on: parts.now(), by, event: 'acknowledge-writes', details: { upTo, reason } });
      exchange.sendJson(200, await statusOf(parts));
      return;
    }
    default:
  }
  const handle = /^POST \/gateway\/regions\/([^/]+)\/(isolate|release)$/.exec(asked);
  if (handle === null) throw new ServiceError('404');
  const region = requiredRegionName(handle[1] ?? '');
  const mover: Mover = await bodyOf(exchange, moverBody);
  await (handle[2] === 'isolate' ? isolate : release)(parts, region, mover);
  exchange.sendJson(200, await statusOf(parts));
}

export type GatewayStatus = Awaited<ReturnType<typeof statusOf>>;

async function statusOf(parts: GatewayParts) {
  const leadership = await currentLeadership(parts);
  return {
    instance: parts.instance,
    preferred: parts.router.preferred,
    writes: {
      region: leadership.region,
      epoch: leadership.epoch,
      mode: leadership.mode.kind,
      since: isoTime(leadership.since),
      by: leadership.by,
      reason: leadership.reason,
    },
    regions: parts.config.current.regions.map(({ name, endpoint, weight, requestsPerSecond }) => {
      const health = parts.router.find(name)?.health;
      const canary = health?.lastCanary;
      return {
        region: name,
        endpoint,
        state: health === undefined ? 'unknown' : nameOf(health.state),
        ...(health?.state.status === 'isolated' ? { reason: health.state.reason } : {}),
        isThrottled: parts.router.isThrottled(name),
        ...(weight === undefined ? {} : { weight }),
        ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
        lastCanary:
          canary === undefined
            ? undefined
            : canary.kind === 'failed'
              ? { outcome: canary.kind, reason: canary.reason }
              : { outcome: canary.kind, milliseconds: 'milliseconds' in canary ? canary.milliseconds : undefined },
      };
    }),
    models: parts.ids.current.size,
    spool: { bytes: parts.spool.bytes, isFull: parts.spool.isFull },
    openAnalyses: await parts.store.countOpen(),
    unsettledWrites: (await parts.store.unsettledWrites()).map((write) => ({
      ...write,
      begunOn: isoTime(write.begunOn),
    })),
  };
}

async function bodyOf<Body>(
  exchange: Exchange,
  check: {
    Check(value: unknown): value is Body;
    Errors(value: unknown): readonly { message: string; instancePath: string }[];
  },
): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of exchange.request) {
    bytes += (chunk as Buffer).byteLength;
    if (bytes > MAX_BODY_BYTES) throw new ServiceError('RequestBodyTooLarge', { values: { bytes: MAX_BODY_BYTES } });
    chunks.push(chunk as Buffer);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ServiceError('BadArgument', { message: 'The body is not JSON.', cause });
  }
  if (check.Check(value)) return value;
  const [first] = check.Errors(value);
  throw new ServiceError('BadArgument', { message: `${first?.instancePath || 'The body'} ${first?.message ?? ''}.` });
}

function requiredRegionName(text: string): Region {
  const region = parseRegion(text);
  if (region === undefined)
    throw new ServiceError('BadArgument', { message: 'A region takes 1 to 24 letters and digits.' });
  return region;
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
