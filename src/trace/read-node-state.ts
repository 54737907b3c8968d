import type { NetworkAdmin } from '../kernel/mod.ts';
import type { NodeState } from './node-state.ts';

/** What the kernel of the admin's network namespace knows about ways and addresses. Throws KernelError. */
export function readNodeState(admin: NetworkAdmin, routesLoopback = false): NodeState {
  const addresses = Map.groupBy(admin.listAddresses(), ({ index }) => index);
  const interfaces = admin.listLinks().map(({ name, index }) => ({
    name,
    index,
    addresses: (addresses.get(index) ?? []).map(({ address }) => address),
  }));
  const routes = admin
    .listRoutes()
    .filter(({ type, device }) => type === 'unicast' && device !== undefined)
    .map(({ destination, device, gateway }) => ({
      destination,
      interface: device!,
      ...(gateway !== undefined && { gateway }),
    }));
  return { interfaces, routes, routesLoopback };
}
