import { join, resolve } from 'node:path';
import { readGatewayEndpoint } from './endpoints.ts';
import { UsageError } from './replication-command.ts';

// What commands say to a gateway that runs: where it is, the admin key, and JSON both ways. The key is never an argument, which
// everyone on the machine could read.

export interface GatewayAccess {
  readonly endpoint: string;
  readonly adminKey: string;
}

export class GatewayRefused extends Error {
  override readonly name = 'GatewayRefused';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** From `--gateway` and the environment, or from the data folder of `formhaven start`. */
export async function findGateway(options: {
  readonly gateway?: string | undefined;
  readonly data: string;
}): Promise<GatewayAccess> {
  const dataFolder = resolve(options.data);
  const known = await readGatewayEndpoint(dataFolder);
  const endpoint = options.gateway ?? known?.endpoint;
  const adminKey = process.env.FORMHAVEN_ADMIN_KEY || known?.adminKey;
  if (endpoint === undefined) {
    throw new UsageError(
      `No gateway: give --gateway, or --data with the folder of \`formhaven start --gateway\` (${join(dataFolder, 'endpoints.json')} names none).`,
    );
  }
  if (adminKey === undefined) throw new UsageError('Set FORMHAVEN_ADMIN_KEY to an admin key of the gateway.');
  return { endpoint: endpoint.replace(/\/+$/, ''), adminKey };
}

/** @throws GatewayRefused with the gateway's words */
export async function askGateway<Answer>(access: GatewayAccess, path: string, body?: unknown): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(access.endpoint + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'ocp-apim-subscription-key': access.adminKey, 'content-type': 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(60_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new Error(`The gateway at ${access.endpoint} does not answer.`, { cause });
  }
  const text = await response.text();
  if (!response.ok) throw new GatewayRefused(messageOf(text) ?? `HTTP ${response.status}`, response.status);
  return JSON.parse(text) as Answer;
}

function messageOf(text: string): string | undefined {
  try {
    const value = JSON.parse(text) as { error?: { message?: string } };
    return value.error?.message;
  } catch {
    return undefined;
  }
}
