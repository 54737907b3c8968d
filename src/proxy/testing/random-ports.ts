import fc from 'fast-check';
import type { Endpoint, Family } from '../plan/mod.ts';
import type { Frontend, PortDraft, Route, TrafficPolicy } from '../plan/model.ts';

/** Random histories of Service ports, for dataplanes: what the plan hands them, in all forms that it can have. */

/** Few names, addresses and numbers, so that they collide; all that a port can be. */
const policy = fc.constantFrom<TrafficPolicy>('Cluster', 'Local');
const endpoint = fc.record({ number: fc.integer({ min: 1, max: 7 }), local: fc.boolean() });
const port = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  udp: fc.boolean(),
  endpoints: fc.uniqueArray(endpoint, { maxLength: 7, selector: ({ number }) => number }),
  internal: policy,
  external: policy,
  externalIp: fc.boolean(),
  loadBalancer: fc.boolean(),
  nodePort: fc.boolean(),
  affinitySeconds: fc.constantFrom(undefined, undefined, 10, 20),
  ranges: fc.integer({ min: 0, max: 3 }),
  admitsNode: fc.boolean(),
});
/** Steps of one transaction each: ports that come or change, and names of ports that go. */
export const portHistories = fc.array(
  fc.array(fc.oneof({ weight: 5, arbitrary: port }, fc.constantFrom('a', 'b', 'c')), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 12 },
);
const rangeChoices: Readonly<Record<Family, readonly string[][]>> = {
  IPv4: [[], ['10.0.0.0/8'], ['10.1.0.0/16', '10.2.0.0/16'], ['0.0.0.0/0']],
  IPv6: [[], ['fd00::/8'], ['fd01::/16', 'fd02::/16'], ['::/0']],
};
type RandomPort = typeof port extends fc.Arbitrary<infer One> ? One : never;

export function draftOf(random: RandomPort, family: Family): PortDraft {
  const isV4 = family === 'IPv4';
  const number = random.name.charCodeAt(0);
  const text = (prefix: string) => (isV4 ? `10.96.${prefix}.${number}` : `fd00:${prefix}::${number.toString(16)}`);
  const endpoints: Endpoint[] = random.endpoints.map(({ number: last, local }) => ({
    address: isV4 ? `10.244.0.${last}` : `fd00:244::${last}`,
    port: 9376,
    local,
  }));
  const local = endpoints.filter((one) => one.local);
  const route = (wanted: TrafficPolicy): Route => {
    const group = wanted === 'Local' ? local : endpoints;
    return { policy: wanted, verdict: group.length > 0 ? 'forward' : endpoints.length > 0 ? 'drop' : 'reject' };
  };
  const frontends: Frontend[] = [{ kind: 'cluster-ip', address: text('1'), port: 80 }];
  if (random.externalIp) frontends.push({ kind: 'external-ip', address: text('2'), port: 80 });
  if (random.loadBalancer) frontends.push({ kind: 'load-balancer', address: text('3'), port: 80 });
  if (random.nodePort) frontends.push({ kind: 'node-port', port: 30_000 + number });
  const ranges = rangeChoices[family][random.ranges]!;
  return {
    name: { service: `default/${random.name}`, port: '', protocol: random.udp ? 'UDP' : 'TCP' },
    family,
    since: '2026-01-01T00:00:00Z',
    frontends,
    internal: route(random.internal),
    ...(frontends.length > 1 && { external: route(random.external) }),
    ...(random.affinitySeconds && { affinitySeconds: random.affinitySeconds }),
    ...(ranges.length > 0 && { firewall: { ranges, admitsNode: random.admitsNode } }),
    cluster: { endpoints, leftOut: [] },
    local: { endpoints: local, leftOut: [] },
  };
}

/** A group as the slices may well list it after a restart. */
export const unordered = <Group extends { endpoints: readonly Endpoint[] }>(group: Group): Group => ({
  ...group,
  endpoints: group.endpoints.toReversed(),
});

export type PortHistory = typeof portHistories extends fc.Arbitrary<infer One> ? One : never;
