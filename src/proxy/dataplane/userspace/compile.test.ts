import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printRule } from '../../../wire/iptables/mod.ts';
import type { Frontend, PortPlan, Route } from '../../plan/mod.ts';
import type { LocalDetector, TrafficSettings } from '../port.ts';
import { compilePort } from './compile-port.ts';
import { compileJumps } from './compile-static.ts';

const vip: Frontend = { kind: 'cluster-ip', address: '10.96.0.10', port: 80 };
const balancer: Frontend = { kind: 'load-balancer', address: '203.0.113.5', port: 80 };
const nodePort: Frontend = { kind: 'node-port', port: 30080 };
const forward: Route = { policy: 'Cluster', verdict: 'forward' };

function plan(more: Partial<PortPlan>): PortPlan {
  return {
    name: { service: 'default/web', port: 'http', protocol: 'TCP' },
    family: 'IPv4',
    since: '2026-01-01T00:00:00Z',
    frontends: [vip],
    refused: [],
    internal: forward,
    external: forward,
    ...more,
  };
}

const pods: LocalDetector = { kind: 'source-range', range: '10.244.0.0/16' };
const ports = { Cluster: 40001, Local: 40002 };

/** `CHAIN rule`, without the guards, which are the same for all, and with short chain names. */
function rules(port: PortPlan, localDetector: LocalDetector = pods, used: Partial<typeof ports> = ports): string[] {
  const placed = compilePort(port, {
    settings: { family: port.family, localDetector },
    hostAddress: '172.30.1.1',
    relayPortOf: (policy) => used[policy],
  });
  return placed
    .map(({ chain, rule }) => `${chain.replace(/^KUBE-/, '')} ${printRule(rule)}`)
    .filter((text) => !text.startsWith('NODEPORT-NON-LOCAL'))
    .map((text) => text.replaceAll('-m comment --comment "default/web:http" ', ''));
}

test('The rule of the seeds: an address and port, redirected to a random port', () => {
  assert.deepEqual(rules(plan({})), [
    'PORTALS-CONTAINER -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 40001',
    'PORTALS-HOST -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.30.1.1:40001',
  ]);
});

test('Policy Local: Pods and the node go to all endpoints, outsiders to local ones', () => {
  const external: Route = { policy: 'Local', verdict: 'forward' };
  const local = plan({ frontends: [nodePort], external });
  const host = 'NODEPORT-HOST -p tcp -m tcp --dport 30080 -j DNAT --to-destination 172.30.1.1:40001';
  const outside = 'NODEPORT-CONTAINER -p tcp -m tcp --dport 30080 -j REDIRECT --to-ports 40002';
  const fromPods = (who: string) =>
    `NODEPORT-CONTAINER ${who} -p tcp -m tcp --dport 30080 -j REDIRECT --to-ports 40001`;
  assert.deepEqual(rules(local), [fromPods('-s 10.244.0.0/16'), outside, host]);
  assert.deepEqual(rules(local, { kind: 'bridge', interface: 'cbr0' }), [fromPods('-i cbr0'), outside, host]);
  assert.deepEqual(rules(local, { kind: 'interface-prefix', prefix: 'veth' }), [fromPods('-i veth+'), outside, host]);
  assert.deepEqual(rules(local, { kind: 'none' }), [outside, host]);
});

test('Policy Local without a local endpoint: outsiders are dropped, Pods are served', () => {
  const dropped = plan({ frontends: [balancer], external: { policy: 'Local', verdict: 'drop' } });
  const to = '-d 203.0.113.5/32 -p tcp -m tcp --dport 80';
  assert.deepEqual(rules(dropped, pods, { Cluster: 40001 }), [
    `PORTALS-CONTAINER -s 10.244.0.0/16 ${to} -j REDIRECT --to-ports 40001`,
    `PORTALS-HOST ${to} -j DNAT --to-destination 172.30.1.1:40001`,
    `PORTALS-REFUSED ${to} -j DROP`,
  ]);
});

test('A firewall meets the Pods’ range: the narrower of two ranges is the rule, and strangers are dropped', () => {
  const to = '-d 203.0.113.5/32 -p tcp -m tcp --dport 80';
  const firewall = { ranges: ['10.244.7.0/24', '10.0.0.0/8', '192.0.2.0/24'], admitsNode: true };
  const local = plan({ frontends: [balancer], firewall, external: { policy: 'Local', verdict: 'forward' } });
  const of = (chain: string) =>
    rules(local)
      .filter((rule) => rule.startsWith(`${chain} `))
      .map((rule) => rule.split(' ')[2]);
  const container = rules(local).filter((rule) => rule.startsWith('PORTALS-CONTAINER'));
  assert.deepEqual(
    container.map((rule) => [rule.split(' ')[2], rule.split(' ').at(-1)]),
    [
      ['10.244.7.0/24', '40001'],
      ['10.244.0.0/16', '40001'],
      ['10.244.7.0/24', '40002'],
      ['10.0.0.0/8', '40002'],
      ['192.0.2.0/24', '40002'],
      ['203.0.113.5/32', '40002'],
    ],
  );
  assert.deepEqual(of('PORTALS-HOST'), ['10.244.7.0/24', '10.0.0.0/8', '192.0.2.0/24', '203.0.113.5/32']);
  assert.equal(rules(local).at(-1), `PORTALS-REFUSED ${to} -j DROP`);
});

test('Without an endpoint TCP is reset, the rest is told by ICMP, and a firewall goes before', () => {
  const none: Route = { policy: 'Cluster', verdict: 'reject' };
  const refusals = (more: Partial<PortPlan>) => rules(plan({ internal: none, external: none, ...more }), pods, {});
  assert.deepEqual(refusals({ frontends: [vip, nodePort] }), [
    'PORTALS-REFUSED -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset',
    'PORTALS-REFUSED -p tcp -m tcp --dport 30080 -m addrtype --dst-type LOCAL -j REJECT --reject-with tcp-reset',
  ]);
  assert.match(
    refusals({ name: { service: 'default/web', port: 'http', protocol: 'UDP' } })[0]!,
    /-p udp .* -j REJECT --reject-with icmp-port-unreachable$/,
  );
  const firewall = { ranges: ['192.0.2.0/24'], admitsNode: false };
  assert.deepEqual(
    refusals({ frontends: [balancer], firewall }).map((rule) => rule.replace(/-d .* -j/, '-j')),
    ['PORTALS-REFUSED -s 192.0.2.0/24 -j REJECT --reject-with tcp-reset', 'PORTALS-REFUSED -j DROP'],
  );
});

test('Node ports answer where the settings say', () => {
  const settings = { family: 'IPv4', nodePorts: { localhost: false } } as TrafficSettings;
  const scopes = (nodePorts: TrafficSettings['nodePorts']) =>
    compileJumps({ ...settings, nodePorts })
      .filter(({ first, from }) => !first && from === 'OUTPUT')
      .map(({ rule }) => printRule(rule).replace(/ -m comment .*/, ''));
  assert.deepEqual(scopes({ localhost: false }), ['! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL']);
  assert.deepEqual(scopes({ localhost: true }), ['-m addrtype --dst-type LOCAL']);
  assert.deepEqual(scopes({ localhost: false, ranges: ['172.30.0.0/16', '0.0.0.0/0'] }), [
    '-d 172.30.0.0/16 -m addrtype --dst-type LOCAL',
    '-m addrtype --dst-type LOCAL',
  ]);
  assert.deepEqual(scopes({ localhost: false, ranges: [] }), []);
});
