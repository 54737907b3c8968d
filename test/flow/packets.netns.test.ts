import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKernel } from '../../src/kernel/mod.ts';
import type { ProxySettings } from '../../src/proxy/settings.ts';
import { addresses, TestNetwork } from '../../src/proxy/testing/network.ts';
import { planScenario } from './plan-scenario.ts';
import { endpointPort, targets } from './scenario.ts';
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
  await network.serve('outside', 'stray TCP', strayPort);
});

after(() => network?.destroy());

for (const subject of subjects) {
  // Where a process of the node stands in between, it chooses its own ports and no packet is forwarded.
  if (subject.relays) continue;
  for (const family of ['IPv4', 'IPv6'] as const) {
    const withSettings = (settings: ProxySettings) => {
      const dataplane = subject.open(kernel, family, network.path('node'));
      const planned = planScenario({ title: '', protocol: 'UDP', settings, endpoints: ['pod2'], flows: [] }, family);
      dataplane.configure(planned.settings);
      dataplane.converge(dataplane.read(), planned.ports);
      return () => {
        dataplane.cleanup();
        dataplane.close();
      };
    };

    for (const randomFully of [true, false]) {
      const how = randomFully ? 'are chosen at random' : 'stay as they are where they can';
      test(`${subject.name}, ${family}: masqueraded ports ${how}`, async (t) => {
        t.after(withSettings({ randomFully }));
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
      const end = withSettings({});
      assert.equal(await ask(250), 'timeout');
      end();
      t.after(withSettings({ conntrackTcpBeLiberal: true }));
      assert.equal(await ask(), seen);
    });
  }
}
