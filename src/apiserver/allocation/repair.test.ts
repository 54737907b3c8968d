import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceBody, startTestServer, type TestServer } from '../test-server.ts';

const services = '/api/v1/namespaces/default/services';
const addresses = '/apis/networking.k8s.io/v1/ipaddresses';
const cidrs = '/apis/networking.k8s.io/v1/servicecidrs';
const ports = '/registry/allocations/nodeports/';

const names = async (server: TestServer): Promise<string[]> =>
  (await server.ok('GET', addresses)).items.map((item: { metadata: { name: string } }) => item.metadata.name);

test('an address is an object that says whose it is', async (t) => {
  const server = await startTestServer(t, { serviceCidr: '10.96.0.0/16,fd00:10:96::/112' });
  const { spec } = await server.ok('POST', services, serviceBody('a', { ipFamilyPolicy: 'PreferDualStack' }));
  for (const [index, family] of ['IPv4', 'IPv6'].entries()) {
    const address = await server.ok('GET', `${addresses}/${encodeURIComponent(spec.clusterIPs[index])}`);
    assert.deepEqual(address.spec, { parentRef: { group: '', resource: 'services', namespace: 'default', name: 'a' } });
    assert.deepEqual(address.metadata.labels, {
      'ipaddress.kubernetes.io/ip-family': family,
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    });
    assert.match(address.metadata.uid, /-/);
  }
  assert.deepEqual((await names(server)).sort(), [...spec.clusterIPs, '10.96.0.1'].sort());
  await server.ok('DELETE', `${services}/a`);
  assert.deepEqual(await names(server), ['10.96.0.1']);
});

test('what has come apart is mended: an address that was deleted, one that nobody has, and ports alike', async (t) => {
  const server = await startTestServer(t);
  const { spec } = await server.ok('POST', services, serviceBody('a', { type: 'NodePort' }));
  const port = `${ports}tcp/${spec.ports[0].nodePort}`;
  await server.ok('DELETE', `${addresses}/${spec.clusterIP}`);
  const { value } = await server.store.get(port);
  const parentRef = { group: '', resource: 'services', namespace: 'default', name: 'gone' };
  const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' };
  await server.ok('POST', addresses, { metadata: { name: '10.96.9.9', labels }, spec: { parentRef } });
  await server.ok('POST', addresses, { metadata: { name: '192.0.2.9' }, spec: { parentRef } });
  await server.store.commit([
    { type: 'delete', key: port, expected: value!.modRevision },
    { type: 'create', key: `${ports}tcp/31999`, value: '{}' },
  ]);
  await server.clock.advance(180_000);
  assert.deepEqual(
    (await names(server)).sort(),
    ['10.96.0.1', '192.0.2.9', spec.clusterIP].sort(),
    "but not what is another's",
  );
  const kept = (await server.store.list(ports)).entries.map(({ key }) => key);
  assert.deepEqual(kept, [port]);
  const before = server.store.revision;
  await server.clock.advance(180_000);
  assert.equal(server.store.revision, before, 'what is well is left alone');
});

test('a store of an earlier release gets its addresses at the start', async (t) => {
  const first = await startTestServer(t);
  const { spec } = await first.ok('POST', services, serviceBody('a'));
  await first.ok('DELETE', `${addresses}/${spec.clusterIP}`);
  await first.server.stop();
  const second = await startTestServer(t, { store: first.store });
  const taken = serviceBody('b', { clusterIP: spec.clusterIP });
  assert.match(await second.refused(422, 'POST', services, taken), /provided IP is already allocated/);
});

test('further ranges come by objects, once they are ready, and go', async (t) => {
  const server = await startTestServer(t, { serviceCidr: '10.96.0.0/29' });
  assert.deepEqual((await server.ok('GET', `${cidrs}/kubernetes`)).spec.cidrs, ['10.96.0.0/29']);
  for (let n = 0; n < 5; n++) await server.ok('POST', services, serviceBody(`s${n}`));
  await server.refused(500, 'POST', services, serviceBody('more'));
  await server.ok('POST', cidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/24'] } });
  await server.refused(500, 'POST', services, serviceBody('more'));
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const patch = { status: { conditions: [condition] } };
  await server.ok('PATCH', `${cidrs}/more/status`, patch, { 'content-type': 'application/merge-patch+json' });
  const made = await server.ok('POST', services, serviceBody('more'));
  assert.match(made.spec.clusterIP, /^10\.97\.0\./);
  await server.ok('DELETE', `${cidrs}/more`);
  await server.refused(500, 'POST', services, serviceBody('evenmore'));
});
