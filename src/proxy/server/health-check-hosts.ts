import { networkInterfaces } from 'node:os';
import { type Family, isInRange } from '../plan/mod.ts';
import type { ReadSettings } from '../settings.ts';
import type { NodeView } from '../track/mod.ts';

const families: readonly Family[] = ['IPv4', 'IPv6'];

/**
 * Where this node answers health checks of Services: on the addresses that have node ports. `0.0.0.0` and `::` stand for all of a
 * family.
 * @param local addresses of this machine
 */
export function healthCheckHosts(
  settingsOf: ReadSettings,
  view: NodeView,
  local: readonly string[] = localAddresses(),
): string[] {
  return families.flatMap((family) => {
    const { ranges } = settingsOf(view, family).nodePorts;
    const own = local.filter((address) => address.includes(':') === (family === 'IPv6'));
    if (ranges === undefined) return own.length > 0 ? [family === 'IPv4' ? '0.0.0.0' : '::'] : [];
    return own.filter((address) => ranges.some((range) => isInRange(address, range)));
  });
}

/** Link-local ones aside: they are of one link only, and cannot be listened on without naming it. */
function localAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ scopeid }) => !scopeid).map(({ address }) => address);
}
