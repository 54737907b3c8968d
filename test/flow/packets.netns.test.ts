import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKernel } from '../../src/kernel/mod.ts';
import { addresses, TestNetwork } from '../../src/proxy/testing/network.ts';
import { planScenario } from './plan-scenario.ts';
import { endpointPort, type Scenario, targets } from './scenario.ts';
import { subjects } from './subjects.ts';

/** What the table cannot say, since there every client opens an ordinary connection: seen in real packets. */
const kernel = createKernel();
const strayPort = 4321;
/** Each is used once: conntrack would go on with the translation that it knows. */
let nextOwnPort = 30_001;
let network: TestNetwork;

before(async () => {
  network = new TestNetwork('packets');
  for (const family of ['IPv4', 'IPv6'] as const) {
    for (const address of [targets[family].vip, addresses.pod1[family]]) {
      network.ip('outside', 'route', 'add', address, 'via', targets[family].node);
    }
  }
  await network.serve('pod2', 'UDP', endpointPort);
  for (const place of ['pod2', 'remote'] as const) await network.serve(place, 'TCP', endpointPort);
  await network.serve('outside', 'stray TCP', strayPort);
});

after(() => network?.destroy());

for (const subject of subjects) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    /** Returns what takes the rules away again. */
    const load = (scenario: Pick<Scenario, 'protocol' | 'settings' | 'spec' | 'endpoints'>) => {
      const dataplane = subject.open(kernel, family, network.path('node'));
      const planned = planScenario({ title: '', flows: [], ...scenario }, family);
      dataplane.configure(planned.settings);
      dataplane.converge(dataplane.read(), planned.ports);
      return () => {
        dataplane.cleanup();
        dataplane.close();
      };
    };

    test(`${subject.name}, ${family}: a client that stays away for longer than the affinity lasts draws anew`, async (t) => {
      const affinity = {
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } },
      } as const;
      t.after(load({ spec: () => affinity, endpoints: ['pod2', 'remote'] }));
      const reached = new Set<string>();
      for (let i = 0; i < 40 && reached.size < 2; i++) {
        const [place = ''] = (await network.ask('outside', 'TCP', targets[family].vip, 80)).split(' ');
        reached.add(place);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
      }
      assert.deepEqual([...reached].sort(), ['pod2', 'remote']);
    });

    // Where a process of the node stands in between, it chooses its own ports and no packet is forwarded.
    if (subject.relays) continue;

    for (const randomFully of [true, false]) {
      const how = randomFully ? 'are chosen at random' : 'stay as they are where they can';
      test(`${subject.name}, ${family}: masqueraded ports ${how}`, async (t) => {
        t.after(load({ protocol: 'UDP', settings: { randomFully }, endpoints: ['pod2'] }));
        const kept: boolean[] = [];
        for (let i = 0; i < 8; i++) {
          const ownPort = nextOwnPort++;
          const answer = await network.askFrom(ownPort, 'outside', targets[family].vip, 80);
          assert.match(answer, /^pod2 /);
          kept.push(answer.endsWith(` ${ownPort}`));
        }
        // That two of eight are kept by chance happens once in a hundred million times.
        assert.ok(randomFully ? kept.filter(Boolean).length < 2 : kept.every(Boolean), kept.join());
      });
    }

    test(`${subject.name}, ${family}: what conntrack calls INVALID is not forwarded, unless the operator says so`, async (t) => {
      const ask = (timeoutMs?: number) =>
        network.ask('pod1', 'stray TCP', addresses.outside[family], strayPort, timeoutMs);
      const seen = `outside ${addresses.pod1[family]}`;
      assert.equal(await ask(), seen, 'without rules');
      const end = load({ endpoints: ['pod2'] });
      assert.equal(await ask(250), 'timeout');
      end();
      t.after(load({ settings: { conntrackTcpBeLiberal: true }, endpoints: ['pod2'] }));
      assert.equal(await ask(), seen);
    });
  }
}
