import type { CallOutcome, RegionCall } from './region-link.ts';
import type { RoutedRegion } from './router.ts';

/**
 * A call that may be made elsewhere as well, and is given up as soon as its region is taken out of use. Where nothing is in use and
 * a region is asked all the same, it has its full time.
 */
export async function callWhileInUse(region: RoutedRegion, call: RegionCall): Promise<CallOutcome> {
  const { out } = region.health;
  if (out.aborted) return await region.link.call(call);
  const signal = call.signal === undefined ? out : AbortSignal.any([call.signal, out]);
  try {
    return await region.link.call({ ...call, signal });
  } catch (error) {
    if (!out.aborted || call.signal?.aborted === true) throw error;
    return { kind: 'noAnswer', reason: 'out of use', isTimeout: true };
  }
}
