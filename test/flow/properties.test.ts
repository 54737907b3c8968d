import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Service } from '../../src/kube/mod.ts';
import { endpointText, Ledger, type PortPlan, planService } from '../../src/proxy/plan/mod.ts';
import { readSettings } from '../../src/proxy/settings.ts';
import { service, slice } from '../../src/proxy/testing/objects.ts';
import { nodeView } from '../../src/proxy/track/mod.ts';
import { formatTrace, type NodeState, type Packet, trace } from '../../src/trace/mod.ts';
import { subjects } from './subjects.ts';

const node: NodeState = {
  interfaces: [
    { name: 'lo', index: 1, addresses: ['127.0.0.1/8'] },
    { name: 'eth0', index: 2, addresses: ['172.30.1.1/24'] },
    { name: 'pod', index: 3, addresses: ['10.244.1.1/24'] },
  ],
  routes: [
    { destination: '0.0.0.0/0', interface: 'eth0', gateway: '172.30.1.254' },
    { destination: '10.244.1.0/24', interface: 'pod' },
  ],
};

const fromPod = { source: '10.244.1.200', inInterface: 'pod' } as const;
const fromOutside = { source: '203.0.113.7', inInterface: 'eth0' } as const;
const fromNode = { source: '172.30.1.1' } as const;

const policy = fc.constantFrom('Cluster', 'Local');
const endpoint = fc.record({
  addresses: fc.tuple(fc.constantFrom(1, 2, 3), fc.integer({ min: 2, max: 60 })).map(([a, b]) => [`10.244.${a}.${b}`]),
  nodeName: fc.constantFrom('node1', 'node2'),
  conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }),
});

const objects: fc.Arbitrary<{ web: Service; slices: EndpointSlice[] }> = fc
  .record({
    internalTrafficPolicy: policy,
    externalTrafficPolicy: policy,
    sessionAffinity: fc.constantFrom('None', 'ClientIP'),
    loadBalancerSourceRanges: fc.constantFrom([], ['203.0.113.0/24'], ['10.0.0.0/8', '172.30.1.1/32']),
    endpoints: fc.array(endpoint, { maxLength: 9 }),
  })
  .map(({ endpoints, ...spec }) => {
    const ports = [{ protocol: 'TCP', port: 80, targetPort: 9376, nodePort: 30080 }] as const;
    const web = service('web', '10.96.0.10', { ports: [...ports], spec: { type: 'LoadBalancer', ...spec } as never });
    const status = { loadBalancer: { ingress: [{ ip: '198.51.100.10' }] } };
    return { web: { ...web, status } as Service, slices: [slice('web', endpoints)] };
  });

const settings = readSettings({ clusterCidr: '10.244.0.0/16' })(nodeView('node1'), 'IPv4');

function plan({ web, slices }: { web: Service; slices: EndpointSlice[] }): PortPlan[] {
  const ledger = new Ledger();
  ledger.update('default/web', planService(web, slices, { name: 'node1', family: 'IPv4' }).ports);
  return [...ledger.ports()];
}

const destinations = [
  { destination: '10.96.0.10', destinationPort: 80 },
  { destination: '198.51.100.10', destinationPort: 80 },
  { destination: '172.30.1.1', destinationPort: 30080 },
  { destination: '10.96.0.10', destinationPort: 81 },
];

/** Both kinds of iptables are compiled by the same code. */
const compilers = subjects.filter(({ name }) => name !== 'iptables on legacy');

for (const { name, compile } of compilers) {
  if (compile === undefined) continue;
  test(`${name}: all that can become of any packet has together the probability 1, and nothing is left unsaid`, () => {
    fc.assert(
      fc.property(
        objects,
        fc.constantFrom(fromPod, fromOutside, fromNode),
        fc.constantFrom(...destinations),
        (input, from, to) => {
          const packet: Packet = { protocol: 'TCP', sourcePort: 40_000, ...from, ...to };
          const traced = trace(compile(plan(input), settings), packet, node);
          const sum = traced.outcomes.reduce((total, { probability }) => total + probability, 0);
          assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}\n${formatTrace(traced)}`);
          assert.ok(!traced.outcomes.some(({ end }) => end.kind === 'unknown'), formatTrace(traced));
        },
      ),
      { numRuns: 150 },
    );
  });

  test(`${name}: from a Pod every usable endpoint is as likely as the others, and nobody else is reached`, () => {
    fc.assert(
      fc.property(objects, (input) => {
        const ports = plan(input);
        const { internal, cluster, local } = ports[0]!;
        const usable = (internal.policy === 'Local' ? local : cluster)!.endpoints.map(endpointText).sort();
        const packet: Packet = { protocol: 'TCP', sourcePort: 40_000, ...fromPod, ...destinations[0]! };
        const traced = trace(compile(ports, settings), packet, node);
        const reached = traced.outcomes.filter(({ end }) => end.kind === 'sent');
        assert.deepEqual(
          reached.map(({ destination, destinationPort }) => `${destination}:${destinationPort}`).sort(),
          usable,
          formatTrace(traced),
        );
        for (const { probability } of reached) assert.ok(Math.abs(probability - 1 / usable.length) < 1e-8);
        if (usable.length > 0) return;
        const refusal = internal.verdict === 'drop' ? 'dropped' : 'rejected';
        assert.deepEqual(
          traced.outcomes.map(({ end }) => end.kind),
          [refusal],
        );
      }),
      { numRuns: 150 },
    );
  });
}
