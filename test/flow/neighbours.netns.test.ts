import { after, before, describe, test } from 'node:test';
import { createKernel } from '../../src/kernel/mod.ts';
import type { Dataplane } from '../../src/proxy/dataplane/port.ts';
import type { Family } from '../../src/proxy/plan/mod.ts';
import { addresses, TestNetwork } from '../../src/proxy/testing/network.ts';
import { withoutNft } from '../../src/proxy/testing/without-nft.ts';
import { withoutIptables } from '../../src/wire/iptables/testing/without-iptables.ts';
import { judgePackets } from './judge.ts';
import { type Neighbour, neighbours } from './neighbours/neighbours.ts';
import { planScenario } from './plan-scenario.ts';
import { endpointPort, parseFlow, relayed, targets } from './scenario.ts';
import { type Subject, subjects } from './subjects.ts';

/** Real packets on nodes where others have rules as well. */
const kernel = createKernel();
let network: TestNetwork;

before(async () => {
  network = new TestNetwork('neighbours', { docker: true });
  for (const family of ['IPv4', 'IPv6'] as const) {
    const { node, vip, lb, balancer } = targets[family];
    for (const address of [vip, lb, addresses.pod1[family]]) {
      network.ip('outside', 'route', 'add', address, 'via', node);
    }
    network.ip('outside', 'addr', 'add', balancer, 'dev', 'lo', ...(family === 'IPv6' ? ['nodad'] : []));
  }
  for (const place of ['pod1', 'pod2', 'remote', 'node', 'docker0'] as const) {
    await network.serve(place, 'TCP', endpointPort);
  }
  await network.serve('outside', 'TCP', 80);
});

after(() => network?.destroy());

for (const subject of subjects) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    describe(`${subject.name}, ${family}, beside`, { skip: withoutNft || withoutIptables }, () => {
      let dataplane: Dataplane;
      before(() => {
        dataplane = subject.open(kernel, family, network.path('node'));
      });
      after(() => dataplane?.close());

      for (const neighbour of neighbours) {
        const { scenario, mayComeLater } = neighbour;
        const reason = scenario.skip?.[subject.name];
        if (reason !== undefined) test(`${scenario.title} (skipped: ${reason})`, { skip: true });
        else {
          for (const isFirst of mayComeLater ? [true, false] : [true]) {
            const order = isFirst ? 'there first' : 'comes later';
            test(`${scenario.title}: ${order}`, async (t) => {
              const uninstall = install(neighbour, { subject, family, dataplane, isFirst });
              t.after(uninstall);
              await judge(neighbour, subject, family);
            });
          }
        }
      }
    });
  }
}

interface Ours {
  readonly subject: Subject;
  readonly family: Family;
  readonly dataplane: Dataplane;
  /** The neighbour is there before our rules. */
  readonly isFirst: boolean;
}

/** Returns what takes both away again. */
function install(neighbour: Neighbour, { family, dataplane, isFirst }: Ours): () => void {
  const netns = network.path('node');
  const { ports, settings } = planScenario(neighbour.scenario, family);
  if (isFirst) neighbour.install(netns, family);
  dataplane.configure(settings);
  dataplane.converge(dataplane.read(), ports);
  if (!isFirst) neighbour.install(netns, family);
  return () => {
    dataplane.cleanup();
    neighbour.remove(netns, family);
  };
}

async function judge({ scenario }: Neighbour, subject: Subject, family: Family): Promise<void> {
  const own = scenario.flows.map(parseFlow).filter(({ subjects }) => subjects?.includes(subject.name) ?? true);
  for (const flow of subject.relays ? own.map(relayed) : own) {
    await judgePackets(network, flow, { family, protocol: 'TCP', randomFully: true });
  }
}
