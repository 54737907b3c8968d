import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMemoryStore } from '../../store/mod.ts';
import { mergePatch, serviceBody, startTestServer, type TestServer } from '../test-server.ts';

const services = '/api/v1/namespaces/default/services';
const nodePort = { type: 'NodePort' };

const allocated = async ({ store }: TestServer): Promise<string[]> => {
  const namesBelow = async (prefix: string, kind: string) =>
    (await store.list(prefix)).entries.map(({ key }) => `${kind}/${key.slice(prefix.length)}`);
  return [
    ...(await namesBelow('/registry/networking.k8s.io/ipaddresses/', 'clusterips')),
    ...(await namesBelow('/registry/allocations/nodeports/', 'nodeports')),
  ];
};
const update = (server: TestServer, name: string, spec: object) =>
  server.ok('PATCH', `${services}/${name}`, { spec }, mergePatch);

describe('Service addresses and node ports', () => {
  test('200 concurrent creates get 200 addresses and 200 ports', async (t) => {
    const server = await startTestServer(t);
    const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
    const created = await Promise.all(names.map((name) => server.ok('POST', services, serviceBody(name, nodePort))));
    assert.equal(new Set(created.map(({ spec }) => spec.clusterIP)).size, 200);
    assert.equal(new Set(created.map(({ spec }) => spec.ports[0].nodePort)).size, 200);
    for (const { spec } of created) {
      assert.match(spec.clusterIP, /^10\.96\./);
      assert(spec.ports[0].nodePort >= 30_000 && spec.ports[0].nodePort <= 32_767);
    }
    assert.equal((await allocated(server)).length, 401);
  });

  test('two servers over one store never give the same thing twice', async (t) => {
    const store = createMemoryStore();
    // Both look for candidates from the same start, so that every choice is a race.
    const options = { store, random: () => 0, serviceCidr: '10.96.0.0/24' };
    const one = await startTestServer(t, options);
    const two = await startTestServer(t, options);
    const created = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        (index % 2 ? one : two).ok('POST', services, serviceBody(`s${index}`, nodePort)),
      ),
    );
    assert.equal(new Set(created.map(({ spec }) => spec.clusterIP)).size, 60);
    assert.equal(new Set(created.map(({ spec }) => spec.ports[0].nodePort)).size, 60);
  });

  test('a full range refuses, and what is given back is used again', async (t) => {
    const server = await startTestServer(t, { serviceCidr: '10.96.0.0/29' });
    for (let index = 0; index < 5; index++) await server.ok('POST', services, serviceBody(`s${index}`));
    assert.match(await server.refused(500, 'POST', services, serviceBody('more')), /range is full/);
    const { spec } = await server.ok('GET', `${services}/s2`);
    await server.ok('DELETE', `${services}/s2`);
    assert.equal((await server.ok('POST', services, serviceBody('more'))).spec.clusterIP, spec.clusterIP);
  });

  test('a create that finds no node port holds no address either', async (t) => {
    const server = await startTestServer(t, { serviceCidr: '10.96.0.0/29', nodePortRange: '30000-30001' });
    const twoPorts = { ...nodePort, ports: [80, 81].map((port) => ({ name: `p${port}`, port })) };
    await server.ok('POST', services, serviceBody('s', nodePort));
    for (let attempt = 0; attempt < 10; attempt++)
      assert.match(
        await server.refused(500, 'POST', services, serviceBody('more', twoPorts)),
        /nodePort: range is full/,
      );
    await server.ok('POST', services, serviceBody('s2', nodePort));
    for (let index = 0; index < 3; index++) await server.ok('POST', services, serviceBody(`c${index}`));
  });

  test('what a writer chooses must be free and in the range', async (t) => {
    const server = await startTestServer(t);
    const refused = (spec: object) => server.refused(422, 'POST', services, serviceBody('b', spec));
    const port = (number: number) => ({ ...nodePort, ports: [{ port: 80, nodePort: number }] });
    await server.ok('POST', services, serviceBody('a', { clusterIP: '10.96.0.77', ...port(30_080) }));
    assert.equal(
      await refused({ clusterIP: '10.96.0.77' }),
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.77"]: failed to allocate IP 10.96.0.77: provided IP is already allocated',
    );
    assert.match(
      await refused({ clusterIP: '10.97.0.1' }),
      /not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/16/,
    );
    for (const edge of ['10.96.0.0', '10.96.255.255'])
      assert.match(await refused({ clusterIP: edge }), /not in the valid range/);
    assert.equal(
      await refused(port(30_080)),
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    );
    assert.match(await refused(port(29_999)), /The range of valid ports is 30000-32767/);
    assert.match(await refused({ ipFamilies: ['IPv6'] }), /spec\.ipFamilies\[0\]: Invalid value: "IPv6"/);
    const before = await allocated(server);
    await server.refused(422, 'POST', services, serviceBody('c', { clusterIP: '10.96.0.78', ...port(30_080) }));
    assert.deepEqual(await allocated(server), before, 'a refused Service holds nothing');
    await server.ok('POST', services, serviceBody('c', { clusterIP: '10.96.0.78' }));
  });

  test('of two that insist on one address, one gets it and the other is told', async (t) => {
    const server = await startTestServer(t);
    const wanted = { clusterIP: '10.96.0.99' };
    const answers = await Promise.all(
      ['a', 'b'].map((name) => server.call('POST', services, serviceBody(name, wanted))),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 422]);
    assert.match(answers.find(({ status }) => status === 422)!.body.message, /provided IP is already allocated/);
  });

  test('the type decides what is held; the address stays', async (t) => {
    const server = await startTestServer(t);
    const { spec } = await server.ok('POST', services, serviceBody('a'));
    const open = await update(server, 'a', { type: 'NodePort' });
    const port = open.spec.ports[0].nodePort;
    assert(port >= 30_000);
    assert((await allocated(server)).includes(`nodeports/tcp/${port}`));
    const closed = await update(server, 'a', { type: 'ClusterIP' });
    assert.deepEqual([closed.spec.clusterIP, closed.spec.ports[0].nodePort], [spec.clusterIP, undefined]);
    assert.equal(
      (await allocated(server)).some((key) => key.startsWith('nodeports/')),
      false,
    );
    const external = await update(server, 'a', { type: 'ExternalName', externalName: 'example.com' });
    assert.equal(external.spec.clusterIP, undefined);
    assert.equal((await allocated(server)).includes(`clusterips/${spec.clusterIP}`), false);
    const back = await update(server, 'a', { type: 'ClusterIP', externalName: null });
    assert((await allocated(server)).includes(`clusterips/${back.spec.clusterIP}`));
  });

  test('a writer who knows nothing of what was allocated keeps it', async (t) => {
    const server = await startTestServer(t);
    const first = await server.ok('POST', services, serviceBody('a', nodePort));
    const more = {
      ...nodePort,
      ports: [
        { name: 'old', port: 80 },
        { name: 'new', port: 81 },
      ],
    };
    const { spec } = await server.ok('PUT', `${services}/a`, serviceBody('a', more));
    assert.equal(spec.clusterIP, first.spec.clusterIP);
    assert.deepEqual(spec.clusterIPs, [first.spec.clusterIP]);
    assert.equal(spec.ports[0].nodePort, first.spec.ports[0].nodePort);
    assert.notEqual(spec.ports[1].nodePort, spec.ports[0].nodePort);
    const other = { spec: { clusterIP: '10.96.1.1' } };
    assert.match(await server.refused(422, 'PATCH', `${services}/a`, other, mergePatch), /may not change once set/);
  });

  test('a changed node port is taken and the old one given back in one step', async (t) => {
    const server = await startTestServer(t);
    await server.ok('POST', services, serviceBody('a', { ...nodePort, ports: [{ port: 80, nodePort: 30_001 }] }));
    await update(server, 'a', { ports: [{ port: 80, nodePort: 30_002 }] });
    assert.deepEqual(
      (await allocated(server)).filter((key) => key.startsWith('nodeports/')),
      ['nodeports/tcp/30002'],
    );
    await server.ok('POST', services, serviceBody('b', { ...nodePort, ports: [{ port: 80, nodePort: 30_001 }] }));
    const taken = { spec: { ports: [{ port: 80, nodePort: 30_001 }] } };
    await server.refused(422, 'PATCH', `${services}/a`, taken, mergePatch);
  });

  test('headless and ExternalName Services hold nothing', async (t) => {
    const server = await startTestServer(t);
    const before = await allocated(server);
    const headless = await server.ok('POST', services, serviceBody('a', { clusterIP: 'None' }));
    assert.deepEqual([headless.spec.clusterIP, headless.spec.clusterIPs], ['None', ['None']]);
    await server.ok('POST', services, {
      metadata: { name: 'b' },
      spec: { type: 'ExternalName', externalName: 'x.io' },
    });
    assert.deepEqual(await allocated(server), before);
  });

  test('TCP and UDP of one port share a node port, a local load balancer gets one for health checks', async (t) => {
    const server = await startTestServer(t);
    const ports = [
      { name: 'udp', port: 53, protocol: 'UDP' },
      { name: 'tcp', port: 53, protocol: 'TCP' },
    ];
    const dns = await server.ok('POST', services, serviceBody('dns', { ...nodePort, ports }));
    assert.equal(dns.spec.ports[0].nodePort, dns.spec.ports[1].nodePort);
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
    const balancer = await server.ok('POST', services, serviceBody('lb', local));
    assert((await allocated(server)).includes(`nodeports/tcp/${balancer.spec.healthCheckNodePort}`));
    await server.ok('DELETE', `${services}/lb`);
    await server.ok('DELETE', `${services}/dns`);
    assert.equal(
      (await allocated(server)).some((key) => key.startsWith('nodeports/')),
      false,
    );
  });

  test('the kubernetes Service has the first address and comes back at a restart', async (t) => {
    const store = createMemoryStore();
    const first = await startTestServer(t, { store });
    assert.equal((await first.ok('GET', `${services}/kubernetes`)).spec.clusterIP, '10.96.0.1');
    await first.ok('DELETE', `${services}/kubernetes`);
    await first.server.stop();
    const second = await startTestServer(t, { store, advertiseAddress: '192.0.2.2' });
    assert.equal((await second.ok('GET', `${services}/kubernetes`)).spec.clusterIP, '10.96.0.1');
    const { subsets } = await second.ok('GET', '/api/v1/namespaces/default/endpoints/kubernetes');
    assert.deepEqual(subsets[0].addresses, [{ ip: '192.0.2.2' }]);
    const slice = await second.ok('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
    assert.deepEqual(slice.endpoints[0].addresses, ['192.0.2.2']);
  });
});
