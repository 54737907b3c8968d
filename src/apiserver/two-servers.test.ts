import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/log.ts';
import { openEtcdStore } from '../store/mod.ts';
import { EtcdCluster, withoutEtcd } from '../store/testing/etcd-cluster.ts';
import { serviceBody, startTestServer, type TestServer } from './test-server.ts';

const services = '/api/v1/namespaces/default/services';

test('Three API servers on one etcd give out no address and no node port twice', { skip: withoutEtcd }, async (t) => {
  const cluster = await EtcdCluster.start();
  t.after(() => cluster.stop());
  const servers: TestServer[] = [];
  // All choose alike, from ranges that are used up: whoever relies on its own memory alone gives some out twice.
  const options = { serviceCidr: '10.96.0.0/26', nodePortRange: '30000-30063', random: () => 0 };
  for (let i = 0; i < 3; i++) {
    const store = await openEtcdStore({ endpoints: cluster.endpoints, clock: systemClock, log: silentLogger });
    servers.push(await startTestServer(t, { ...options, store }));
  }
  const create = (i: number) =>
    servers[i % 3]!.call('POST', services, serviceBody(`s${i}`, { type: 'NodePort', ports: [{ port: 80 }] }));
  const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => create(i)));
  const made = answers.filter(({ status }) => status === 201);
  // 62 addresses, of which the kubernetes Service has one.
  assert.equal(made.length, 61);
  for (const { status, body } of answers) if (status !== 201) assert.match(body.message, /range is full/);
  assert.equal(new Set(made.map(({ body }) => body.spec.clusterIP)).size, made.length);
  assert.equal(new Set(made.map(({ body }) => body.spec.ports[0].nodePort)).size, made.length);

  const name = made[0]!.body.metadata.name;
  await servers[0]!.ok('DELETE', `${services}/${name}`);
  for (const server of servers) {
    assert.equal((await server.call('GET', `${services}/${name}`)).status, 404, 'a GET sees what another server did');
    assert.equal((await server.ok('GET', services)).items.length, 61);
  }
  const again = await servers[2]!.ok('POST', services, serviceBody('again', { type: 'NodePort' }));
  assert.equal(again.spec.clusterIP, made[0]!.body.spec.clusterIP, 'what was given back is given out again');
});

test('An API server whose etcd has gone says so, and goes on when it is back', { skip: withoutEtcd }, async (t) => {
  const cluster = await EtcdCluster.start();
  t.after(() => cluster.stop());
  const store = await openEtcdStore({ endpoints: cluster.endpoints, clock: systemClock, log: silentLogger });
  const server = await startTestServer(t, { store });
  await server.ok('POST', services, serviceBody('a'));
  await cluster.signal(0, 'SIGKILL');
  assert.equal(await server.refused(503, 'GET', services), 'the store is not available');
  cluster.startMember(0);
  await cluster.isHealthy();
  await server.ok('POST', services, serviceBody('b'));
  assert.equal((await server.ok('GET', services)).items.length, 3);
});
