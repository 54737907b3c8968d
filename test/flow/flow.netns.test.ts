import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createKernel, NetworkAdmin, withNetns } from '../../src/kernel/mod.ts';
import type { Dataplane } from '../../src/proxy/dataplane/port.ts';
import type { Family } from '../../src/proxy/plan/mod.ts';
import { addresses, TestNetwork } from '../../src/proxy/testing/network.ts';
import { type NodeState, readNodeState } from '../../src/trace/mod.ts';
import { type Circumstances, judgePackets, judgeRules, placeText } from './judge.ts';
import { planScenario } from './plan-scenario.ts';
import { endpointPorts, healthCheckPort, parseFlow, relayed, type Scenario, targets } from './scenario.ts';
import { scenarios } from './scenarios/mod.ts';
import { type Subject, subjects } from './subjects.ts';

/**
 * Every scenario in every dataplane and both families, three ways: the compiled rules evaluated; the rules read back from
 * a kernel and evaluated; real packets.
 */
const kernel = createKernel();
let network: TestNetwork;

before(async () => {
  network = new TestNetwork('flow');
  for (const family of ['IPv4', 'IPv6'] as const) {
    const { node, vip, external, lb, balancer } = targets[family];
    for (const address of [vip, external, lb]) network.ip('outside', 'route', 'add', address, 'via', node);
    // As a balancer outside it is asked by Pods as well, which know it by their own addresses.
    network.ip('outside', 'addr', 'add', balancer, 'dev', 'lo', ...(family === 'IPv6' ? ['nodad'] : []));
    network.ip('outside', 'route', 'add', addresses.pod1[family], 'via', node);
  }
  for (const place of ['pod1', 'pod2', 'remote', 'node'] as const) {
    for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) {
      for (const port of endpointPorts) await network.serve(place, protocol, port, placeText(place, port));
    }
  }
  await network.serve('node', 'TCP', healthCheckPort);
  await network.serve('outside', 'TCP', 80);
});

after(() => network?.destroy());

for (const subject of subjects) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    describe(`Packets through ${subject.name}, ${family}`, () => {
      let dataplane: Dataplane;
      before(() => {
        dataplane = subject.open(kernel, family, network.path('node'));
      });
      after(() => dataplane?.close());

      for (const scenario of scenarios) {
        const { families = [family] } = scenario;
        if (!families.includes(family)) continue;
        const reason = scenario.skip?.[subject.name] ?? subject.lacks?.(scenario);
        if (reason !== undefined) test(`${scenario.title} (skipped: ${reason})`, { skip: true });
        else flowTest(scenario, family, subject, () => dataplane);
      }
    });
  }
}

function flowTest(scenario: Scenario, family: Family, subject: Subject, dataplaneOf: () => Dataplane): void {
  const { protocol = 'TCP' } = scenario;
  const isForSubject = (text: string) => parseFlow(text).subjects?.includes(subject.name) ?? true;
  const own = scenario.flows.filter(isForSubject).map(parseFlow);
  const flows = subject.relays ? own.map(relayed) : own;
  test(scenario.title, async (t) => {
    const dataplane = dataplaneOf();
    const { ports, settings } = planScenario(scenario, family);
    t.after(() => dataplane.cleanup());
    dataplane.configure(settings);
    dataplane.converge(dataplane.read(), ports);
    const state = nodeState();
    const { randomFully } = settings;
    const circumstances: Circumstances = { family, protocol, randomFully };
    const rules = subject.compile?.(ports, settings);
    const skip = rules === undefined && 'the ports of relays are known only when they listen';
    await t.test(skip ? `compiled (skipped: ${skip})` : 'compiled', { skip: Boolean(skip) }, () => {
      for (const flow of flows) judgeRules(rules!, state, flow, circumstances);
    });
    await t.test('read back', () => {
      const rules = subject.readBack(kernel, family, network.path('node'));
      for (const flow of flows) judgeRules(rules, state, flow, circumstances);
    });
    // This kernel may have no SCTP sockets, and Node.js has none: clients send an INIT chunk over a raw socket, and what
    // counts is which endpoint sends an INIT ACK back and whom it has seen.
    await t.test(protocol === 'SCTP' ? 'real packets (INIT chunks over raw sockets)' : 'real packets', async () => {
      for (const flow of flows) await judgePackets(network, flow, circumstances);
    });
  });
}

function nodeState(): NodeState {
  const admin = new NetworkAdmin(kernel, { netns: network.path('node') });
  try {
    return readNodeState(admin, routesLoopback());
  } finally {
    admin.close();
  }
}

function routesLoopback(): boolean {
  const read = () => readFileSync('/proc/sys/net/ipv4/conf/all/route_localnet', 'utf8');
  return withNetns(network.path('node'), read).trim() === '1';
}
