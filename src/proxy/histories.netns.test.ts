import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { createKernel } from '../kernel/mod.ts';
import { withoutIptables } from '../wire/iptables/testing/without-iptables.ts';
import { createIptablesDataplane } from './dataplane/iptables/mod.ts';
import { createNftablesDataplane } from './dataplane/nftables/mod.ts';
import type { Dataplane } from './dataplane/port.ts';
import { createUserspaceDataplane } from './dataplane/userspace/mod.ts';
import { endpointText, type FoundPort, frontendText, Ledger, type PortPlan, planService } from './plan/mod.ts';
import { Synchronizer } from './synchronizer/mod.ts';
import { trafficSettings } from './testing/fake-dataplane.ts';
import { testNamespace } from './testing/namespace.ts';
import { fakeInformers, service, slice, tcp, udp } from './testing/objects.ts';
import { Tracker } from './track/mod.ts';

/** Few Services, slices and addresses, so that histories collide: same VIP, same endpoint, two slices of one Service. */
const name = fc.constantFrom('a', 'b', 'c');
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5');
const endpoint = fc.record({
  addresses: fc.tuple(address),
  conditions: fc.record(
    { ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() },
    { requiredKeys: [] },
  ),
  nodeName: fc.constantFrom('node1', 'node2'),
});
const event = fc.oneof(
  fc.record({
    do: fc.constant('put service' as const),
    name,
    vip: fc.constantFrom('10.96.0.1', '10.96.0.2', '10.96.0.3'),
    nodePort: fc.constantFrom(undefined, 30001, 30002),
    created: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
    withUdp: fc.boolean(),
  }),
  fc.record({ do: fc.constant('delete service' as const), name }),
  fc.record({
    do: fc.constant('put slice' as const),
    name: fc.constantFrom('x', 'y', 'z'),
    of: name,
    endpoints: fc.array(endpoint, { maxLength: 5 }),
  }),
  fc.record({ do: fc.constant('delete slice' as const), name: fc.constantFrom('x', 'y', 'z') }),
  fc.record({ do: fc.constant('sync' as const) }),
);
type Event = typeof event extends fc.Arbitrary<infer One> ? One : never;

const node = { name: 'node1', family: 'IPv4' } as const;

interface Subject {
  readonly open: (netns: string) => Dataplane;
  /** Those that run tools take longer. */
  readonly runs: number;
  /** It finds frontends again that nobody answers. Others look only where packets are sent on. */
  readonly findsRefused?: boolean;
  /** Why it does not go on with what an earlier run has left. */
  readonly startsAnew?: string;
  readonly skip?: string | false;
}

const kernel = createKernel();
const iptables = (kind: 'nft' | 'legacy') => (netns: string) =>
  createIptablesDataplane(kernel, { family: 'IPv4', netns, interface: kind });
const subjects: Readonly<Record<string, Subject>> = {
  nftables: {
    open: (netns) => createNftablesDataplane(kernel, { family: 'IPv4', netns }),
    runs: 150,
    findsRefused: true,
  },
  'iptables on nft': { open: iptables('nft'), runs: 60 },
  'iptables on legacy': { open: iptables('legacy'), runs: 10, skip: withoutIptables },
  userspace: {
    open: (netns) => createUserspaceDataplane({ clock: systemClock, log: silentLogger, family: 'IPv4', netns }),
    runs: 10,
    startsAnew: 'its relays listen at other ports',
    skip: withoutIptables,
  },
};

for (const [subject, { skip = false }] of Object.entries(subjects)) {
  test(
    `${subject}: after any history the plan equals one made from scratch, and the kernel holds exactly it`,
    {
      skip,
    },
    (t) => liveThrough(t, subjects[subject]!),
  );
}

async function liveThrough(t: TestContext, { open, runs, startsAnew, findsRefused = false }: Subject): Promise<void> {
  const netns = testNamespace(t);
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (history) => {
      const informers = fakeInformers();
      const dataplane = open(netns);
      dataplane.cleanup();
      const tracker = new Tracker(informers.services, informers.slices, () => {});
      const clock = new ManualClock();
      const options = { tracker, nodeName: 'node1', clock, log: silentLogger, syncPeriodMs: 30_000, onSynced() {} };
      const synchronizer = new Synchronizer(options);
      synchronizer.add(node, trafficSettings(), dataplane);
      synchronizer.sync();
      for (const one of history) {
        if (one.do === 'sync') synchronizer.sync();
        else act(informers, one);
      }
      synchronizer.sync();

      const scratch = new Ledger();
      for (const each of informers.services.list()) {
        const key = `default/${each.metadata.name}`;
        scratch.update(key, planService(each, tracker.slicesOf(key), node).ports);
      }
      assert.deepEqual(meaning(synchronizer.ports()), meaning(scratch.ports()));
      assert.equal(synchronizer.counters.failures, 0);
      assert.equal(dataplane.converge(dataplane.read(), synchronizer.ports()).messages, 0);
      if (!startsAnew) {
        const [found, wanted] = [dataplane.read().groups, groupsOf(scratch.ports())];
        assert.deepEqual(meaningOfKernel(found, findsRefused), meaningOfKernel(wanted, findsRefused));
      }
      await endOf(synchronizer);

      const anew = open(netns);
      const successor = new Synchronizer({
        ...options,
        tracker: new Tracker(informers.services, informers.slices, () => {}),
      });
      successor.add(node, trafficSettings(), anew);
      successor.sync();
      assert.deepEqual(meaning(successor.ports()), meaning(scratch.ports()));
      // A port all of whose frontends another one has cannot be recognized in the kernel, and gets a new id.
      const recognizable = [...scratch.ports()].every(({ frontends }) => frontends.length > 0);
      if (recognizable && !startsAnew) assert.equal(successor.counters.messages, 0);
      assert.equal(anew.converge(anew.read(), successor.ports()).messages, 0);
      await endOf(successor);
    }),
    { numRuns: runs },
  );
}

/** What goes on relaying is the caller's to end. */
const endOf = (synchronizer: Synchronizer) => Promise.all(synchronizer.stop().map((relaying) => relaying.end()));

function act({ services, slices }: ReturnType<typeof fakeInformers>, one: Exclude<Event, { do: 'sync' }>): void {
  if (one.do === 'put service') {
    const ports = [tcp(80, { name: 'http', ...(one.nodePort && { nodePort: one.nodePort }) })];
    if (one.withUdp) ports.push(udp(80, { name: 'dns' }));
    services.put(service(one.name, one.vip, { ports, created: one.created }));
  } else if (one.do === 'put slice') {
    const ports = [
      { name: 'http', protocol: 'TCP', port: 8080 },
      { name: 'dns', protocol: 'UDP', port: 53 },
    ];
    slices.put(slice(one.of, one.endpoints, { name: one.name, ports }));
  } else if (one.do === 'delete service') services.delete(`default/${one.name}`);
  else slices.delete(`default/${one.name}`);
}

/** What counts: who has which frontend, and which endpoints are behind it. Ids and slots depend on the history. */
function meaning(ports: Iterable<PortPlan>): unknown[] {
  return [...ports]
    .map(({ name: port, frontends, refused, cluster }) => ({
      port: `${port.service} ${port.port}`,
      frontends: frontends.map((frontend) => frontendText(frontend, port.protocol)).sort(),
      refused: refused.map((frontend) => frontendText(frontend, port.protocol)).sort(),
      endpoints: cluster!.endpoints.map((one) => `${endpointText(one)} ${one.local}`).sort(),
    }))
    .sort((a, b) => (a.port < b.port ? -1 : 1));
}

type Groups = ReturnType<Dataplane['read']>['groups'];

function groupsOf(ports: Iterable<PortPlan>): Groups {
  const groups = new Map<string, FoundPort>();
  for (const { name: port, frontends, cluster } of ports) {
    for (const frontend of frontends) groups.set(frontendText(frontend, port.protocol), { cluster: cluster! });
  }
  return groups;
}

const meaningOfKernel = (groups: Groups, withRefused: boolean): unknown[] =>
  [...groups]
    .filter(([, { cluster }]) => withRefused || cluster!.endpoints.length > 0)
    .map(([frontend, { cluster }]) => [frontend, ...cluster!.endpoints.map(endpointText).sort()])
    .sort();
