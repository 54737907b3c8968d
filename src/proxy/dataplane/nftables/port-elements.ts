import { type Endpoint, type Frontend, type PortPlan, routeOf, type TrafficPolicy } from '../../plan/mod.ts';
import { frontendKey, type PlacedElement, sourceElement } from './elements.ts';
import { addressBytes, rangeOf } from './family.ts';
import { drawnRows, type Rows } from './numbers.ts';
import { insideOf, type Pool, poolOf } from './pools.ts';
import type { SetName } from './sets.ts';

/** A port with its endpoints in the rows in which the table has them. */
export interface SeatedPort {
  readonly port: PortPlan;
  readonly rows: Readonly<Record<TrafficPolicy, Rows>>;
}

export const isSticky = ({ affinitySeconds }: PortPlan): boolean => affinitySeconds !== undefined;

export const endpointsOf = ({ cluster, local }: PortPlan, policy: TrafficPolicy): readonly Endpoint[] =>
  (policy === 'Cluster' ? cluster : local)?.endpoints ?? none;
const none: readonly Endpoint[] = [];

/** From which pools a frontend's clients draw, and whose endpoints are in them. */
export function poolsOf(frontend: Frontend, port: PortPlan): { pool: Pool; policy: TrafficPolicy }[] {
  const { policy, verdict } = routeOf(port, frontend);
  const pool = poolOf(frontend);
  const used: { pool: Pool; policy: TrafficPolicy }[] = verdict === 'forward' ? [{ pool, policy }] : [];
  if (hasInside(frontend, port)) used.push({ pool: insideOf(pool), policy: 'Cluster' });
  return used;
}

const isExternal = ({ kind }: Frontend): boolean => kind !== 'cluster-ip';

/** Clients inside of the cluster have a pool of their own. */
const hasInside = (frontend: Frontend, port: PortPlan): boolean =>
  isExternal(frontend) && routeOf(port, frontend).policy === 'Local' && endpointsOf(port, 'Cluster').length > 0;

/** All that stands for one frontend, but for the endpoints themselves and what it shares with others. */
export function frontendElements(frontend: Frontend, { port, rows }: SeatedPort): PlacedElement[] {
  const key = frontendKey(frontend, port);
  const pool = poolOf(frontend);
  const { policy, verdict } = routeOf(port, frontend);
  const sets: SetName[] = [];
  if (verdict === 'reject') sets.push(`${pool}-0`);
  else if (pool === 'node-ports') sets.push('node-ports');
  if (verdict === 'drop') sets.push(`dropped-${pool}`);
  if (hasInside(frontend, port)) sets.push(`local-${pool}`);
  if (isExternal(frontend) && policy === 'Cluster' && verdict === 'forward') sets.push(`cluster-${pool}`);
  if (!isExternal(frontend) && policy === 'Local') sets.push('node-local-vips');
  for (const used of poolsOf(frontend, port)) {
    const count = rows[used.policy].length;
    sets.push(isSticky(port) ? `sticky-${used.pool}-${drawnRows(count)}` : `${used.pool}-${count}`);
  }
  if (isSticky(port) && poolsOf(frontend, port).length > 0) {
    sets.push(`${pool === 'frontends' ? 'frontend' : 'node-port'}-affinity-${port.affinitySeconds!}`);
  }
  const elements: PlacedElement[] = sets.map((set) => ({ set, element: { key } }));
  return [...elements, ...firewallElements(frontend, port, key)];
}

function firewallElements({ kind, address }: Frontend, { firewall }: PortPlan, key: Buffer): PlacedElement[] {
  if (kind !== 'load-balancer' || firewall === undefined) return [];
  const sources = firewall.ranges.map((text) => {
    const range = rangeOf(text);
    return sourceElement(key, Buffer.from(range.address, 'hex'), range.length);
  });
  const own = addressBytes(address!);
  const ownLength = own.length * 8;
  const isListed = firewall.ranges.includes(`${address}/${ownLength}`);
  if (firewall.admitsNode && !isListed) sources.push(sourceElement(key, own, ownLength));
  return [{ set: 'firewalled', element: { key } }, ...sources];
}
