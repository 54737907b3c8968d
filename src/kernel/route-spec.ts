import { formatIp, type NewRoute, networkOf, parseIp, type Route, RouteTable, scopeOf } from '../wire/rtnetlink/mod.ts';

/** A route with its link by name. */
export type RouteSpec = Omit<NewRoute, 'index'> & { readonly device?: string };

export type ListedRoute = Route & { readonly device: string | undefined };

/** In ip(8)'s words: `10.244.2.0/24 via 192.0.2.1 dev eth0 onlink`. */
export function describeRoute(route: RouteSpec | ListedRoute): string {
  const { type = 'unicast', destination, gateway, device, onlink, table = RouteTable.main } = route;
  return [
    type === 'unicast' ? undefined : type,
    destination,
    gateway && `via ${gateway}`,
    device && `dev ${device}`,
    onlink && 'onlink',
    table !== RouteTable.main && `table ${table}`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** Destination and priority: what makes a second route of one table the same to the kernel. */
export function hasKeyOf(there: Route, wanted: RouteSpec): boolean {
  const priority = wanted.priority ?? (wanted.destination.includes(':') ? defaultPriorityIpv6 : 0);
  return there.destination === networkOf(wanted.destination) && there.priority === priority;
}

/** IP6_RT_PRIO_USER */
const defaultPriorityIpv6 = 1024;

/** What the wanted route leaves open may be anything. */
export function isEqualRoute(there: ListedRoute, wanted: RouteSpec): boolean {
  const { type = 'unicast', gateway, device, onlink = false, preferredSource } = wanted;
  return (
    !there.multipath &&
    there.type === type &&
    there.gateway === (gateway && canonical(gateway)) &&
    there.onlink === onlink &&
    there.scope === scopeOf(wanted) &&
    (device === undefined || there.device === device) &&
    (preferredSource === undefined || there.preferredSource === canonical(preferredSource))
  );
}

const canonical = (address: string): string => formatIp(parseIp(address).bytes);
