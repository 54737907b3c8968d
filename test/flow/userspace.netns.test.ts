import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Dataplane } from '../../src/proxy/dataplane/port.ts';
import { createUserspaceDataplane } from '../../src/proxy/dataplane/userspace/mod.ts';
import { TestNetwork } from '../../src/proxy/testing/network.ts';
import { planScenario } from './plan-scenario.ts';
import { type Flow, parseFlow, type Scenario, targets } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/**
 * The scenarios of the other dataplanes through the userspace relays, with real packets: rules alone do not say which
 * endpoint a relay takes. That endpoints see the node and never the client is its nature, so only the place is compared.
 */
let network: TestNetwork;

before(async () => {
  network = new TestNetwork('flowus');
  for (const family of ['IPv4', 'IPv6'] as const) {
    const { node, vip, external, lb } = targets[family];
    for (const address of [vip, external, lb]) network.ip('outside', 'route', 'add', address, 'via', node);
  }
  for (const place of ['pod1', 'pod2', 'remote', 'node'] as const) {
    for (const protocol of ['TCP', 'UDP'] as const) await network.serve(place, protocol, 9376);
  }
});

after(() => network?.destroy());

for (const family of ['IPv4', 'IPv6'] as const) {
  describe(`Packets through userspace, ${family}`, () => {
    let dataplane: Dataplane;
    before(() => {
      const netns = network.path('node');
      dataplane = createUserspaceDataplane({ family, clock: systemClock, log: silentLogger, netns });
    });
    after(() => dataplane?.close());

    for (const scenario of scenarios) {
      const { families = [family], protocol = 'TCP', title } = scenario;
      if (!families.includes(family)) continue;
      if (protocol === 'SCTP') test(`${title} (skipped: Node.js has no SCTP sockets)`, { skip: true });
      else {
        test(title, async (t) => {
          const { ports, settings } = planScenario(scenario, family);
          t.after(() => dataplane.cleanup());
          dataplane.configure(settings);
          dataplane.converge(dataplane.read(), ports);
          for (const flow of flowsOf(scenario)) {
            await t.test(flow.text, async () => {
              await judge(flow, (timeoutMs) =>
                network.ask(flow.client, protocol, targets[family][flow.target], flow.port, timeoutMs),
              );
            });
          }
        });
      }
    }
  });
}

const flowsOf = ({ flows }: Scenario): Flow[] => flows.map(parseFlow).filter(({ subjects }) => subjects === undefined);

const silenceMs = 250;

async function judge({ expected }: Flow, ask: (timeoutMs?: number) => Promise<string>): Promise<void> {
  if (expected.kind === 'dropped') assert.equal(await ask(silenceMs), 'timeout');
  else if (expected.kind !== 'reaches') assert.equal(await ask(), 'ECONNREFUSED');
  else {
    const places = [...new Set(expected.ends.map(({ place }) => place as string))].sort();
    const told = new Set<string>();
    // Endpoints are taken in turn, by whoever connects.
    for (let i = 0; i < 2 * places.length; i++) told.add((await ask()).split(' ')[0]!);
    if (!expected.sticks) assert.deepEqual([...told].sort(), places);
    else {
      assert.equal(told.size, 1);
      assert.ok(places.includes([...told][0]!));
    }
  }
}
