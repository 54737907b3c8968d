import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createMemoryStore } from '../store/mod.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const slice = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes';

async function start(t: TestContext, count: number) {
  const store = createMemoryStore();
  const servers: TestServer[] = [];
  for (let n = 1; n <= count; n++)
    servers.push(await startTestServer(t, { store, hasPeers: true, advertiseAddress: `192.0.2.${n}` }));
  const led = async () => {
    const { endpoints } = await servers[0]!.ok('GET', slice);
    const { subsets = [] } = await servers[0]!.ok('GET', '/api/v1/namespaces/default/endpoints/kubernetes');
    const addresses = endpoints.map((endpoint: { addresses: string[] }) => endpoint.addresses[0]);
    assert.deepEqual(addresses, subsets[0]?.addresses.map(({ ip }: { ip: string }) => ip) ?? []);
    return addresses.map((address: string) => Number(address.split('.')[3]));
  };
  /** Time passes for those servers only: the others have stopped short. */
  const pass = async (ms: number, ...living: number[]) => {
    for (let left = ms; left > 0; left -= 1000) for (const n of living) await servers[n - 1]!.clock.advance(1000);
  };
  return { store, servers, led, pass };
}

test('the kubernetes Service leads to all servers that live', async (t) => {
  const { servers, led, pass } = await start(t, 3);
  assert.deepEqual(await led(), [1, 2, 3]);
  await servers[2]!.server.stop();
  assert.deepEqual(await led(), [1, 2], 'one that ends in order takes itself out');
  assert.deepEqual((await servers[0]!.ok('GET', leases)).items.length, 2);
  await pass(14_000, 1);
  assert.deepEqual(await led(), [1, 2]);
  await pass(6000, 1);
  assert.deepEqual(await led(), [1], 'one that is silent is taken out after 15 s');
  await pass(6000, 2);
  assert.deepEqual(await led(), [1, 2], 'it comes back with its next renewal');
});

test('a clock that jumps takes nobody out', async (t) => {
  const { servers, led, pass } = await start(t, 2);
  servers[0]!.clock.jump(86_400_000);
  await pass(30_000, 1, 2);
  assert.deepEqual(await led(), [1, 2]);
  servers[0]!.clock.jump(-3 * 86_400_000);
  await pass(30_000, 1, 2);
  assert.deepEqual(await led(), [1, 2]);
});

test('who leads nowhere new writes its Lease and nothing else', async (t) => {
  const { store, servers, pass } = await start(t, 2);
  const before = store.revision;
  await pass(30_000, 1, 2);
  assert.equal(store.revision - before, 12, 'six renewals of each');
  await servers[0]!.ok('DELETE', slice);
  await pass(5000, 1, 2);
  await servers[0]!.ok('GET', slice);
});
