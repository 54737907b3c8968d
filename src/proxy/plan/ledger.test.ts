import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drafts } from '../testing/drafts.ts';
import { Ledger } from './ledger.ts';
import { type PortDraft, type PortPlan, portNameText } from './model.ts';

/** A Service that wants one VIP port. */
function wants(service: string, vip: string, since = '2026-01-01T00:00:00Z'): PortDraft {
  return {
    name: { service, port: '', protocol: 'TCP' },
    family: 'IPv4',
    since,
    frontends: [{ kind: 'cluster-ip', address: vip, port: 80 }],
    internal: { policy: 'Cluster', verdict: 'forward' },
    cluster: { endpoints: [{ address: '10.0.0.1', port: 80, local: false }], leftOut: [] },
  };
}

const owners = (ledger: Ledger): Record<string, string> =>
  Object.fromEntries(
    [...ledger.ports()].map((port) => [
      port.name.service,
      `${port.frontends.map(({ address }) => address)}${port.refused.map(({ address }) => ` (refused ${address})`)}`,
    ]),
  );

test('A port keeps its id until it goes, and no other port ever gets it meanwhile', () => {
  const ledger = new Ledger();
  const idOf = (service: string) => [...ledger.ports()].find(({ name }) => name.service === service)?.cluster?.id;
  ledger.update('default/s1', drafts(1, 1));
  ledger.update('default/s2', drafts(2, 1));
  const first = idOf('default/s1');
  ledger.update('default/s1', drafts(1, 3));
  assert.equal(idOf('default/s1'), first);
  ledger.update('default/s1', []);
  assert.equal(idOf('default/s1'), undefined);
  ledger.update('default/s3', drafts(3, 1));
  assert.equal(new Set([...ledger.ports()].map(({ cluster }) => cluster!.id)).size, 2);
});

test('Of two Services with one frontend the older has it, whichever is heard of first', () => {
  const older = wants('default/older', '10.96.0.1', '2026-01-01T00:00:00Z');
  const younger = wants('default/younger', '10.96.0.1', '2026-02-01T00:00:00Z');
  for (const order of [
    [older, younger],
    [younger, older],
  ]) {
    const ledger = new Ledger();
    for (const draft of order) ledger.update(draft.name.service, [draft]);
    assert.deepEqual(owners(ledger), { 'default/older': '10.96.0.1', 'default/younger': ' (refused 10.96.0.1)' });
  }
});

test('A cluster IP belongs to the Service that the API server gave it to, however old an external IP is', () => {
  const thief = wants('default/thief', '10.96.0.9', '2020-01-01T00:00:00Z');
  const ledger = new Ledger();
  ledger.update('default/thief', [
    { ...thief, frontends: [...thief.frontends, { kind: 'external-ip', address: '10.96.0.1', port: 80 }] },
  ]);
  ledger.update('default/owner', [wants('default/owner', '10.96.0.1')]);
  assert.deepEqual(owners(ledger), { 'default/thief': '10.96.0.9 (refused 10.96.0.1)', 'default/owner': '10.96.0.1' });
});

test('Two Services share an external IP on different ports', () => {
  const ledger = new Ledger();
  for (const port of [80, 443]) {
    const draft = wants(`default/s${port}`, `10.96.1.${port % 256}`);
    const shared = { kind: 'external-ip', address: '192.0.2.1', port } as const;
    ledger.update(draft.name.service, [{ ...draft, frontends: [...draft.frontends, shared] }]);
  }
  assert.ok([...ledger.ports()].every(({ frontends, refused }) => frontends.length === 2 && refused.length === 0));
});

test('Groups come and go with the policy, each with an id of its own', () => {
  const ledger = new Ledger();
  const draft = wants('default/a', '10.96.0.1');
  const group = draft.cluster!;
  const ids = () => [...ledger.ports()].map(({ cluster, local }) => [cluster?.id, local?.id])[0];
  ledger.update('default/a', [draft]);
  assert.deepEqual(ids(), [1, undefined]);
  ledger.update('default/a', [{ ...draft, local: group }]);
  assert.deepEqual(ids(), [1, 2]);
  const { cluster: _, ...onlyLocal } = { ...draft, local: group };
  ledger.update('default/a', [onlyLocal]);
  assert.deepEqual(ids(), [undefined, 2]);
  ledger.update('default/a', [draft]);
  assert.deepEqual(ids(), [3, undefined]);
});

test('A frontend that is given up goes to the next, and both changes come together', () => {
  const ledger = new Ledger();
  ledger.update('default/older', [wants('default/older', '10.96.0.1', '2026-01-01T00:00:00Z')]);
  ledger.update('default/younger', [wants('default/younger', '10.96.0.1', '2026-02-01T00:00:00Z')]);
  const pairs = ledger.update('default/older', []);
  const text = (plan: PortPlan | undefined) => plan && `${portNameText(plan.name)} ${plan.frontends.length}`;
  assert.deepEqual(
    pairs.map(({ before, after }) => [text(before), text(after)]),
    [
      ['default/older:/TCP 1', undefined],
      ['default/younger:/TCP 0', 'default/younger:/TCP 1'],
    ],
  );
});

test('A Service that waits for a frontend and goes leaves no trace', () => {
  const ledger = new Ledger();
  ledger.update('default/older', [wants('default/older', '10.96.0.1', '2026-01-01T00:00:00Z')]);
  ledger.update('default/younger', [wants('default/younger', '10.96.0.1', '2026-02-01T00:00:00Z')]);
  ledger.update('default/younger', []);
  ledger.update('default/older', []);
  ledger.update('default/third', [wants('default/third', '10.96.0.1')]);
  assert.deepEqual(owners(ledger), { 'default/third': '10.96.0.1' });
});

test('A Service that changes its VIP gives the old one back', () => {
  const ledger = new Ledger();
  ledger.update('default/a', [wants('default/a', '10.96.0.1')]);
  ledger.update('default/a', [wants('default/a', '10.96.0.2')]);
  ledger.update('default/b', [wants('default/b', '10.96.0.1')]);
  assert.deepEqual(owners(ledger), { 'default/a': '10.96.0.2', 'default/b': '10.96.0.1' });
});

test('Adoption takes over id and slots by frontend, for one port only, and not from a vandal', () => {
  const endpoints = ['10.0.0.3', '10.0.0.1'].map((address) => ({ address, port: 80, local: false }));
  const ledger = new Ledger();
  ledger.beginAdoption(
    new Map([
      ['10.96.0.1:80/TCP', { cluster: { id: 41, endpoints } }],
      ['10.96.0.2:80/TCP', { cluster: { id: 41, endpoints } }],
      ['10.96.0.3:80/TCP', { cluster: { id: 0xffffffff, endpoints } }],
    ]),
  );
  const three = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, port: 80, local: true }));
  for (const i of [1, 2, 3]) {
    ledger.update(`default/s${i}`, [
      { ...wants(`default/s${i}`, `10.96.0.${i}`), cluster: { endpoints: three, leftOut: [] } },
    ]);
  }
  ledger.endAdoption();
  const [first, second, third] = [...ledger.ports()].map(({ cluster }) => cluster);
  assert.equal(first!.id, 41);
  assert.deepEqual(
    first!.endpoints.map(({ address, local }) => [address, local]),
    [
      ['10.0.0.3', true],
      ['10.0.0.1', true],
      ['10.0.0.2', true],
    ],
  );
  assert.deepEqual([second!.id, third!.id], [42, 43]);
});
