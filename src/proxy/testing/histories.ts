import fc from 'fast-check';
import type { EndpointSlice, Node, Service } from '../../kube/mod.ts';
import type { fakeInformers } from './objects.ts';
import { node, sctp, service, slice, tcp, udp } from './objects.ts';

/**
 * Random events of a small dual-stack cluster, in which everything collides: same VIPs, node ports and external IPs, same
 * endpoints in several slices, slices that move between Services, policies, hints and a node that moves between zones.
 */

const serviceName = fc.constantFrom('a', 'b', 'c');
const sliceName = fc.constantFrom('w', 'x', 'y', 'z');
const policy = fc.constantFrom(undefined, 'Cluster' as const, 'Local' as const);
const some = <T>(...values: T[]) => fc.subarray(values, { maxLength: values.length });

const endpoint = fc.record({
  number: fc.integer({ min: 1, max: 6 }),
  conditions: fc.constantFrom(
    {},
    { ready: true },
    { ready: false },
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: false, terminating: true },
  ),
  nodeName: fc.constantFrom('node1', 'node2', undefined),
  zones: fc.constantFrom<string[][]>(['a'], ['a'], ['b'], ['b'], ['a', 'b'], []),
  nodes: fc.constantFrom<string[][]>(['node1'], ['node2'], [], [], []),
});

const putService = fc.record({
  do: fc.constant('put service' as const),
  name: serviceName,
  vip: fc.integer({ min: 1, max: 3 }),
  families: fc.constantFrom('4', '6', '46', '64'),
  nodePort: fc.constantFrom(undefined, 30001, 30002),
  created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
  protocols: some('udp' as const, 'sctp' as const),
  externalIPs: some('192.0.2.1', '192.0.2.2', 'fd00:2::1', '10.96.0.1'),
  ingress: some('192.0.2.1', 'fd00:2::2'),
  ranges: some('10.0.0.0/8', '172.30.0.0/16', 'fd00::/16', 'nonsense'),
  internalTrafficPolicy: policy,
  externalTrafficPolicy: policy,
  affinity: fc.constantFrom(undefined, 60, 10_800),
  type: fc.constantFrom(...(['ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'ExternalName'] as const)),
  label: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 'service.kubernetes.io/headless'),
});
const putSlice = fc.record({
  do: fc.constant('put slice' as const),
  name: sliceName,
  of: serviceName,
  addressType: fc.constantFrom('IPv4' as const, 'IPv6' as const),
  endpoints: fc.array(endpoint, { maxLength: 5 }),
  targetPort: fc.constantFrom(8080, 8080, 9090),
});
const moveNode = fc.record({
  do: fc.constant('move node' as const),
  zone: fc.constantFrom(undefined, 'a', 'b'),
  address: fc.constantFrom('172.30.1.1', '192.168.1.1'),
});
const event = fc.oneof(
  { weight: 4, arbitrary: putService },
  { weight: 6, arbitrary: putSlice },
  { weight: 1, arbitrary: moveNode },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete service' as const), name: serviceName }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete slice' as const), name: sliceName }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const) }) },
);
export type HistoryEvent = typeof event extends fc.Arbitrary<infer One> ? One : never;

/** Up to so many events. */
export const histories = (maxLength: number): fc.Arbitrary<HistoryEvent[]> =>
  fc.array(event, { maxLength, size: 'max' });

/** Lets the event happen; `sync` is for whoever reads the informers. */
export function enact(one: HistoryEvent, { services, slices, nodes }: ReturnType<typeof fakeInformers>): void {
  if (one.do === 'put service') services.put(serviceOf(one));
  else if (one.do === 'delete service') services.delete(`default/${one.name}`);
  else if (one.do === 'put slice') slices.put(sliceOf(one));
  else if (one.do === 'delete slice') slices.delete(`default/${one.name}`);
  else if (one.do === 'move node') nodes.put(nodeOf(one));
}

type Put<Kind extends HistoryEvent['do']> = Extract<HistoryEvent, { do: Kind }>;

function serviceOf(one: Put<'put service'>): Service {
  const vips = { 4: `10.96.0.${one.vip}`, 6: `fd00:96::${one.vip}` };
  const clusterIPs = [...one.families].map((family) => vips[family as '4' | '6']);
  const made = { tcp, udp, sctp };
  const ports = (['tcp', ...one.protocols] as const).map((protocol) =>
    made[protocol](80, { name: protocol, ...(one.nodePort && { nodePort: one.nodePort }) }),
  );
  const { type, externalIPs, internalTrafficPolicy, externalTrafficPolicy, affinity, ranges, label } = one;
  const object = service(one.name, clusterIPs[0]!, {
    ports,
    created: one.created,
    ...(label && { labels: { [label]: '' } }),
    spec: {
      type,
      clusterIPs,
      externalIPs,
      loadBalancerSourceRanges: ranges,
      healthCheckNodePort: 30999,
      ...(internalTrafficPolicy && { internalTrafficPolicy }),
      ...(externalTrafficPolicy && { externalTrafficPolicy }),
      ...(affinity !== undefined && {
        sessionAffinity: 'ClientIP' as const,
        sessionAffinityConfig: { clientIP: { timeoutSeconds: affinity } },
      }),
    },
  });
  return { ...object, status: { loadBalancer: { ingress: one.ingress.map((ip) => ({ ip })) } } };
}

function sliceOf({ name, of, addressType, endpoints, targetPort }: Put<'put slice'>): EndpointSlice {
  const prefix = addressType === 'IPv4' ? '10.0.0.' : 'fd00::';
  const named = (names: readonly string[]) => names.map((each) => ({ name: each }));
  return slice(
    of,
    endpoints.map(({ number, conditions, nodeName, zones, nodes }) => ({
      addresses: [`${prefix}${number}`],
      conditions,
      hints: { forZones: named(zones), forNodes: named(nodes) },
      ...(nodeName !== undefined && { nodeName }),
    })),
    {
      name,
      addressType,
      ports: [
        { name: 'tcp', protocol: 'TCP', port: targetPort },
        { name: 'udp', protocol: 'UDP', port: 53 },
        { name: 'sctp', protocol: 'SCTP', port: 54 },
      ],
    },
  );
}

const nodeOf = ({ zone, address }: Put<'move node'>): Node =>
  node('node1', {
    ...(zone !== undefined && { zone }),
    addresses: [
      { type: 'InternalIP', address },
      { type: 'InternalIP', address: `fd00::${address.split('.')[0]}` },
    ],
  });
