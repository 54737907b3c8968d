import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSave } from '../../wire/iptables/mod.ts';
import { iptablesChains, type Memory, outcomeText, type Packet, trace } from '../mod.ts';
import { testNode } from '../testing/node.ts';

const packet: Packet = {
  source: '10.244.1.2',
  sourcePort: 40_000,
  destination: '10.0.1.175',
  destinationPort: 80,
  protocol: 'TCP',
  inInterface: 'pod1',
};

/** Outcomes and their probabilities. */
function outcomes(text: string, changes: Partial<Packet> = {}, memory?: Memory): [string, number][] {
  const { outcomes } = trace(iptablesChains(parseSave(text), 'IPv4'), { ...packet, ...changes }, testNode, memory);
  return outcomes.map((outcome) => [outcomeText(outcome), Number(outcome.probability.toFixed(9))]);
}

const filter = (...rules: string[]) => `*filter\n:FORWARD ACCEPT\n:OTHER -\n${rules.join('\n')}\nCOMMIT\n`;
const nat = (...rules: string[]) =>
  `*nat\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n:OTHER -\n${rules.join('\n')}\nCOMMIT\n`;
const isDropped = (text: string, changes?: Partial<Packet>): boolean =>
  outcomes(text, changes)[0]![0].startsWith('dropped');

/** From the examples: what an old kube-proxy wrote for three endpoints. */
const hostnames = `*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
:KUBE-SERVICES -
:KUBE-SVC-NWV5X2332I4OT4T3 -
:KUBE-SEP-WNBA2IHDGP2BOBGZ -
:KUBE-SEP-X3P2623AGDH6CDF3 -
:KUBE-SEP-57KPRZ3JQVENLNBR -
:KUBE-MARK-MASQ -
:KUBE-POSTROUTING -
-A PREROUTING -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.0.1.175/32 -p tcp -m comment --comment "default/hostnames: cluster IP" -m tcp --dport 80 -j KUBE-SVC-NWV5X2332I4OT4T3
-A KUBE-SVC-NWV5X2332I4OT4T3 -m comment --comment "default/hostnames:" -m statistic --mode random --probability 0.33332999982 -j KUBE-SEP-WNBA2IHDGP2BOBGZ
-A KUBE-SVC-NWV5X2332I4OT4T3 -m comment --comment "default/hostnames:" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-X3P2623AGDH6CDF3
-A KUBE-SVC-NWV5X2332I4OT4T3 -m comment --comment "default/hostnames:" -j KUBE-SEP-57KPRZ3JQVENLNBR
-A KUBE-SEP-57KPRZ3JQVENLNBR -s 10.244.3.6/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-57KPRZ3JQVENLNBR -p tcp -m tcp -j DNAT --to-destination 10.244.3.6:9376
-A KUBE-SEP-WNBA2IHDGP2BOBGZ -s 10.244.1.7/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-WNBA2IHDGP2BOBGZ -p tcp -m tcp -j DNAT --to-destination 10.244.1.7:9376
-A KUBE-SEP-X3P2623AGDH6CDF3 -s 10.244.2.3/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-X3P2623AGDH6CDF3 -p tcp -m tcp -j DNAT --to-destination 10.244.2.3:9376
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
COMMIT
`;

test('Statistic rules one behind the other have the shares that their probabilities leave them', () => {
  // 0.33333 of 2^31 leaves the others a little more than a third.
  assert.deepEqual(outcomes(hostnames), [
    ['10.244.2.3:9376 by eth0', 0.333335],
    ['10.244.3.6:9376 by eth0', 0.333335],
    ['10.244.1.7:9376 by eth0', 0.33333],
  ]);
});

test('An endpoint that reaches itself is marked and masqueraded, and only it', () => {
  const texts = outcomes(hostnames, { source: '10.244.2.3', inInterface: 'eth0' }).map(([text]) => text);
  assert.deepEqual(texts.sort(), [
    '10.244.1.7:9376 by eth0',
    '10.244.2.3:9376 by eth0, masqueraded as 172.30.1.1',
    '10.244.3.6:9376 by eth0',
  ]);
});

for (const [condition, matching, other] of [
  ['-s 10.244.1.0/24', {}, { source: '10.244.2.2' }],
  ['! -s 10.244.1.0/24', { source: '10.244.2.2' }, {}],
  ['-d 10.0.0.0/8', {}, { destination: '192.0.2.1' }],
  ['-i pod+', {}, { inInterface: 'eth0' }],
  ['! -i pod1', { inInterface: 'eth0' }, {}],
  ['-o eth0', {}, { destination: '10.244.1.3' }],
  ['-p tcp -m tcp --dport 80', {}, { destinationPort: 81 }],
  ['-p tcp -m tcp --sport 1000:50000', {}, { sourcePort: 50_001 }],
  ['-p udp', { protocol: 'UDP' }, {}],
  ['-m mark --mark 0x1/0x1', { mark: 3 }, { mark: 2 }],
  ['-m conntrack --ctstate RELATED,ESTABLISHED', { state: 'ESTABLISHED' }, {}],
  ['-m conntrack ! --ctstate NEW', { state: 'INVALID' }, {}],
  ['-m addrtype --dst-type MULTICAST', { destination: '224.0.0.1' }, {}],
  ['-m addrtype --src-type LOCAL', { source: '172.30.1.1' }, {}],
] as const satisfies readonly (readonly [string, Partial<Packet>, Partial<Packet>])[]) {
  test(`The condition ${condition}`, () => {
    const rules = filter(`-A FORWARD ${condition} -j DROP`);
    assert.equal(isDropped(rules, matching), true);
    assert.equal(isDropped(rules, other), false);
  });
}

test('A chain returns to where it was jumped to from, and past it after goto; the policy is last', () => {
  assert.equal(isDropped(filter('-A FORWARD -j OTHER', '-A FORWARD -j DROP', '-A OTHER -j RETURN')), true);
  assert.equal(isDropped(filter('-A FORWARD -g OTHER', '-A FORWARD -j DROP', '-A OTHER -p udp -j DROP')), false);
  assert.equal(isDropped('*filter\n:FORWARD DROP\nCOMMIT\n'), true);
});

test('REJECT with a reset answers TCP alone', () => {
  const rules = filter('-A FORWARD -j REJECT --reject-with tcp-reset');
  assert.equal(outcomes(rules)[0]![0], 'rejected with tcp-reset');
  assert.equal(isDropped(rules, { protocol: 'UDP' }), true);
});

test('REDIRECT goes to loopback, or to the interface that the packet came in by', () => {
  const rules = nat('-A PREROUTING -p tcp -j REDIRECT --to-ports 5', '-A OUTPUT -p tcp -j REDIRECT --to-ports 6');
  assert.equal(outcomes(rules)[0]![0], '169.254.1.1:5 on this node');
  assert.equal(outcomes(rules, { source: '172.30.1.1', inInterface: undefined })[0]![0], '127.0.0.1:6 on this node');
});

test('A client that a recent list remembers goes where it went before', () => {
  const list = (name: string) => `--name ${name} --mask 255.255.255.255 --rsource`;
  const rules = nat(
    `-A PREROUTING -m recent --rcheck --seconds 60 --reap ${list('A')} -j DNAT --to-destination 10.244.1.2:1`,
    '-A PREROUTING -m statistic --mode random --probability 0.5 -j OTHER',
    '-A PREROUTING -p tcp -j DNAT --to-destination 10.244.1.3:2',
    `-A OTHER -p tcp -m recent --set ${list('A')} -j DNAT --to-destination 10.244.1.2:1`,
  );
  assert.deepEqual(outcomes(rules), [
    ['10.244.1.2:1 by pod1', 0.5],
    ['10.244.1.3:2 by pod2', 0.5],
  ]);
  const { memory } = trace(iptablesChains(parseSave(rules), 'IPv4'), packet, testNode).outcomes[0]!;
  assert.deepEqual(outcomes(rules, {}, memory), [['10.244.1.2:1 by pod1', 1]]);
  assert.equal(outcomes(rules, { source: '10.244.1.9' }, memory).length, 2);
});

test('An unknown match or target is said to be one, but only where the packet hangs on it', () => {
  const unknown = outcomes(filter('-A FORWARD -m time --timestart 10:00 -j DROP'));
  assert.deepEqual(unknown, [['cannot be evaluated: filter FORWARD #1: -m time', 1]]);
  assert.equal(outcomes(filter('-A FORWARD -m time --timestart 10:00 -p udp -j DROP'))[0]![0], '10.0.1.175:80 by eth0');
  assert.equal(
    outcomes(filter('-A FORWARD -j TPROXY --on-port 1'))[0]![0],
    'cannot be evaluated: filter FORWARD #1: -j TPROXY',
  );
  assert.equal(outcomes(filter('-A FORWARD -j LOG --log-prefix x'))[0]![0], '10.0.1.175:80 by eth0');
});
