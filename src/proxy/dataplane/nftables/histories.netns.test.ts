import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createKernel } from '../../../kernel/mod.ts';
import { diff } from '../../diff/mod.ts';
import { type Endpoint, type Family, Ledger, mergePairs } from '../../plan/mod.ts';
import type { Frontend, PortDraft, Route, TrafficPolicy } from '../../plan/model.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { testNamespace } from '../../testing/namespace.ts';
import { compileTable } from './compile-table.ts';
import { createNftablesDataplane } from './mod.ts';
import type { FoundTable } from './read-table.ts';

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
const history = fc.array(
  fc.array(fc.oneof({ weight: 5, arbitrary: port }, fc.constantFrom('a', 'b', 'c')), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 12 },
);
const rangeChoices: Readonly<Record<Family, readonly string[][]>> = {
  IPv4: [[], ['10.0.0.0/8'], ['10.1.0.0/16', '10.2.0.0/16'], ['0.0.0.0/0']],
  IPv6: [[], ['fd00::/8'], ['fd01::/16', 'fd02::/16'], ['::/0']],
};
type RandomPort = typeof port extends fc.Arbitrary<infer One> ? One : never;

function draftOf(random: RandomPort, family: Family): PortDraft {
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

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`After any history the kernel holds what a compilation from scratch yields, ${family}`, (t) => {
    const netns = testNamespace(t);
    const kernel = createKernel();
    const settings = trafficSettings({ family });
    const open = () => {
      const dataplane = createNftablesDataplane(kernel, { family, netns });
      dataplane.configure(settings);
      return dataplane;
    };
    fc.assert(
      fc.property(history, (steps) => {
        const dataplane = open();
        dataplane.cleanup();
        const ledger = new Ledger();
        dataplane.converge(dataplane.read(), ledger.ports());
        for (const step of steps) {
          const updates = step.flatMap((one) =>
            typeof one === 'string'
              ? ledger.update(`default/${one}`, [])
              : ledger.update(`default/${one.name}`, [draftOf(one, family)]),
          );
          dataplane.apply(diff(mergePairs(updates)));
        }
        assert.equal(dataplane.mayHaveDrifted(), false);
        const found = dataplane.read() as FoundTable;
        assert.equal(dataplane.converge(found, ledger.ports()).messages, 0);
        const scratch = compileTable(ledger.ports(), settings);
        const isSticky = [...ledger.ports()].some(({ affinitySeconds }) => affinitySeconds !== undefined);
        // Numbers of endpoints with affinity depend on the history.
        if (!isSticky) {
          const count = [...scratch.elements.values()].reduce((sum, list) => sum + list.length, 0);
          assert.equal(
            [...found.elements.values()].reduce((sum, { size }) => sum + size, 0),
            count,
          );
          assert.deepEqual([...found.chains.keys()].sort(), scratch.chains.map(({ chain }) => chain.name).sort());
        }
        dataplane.close();

        const successor = open();
        const adopted = successor.read();
        const after = new Ledger();
        after.beginAdoption(adopted.groups);
        for (const { cluster, local, refused, ...rest } of ledger.ports()) {
          after.update(rest.name.service, [
            { ...rest, ...(cluster && { cluster: unordered(cluster) }), ...(local && { local: unordered(local) }) },
          ]);
        }
        after.endAdoption();
        assert.equal(successor.converge(adopted, after.ports()).messages, 0);
        successor.close();
      }),
      { numRuns: 60 },
    );
  });
}

/** As the slices may well list them after a restart. */
const unordered = <Group extends { endpoints: readonly Endpoint[] }>(group: Group): Group => ({
  ...group,
  endpoints: group.endpoints.toReversed(),
});
