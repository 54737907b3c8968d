import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Element, Expression, SetDefinition } from '../../wire/nftables/mod.ts';
import { type NftTable, nftablesChains, outcomeText, type Packet, trace } from '../mod.ts';
import { testNode } from '../testing/node.ts';

const packet: Packet = {
  source: '10.244.1.2',
  sourcePort: 40_000,
  destination: '10.96.0.1',
  destinationPort: 80,
  protocol: 'TCP',
  inInterface: 'pod1',
};

type Rules = readonly (readonly Expression[])[];
type Base = NonNullable<NftTable['chains'][number]['chain']['base']>;

function table(base: Base, rules: Rules, others: Record<string, Rules> = {}, sets: NftTable['sets'] = []): NftTable {
  const chains = [
    { chain: { name: 'base', base }, rules },
    ...Object.entries(others).map(([name, own]) => ({ chain: { name }, rules: own })),
  ];
  return { family: 'IPv4', name: 't', chains, sets };
}

const forward: Base = { type: 'filter', hook: 'forward', priority: 0 };
const prerouting: Base = { type: 'nat', hook: 'prerouting', priority: -100 };

const outcomesOf = (tables: NftTable, changes: Partial<Packet> = {}): readonly [string, number][] =>
  trace(nftablesChains(tables), { ...packet, ...changes }, testNode).outcomes.map((outcome) => [
    outcomeText(outcome),
    Number(outcome.probability.toFixed(9)),
  ]);

const only = (tables: NftTable, changes?: Partial<Packet>): string => outcomesOf(tables, changes)[0]![0];

const drop: Expression = { kind: 'verdict', verdict: { kind: 'drop' } };
const to = (kind: 'jump' | 'goto', chain: string): Expression => ({ kind: 'verdict', verdict: { kind, chain } });
const compare = (value: string, operator: '==' | '!=' | '<' | '>=' = '=='): Expression => ({
  kind: 'compare',
  source: 8,
  operator,
  value,
});
const passes = '10.96.0.1:80 by eth0';
const dropped = 'dropped by ip t base';

for (const [title, load, value] of [
  ['the source address', { kind: 'payload', base: 'network', offset: 12, length: 4, register: 8 }, '0af40102'],
  ['the destination address', { kind: 'payload', base: 'network', offset: 16, length: 4, register: 8 }, '0a600001'],
  ['both ports', { kind: 'payload', base: 'transport', offset: 0, length: 4, register: 8 }, '9c400050'],
  ['the protocol, padded', { kind: 'meta', key: 'l4proto', register: 8 }, '06000000'],
  ['the mark, in the machine’s order', { kind: 'meta', key: 'mark', register: 8 }, '01020000'],
  ['the interface’s number', { kind: 'meta', key: 'iif', register: 8 }, '03000000'],
  ['the interface’s name', { kind: 'meta', key: 'iifname', register: 8 }, '706f6431000000000000000000000000'],
  ['the other interface’s name', { kind: 'meta', key: 'oifname', register: 8 }, '65746830000000000000000000000000'],
  ['the state', { kind: 'conntrack', key: 'state', register: 8 }, '08000000'],
  ['the type of the destination', { kind: 'fib-daddr-type', register: 8 }, '01000000'],
  ['the type of the source', { kind: 'fib-saddr-type', register: 8 }, '01000000'],
  ['a constant', { kind: 'immediate', register: 8, value: 'c0ffee00' }, 'c0ffee00'],
] as const satisfies readonly (readonly [string, Expression, string])[]) {
  test(`Registers hold ${title}`, () => {
    assert.equal(only(table(forward, [[load, compare(value), drop]]), { mark: 0x201 }), dropped);
    assert.equal(only(table(forward, [[load, compare(value, '!='), drop]]), { mark: 0x201 }), passes);
  });
}

test('Bytes are compared from the left, and masked and turned one by one', () => {
  const address: Expression = { kind: 'payload', base: 'network', offset: 16, length: 4, register: 8 };
  assert.equal(only(table(forward, [[address, compare('0a600002', '<'), drop]])), dropped);
  assert.equal(only(table(forward, [[address, compare('0a600001', '<'), drop]])), passes);
  assert.equal(only(table(forward, [[address, compare('0a600001', '>='), drop]])), dropped);
  const masked: Expression = { kind: 'bitwise', source: 8, register: 8, mask: 'ffff0000', xor: '00000001' };
  assert.equal(only(table(forward, [[address, masked, compare('0a600001'), drop]])), dropped);
});

test('A mark that one chain sets is there for the next', () => {
  const mark: Expression[] = [
    { kind: 'immediate', register: 8, value: '00400000' },
    { kind: 'meta-set', key: 'mark', source: 8 },
  ];
  const [outcome] = trace(nftablesChains(table(forward, [mark])), packet, testNode).outcomes;
  assert.equal(outcome!.mark, 0x4000);
});

test('Chains are jumped to and returned from, or gone to; the policy is last', () => {
  const back = { other: [[{ kind: 'verdict', verdict: { kind: 'return' } }]] } as const;
  assert.equal(only(table(forward, [[to('jump', 'other')], [drop]], back)), dropped);
  assert.equal(only(table(forward, [[to('goto', 'other')], [drop]], back)), passes);
  assert.equal(only(table({ ...forward, policy: 'drop' }, [])), dropped);
  assert.equal(
    only(table(forward, [[to('jump', 'gone')]])),
    'cannot be evaluated: there is no chain gone in table ip t',
  );
});

const key: Expression = { kind: 'payload', base: 'network', offset: 12, length: 4, register: 8 };
const client = Buffer.from('0af40102', 'hex');

function set(elements: readonly Element[], more: Partial<SetDefinition> = {}) {
  return { definition: { name: 's', keyType: 7, keyLength: 4, ...more }, elements };
}

test('A set is looked into, a map loads what it has, a verdict map goes there', () => {
  const isIn: Expression = { kind: 'lookup', set: 's', source: 8 };
  const holds = [set([{ key: client }])];
  assert.equal(only(table(forward, [[key, isIn, drop]], {}, holds)), dropped);
  assert.equal(only(table(forward, [[key, isIn, drop]], {}, [set([])])), passes);
  assert.equal(only(table(forward, [[key, { ...isIn, inverted: true }, drop]], {}, holds)), passes);
  const map = [set([{ key: client, data: Buffer.from('c0ffee00', 'hex') }], { data: { type: 19, length: 4 } })];
  const loads: Expression = { ...isIn, register: 8 };
  assert.equal(only(table(forward, [[key, loads, compare('c0ffee00'), drop]], {}, map)), dropped);
  const verdicts = [set([{ key: client, data: { kind: 'goto', chain: 'other' } }], { data: 'verdict' })];
  const goes: Expression = { ...isIn, register: 'verdict' };
  assert.equal(only(table(forward, [[key, goes]], { other: [[drop]] }, verdicts)), dropped);
});

test('A set of ranges, an unknown expression and unknown bytes are not guessed at; statements without effect are passed', () => {
  const ranges = [{ ...set([{ key: client }]), holdsRanges: true }];
  const isIn: Expression = { kind: 'lookup', set: 's', source: 8 };
  assert.equal(
    only(table(forward, [[key, isIn, drop]], {}, ranges)),
    'cannot be evaluated: ip t base #1: set ip t s holds ranges',
  );
  assert.equal(
    only(table(forward, [[], [{ kind: 'foreign', name: 'limit' }, drop]])),
    'cannot be evaluated: ip t base #2: foreign limit',
  );
  const flags: Expression = { kind: 'payload', base: 'transport', offset: 13, length: 1, register: 8 };
  assert.match(only(table(forward, [[flags, drop]])), /bytes 13 to 13 of the transport header$/);
  assert.equal(only(table(forward, [[{ kind: 'foreign', name: 'counter' }, drop]])), dropped);
  // A rule that ends before the unknown does not hang on it.
  assert.equal(only(table(forward, [[key, compare('00000000'), { kind: 'foreign', name: 'limit' }, drop]])), passes);
});

const redirectTo = (address: string, port: string): Expression[] => [
  { kind: 'immediate', register: 16, value: address },
  { kind: 'immediate', register: 17, value: port },
  { kind: 'dnat', family: 2, address: 16, port: 17 },
];

test('A random number takes each value with the same probability', () => {
  const random: Expression = { kind: 'random', modulus: 3, offset: 5, register: 8 };
  const rules = [
    [random, compare('05000000'), ...redirectTo('0af40102', '0001')],
    [random, compare('06000000'), ...redirectTo('0af40103', '0002')],
  ];
  // The second rule draws anew, with the two thirds that are left: 2/3 of a third is 2/9.
  assert.deepEqual(outcomesOf(table(prerouting, rules)), [
    [passes, 0.444444444],
    ['10.244.1.2:1 by pod1', 0.333333333],
    ['10.244.1.3:2 by pod2', 0.222222222],
  ]);
});

test('A dynamic set remembers a packet for the next one, until it is taken out', () => {
  const isIn: Expression = { kind: 'lookup', set: 's', source: 8 };
  const add: Expression = { kind: 'dynamic', operation: 'update', set: 's', source: 8, timeoutMs: 1000 };
  const remove: Expression = { ...add, operation: 'delete' };
  const sets = [set([], { dynamic: { size: 10 } })];
  const chains = nftablesChains(
    table(
      prerouting,
      [
        [key, isIn, remove, ...redirectTo('0af40103', '0001')],
        [key, add],
      ],
      {},
      sets,
    ),
  );
  const first = trace(chains, packet, testNode).outcomes[0]!;
  assert.equal(outcomeText(first), passes);
  const second = trace(chains, packet, testNode, first.memory).outcomes[0]!;
  assert.equal(outcomeText(second), '10.244.1.3:1 by pod2');
  assert.equal(outcomeText(trace(chains, packet, testNode, second.memory).outcomes[0]!), passes);
  assert.equal(
    outcomeText(trace(chains, { ...packet, source: '10.244.1.9' }, testNode, first.memory).outcomes[0]!),
    passes,
  );
});

test('REJECT and masquerade are said in iptables’ words; a table sees its own family only', () => {
  const reject = (code: number): Expression => ({ kind: 'reject', with: 'icmp', code });
  assert.equal(only(table(forward, [[reject(3)]])), 'rejected with icmp-port-unreachable');
  assert.equal(only(table(forward, [[reject(13)]])), 'rejected with icmp-admin-prohibited');
  const reset: Expression = { kind: 'reject', with: 'tcp-reset' };
  assert.equal(only(table(forward, [[reset]])), 'rejected with tcp-reset');
  assert.equal(only(table(forward, [[reset]]), { protocol: 'UDP' }), dropped);
  assert.equal(only({ ...table(forward, [[drop]]), family: 'IPv6' }), passes);
  const postrouting: Base = { type: 'nat', hook: 'postrouting', priority: 100 };
  const masquerade = table(postrouting, [[{ kind: 'masquerade', flags: 0x10 }]]);
  const [outcome] = trace(nftablesChains(masquerade), packet, testNode).outcomes;
  assert.deepEqual(outcome!.masquerade, { source: '172.30.1.1', randomFully: true });
});
