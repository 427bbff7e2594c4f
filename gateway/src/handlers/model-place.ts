import { type ModelId, ServiceError } from '@formhaven/contract';
import type { GatewayParts } from '../parts.ts';
import type { ModelHome } from '../store/store.ts';

/** What a client has deleted is gone for it at once, whatever copies replication has still to remove. */
export function requireNotDeleted(home: ModelHome | undefined, clientId: ModelId, code: '1001' | '1022'): void {
  if (home?.status === 'deleted') throw new ServiceError(code, { values: { modelId: clientId } });
}

/** Why no region can be asked for this model. */
export function describePlaces(
  parts: Pick<GatewayParts, 'ids'>,
  clientId: ModelId | undefined,
  home: ModelHome | undefined,
): string {
  if (clientId === undefined) return 'No region is in use.';
  const places = parts.ids.current.placesOf(clientId)?.map(({ region }) => region);
  const names = places ?? (home?.status === 'made' ? [home.region] : []);
  if (names.length === 0) return 'No region is in use.';
  return `This model exists only in ${names.join(' and ')}, out of reach now.`;
}
