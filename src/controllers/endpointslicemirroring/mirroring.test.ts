import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointSlice, Endpoints, Service } from '../../kube/mod.ts';
import { TestCluster } from '../testing/cluster.ts';
import { metaOf } from '../testing/objects.ts';
import { maxAddresses, planMirror } from './plan.ts';

const made = (subsets: Endpoints['subsets'], more: Partial<Endpoints['metadata']> = {}): Endpoints => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: metaOf('db', more),
  ...(subsets && { subsets }),
});

test('a slice for each set of ports and each family, with what the addresses say', () => {
  const subsets = [
    {
      addresses: [{ ip: '192.0.2.1', hostname: 'one', nodeName: 'n' }, { ip: 'fd00::1' }],
      notReadyAddresses: [{ ip: '192.0.2.2' }],
      ports: [{ port: 5432 }],
    },
    { addresses: [{ ip: '192.0.2.1' }], ports: [{ name: 'm', port: 9100, protocol: 'TCP', appProtocol: 'http' }] },
  ];
  const annotations = { keep: 'it', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  const { writes } = planMirror(made(subsets, { labels: { team: 'a' }, annotations }), []);
  const found = writes.create.map(({ addressType, ports, endpoints }) => ({
    addressType,
    ports: ports.map(({ port }) => port),
    endpoints: endpoints.map(({ addresses: [ip], conditions }) => `${ip}${conditions?.ready ? '' : ' not ready'}`),
  }));
  assert.deepEqual(found, [
    { addressType: 'IPv4', ports: [5432], endpoints: ['192.0.2.1', '192.0.2.2 not ready'] },
    { addressType: 'IPv4', ports: [9100], endpoints: ['192.0.2.1'] },
    { addressType: 'IPv6', ports: [5432], endpoints: ['fd00::1'] },
  ]);
  const [first] = writes.create;
  assert.deepEqual(first!.endpoints[0], {
    addresses: ['192.0.2.1'],
    conditions: { ready: true },
    hostname: 'one',
    nodeName: 'n',
  });
  assert.deepEqual(first!.metadata.labels, {
    team: 'a',
    'kubernetes.io/service-name': 'db',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  assert.deepEqual(first!.metadata.annotations, { keep: 'it' });
});

test('what is no address, and what is too much, is left out and counted', () => {
  const many = Array.from({ length: maxAddresses + 5 }, (_, n) => ({ ip: `10.0.${n >> 8}.${n & 255}` }));
  const plan = planMirror(made([{ addresses: [{ ip: 'x' }, ...many], ports: [{ port: 1 }] }]), []);
  assert.deepEqual([plan.invalid, plan.excess, plan.writes.create[0]!.endpoints.length], [1, 5, maxAddresses]);
});

test('Endpoints made by hand are followed, whatever becomes of them and of their Service', async (t) => {
  const cluster = await TestCluster.start();
  t.after(() => cluster.stop());
  await cluster.startControllers();
  const { client } = cluster;
  const at = { name: 'db', namespace: 'default' };
  const slices = async () => {
    const all = (await cluster.list(EndpointSlice)).filter(({ metadata }) => metadata.name.startsWith('db-'));
    return all.map(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses).join()).sort();
  };
  const become = (what: string, expected: string[]) =>
    cluster.until(what, async () => assert.deepEqual(await slices(), expected));

  await client.create(Endpoints, {
    metadata: at,
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 1 }] }],
  });
  await cluster.quiet();
  assert.deepEqual(await slices(), [], 'there is no Service yet');
  await client.create(Service, { metadata: at, spec: { ports: [{ port: 1 }] } });
  await become('mirrored', ['192.0.2.1']);

  const now = await client.get(Endpoints, 'db', at);
  await client.update(Endpoints, { ...now, subsets: [{ addresses: [{ ip: '192.0.2.2' }], ports: [{ port: 1 }] }] });
  await become('followed', ['192.0.2.2']);
  assert.equal((await cluster.quiet()).length > 0, true);
  await client.patch(Endpoints, 'db', { type: 'merge', body: { metadata: { annotations: { a: 'b' } } } }, at);
  const writes = (await cluster.quiet()).filter((line) => line.includes('endpointslices'));
  assert.equal(writes.length, 1, 'one write for one change');

  const [slice] = (await cluster.list(EndpointSlice)).filter(({ metadata }) => metadata.name.startsWith('db-'));
  await client.delete(EndpointSlice, slice!.metadata.name, at);
  await become('mended', ['192.0.2.2']);

  await client.patch(
    Endpoints,
    'db',
    { type: 'merge', body: { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } } },
    at,
  );
  await become('not wanted', []);
  await client.patch(Endpoints, 'db', { type: 'merge', body: { metadata: { labels: null } } }, at);
  await become('wanted again', ['192.0.2.2']);
  await client.delete(Endpoints, 'db', at);
  await become('gone with its source', []);
});
