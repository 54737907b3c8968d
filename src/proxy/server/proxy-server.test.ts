import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { OperatingError, UsageError } from '../../base/errors.ts';
import { createLogger } from '../../base/log.ts';
import { createClient, http2Exchange } from '../../client/mod.ts';
import { createFakeKernel } from '../../kernel/mod.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { applyConfigDefaults } from '../config/defaults.ts';
import { type ProxyMode, proxyModes } from '../config/mod.ts';
import { service, slice } from '../testing/objects.ts';
import { ScriptedApi } from '../testing/scripted-api.ts';
import { Witness } from '../testing/witness.ts';
import type { Dataplanes } from './dataplanes.ts';
import { ProxyServer, type ProxyServerOptions } from './proxy-server.ts';

const config = (more: Partial<KubeProxyConfiguration> = {}): KubeProxyConfiguration => ({
  ...applyConfigDefaults({ mode: 'nftables', hostnameOverride: 'node1' }),
  healthzBindAddress: '',
  metricsBindAddress: '',
  ...more,
});

interface SetUpOptions extends Partial<ProxyServerOptions> {
  /** Throws for configurations with which nobody can connect. */
  readonly check?: (config: KubeProxyConfiguration) => void;
}

/** One Service with two endpoints, a server that tells of them, and a proxy that writes them to witnesses, one a mode. */
async function setUp(t: TestContext, { check, ...more }: SetUpOptions = {}) {
  const api = new ScriptedApi();
  await api.start();
  api.put('services', service('web', '10.96.0.1'));
  api.put('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2']));
  const witnesses = Object.fromEntries(proxyModes.map((mode) => [mode, new Witness()])) as Record<ProxyMode, Witness>;
  const dataplanes = Object.fromEntries(
    proxyModes.map((mode) => [mode, () => witnesses[mode]]),
  ) as unknown as Dataplanes;
  const logged: string[] = [];
  const server = new ProxyServer({
    config: config(),
    own: {},
    nodeName: ({ hostnameOverride }) => hostnameOverride,
    connect: (wanted, observer) => {
      check?.(wanted);
      return createClient({ ...http2Exchange({ server: api.url, clock: systemClock, observer }), userAgent: 'test' });
    },
    dataplanes,
    kernel: createFakeKernel(),
    kernelRelease: '6.1.0',
    tune: () => [],
    clock: systemClock,
    log: createLogger({ level: 'debug', now: () => 0, write: (line) => logged.push(line) }),
    ...more,
  });
  t.after(async () => {
    await server.stop();
    await api.stop();
  });
  await server.synced;
  const witness = witnesses.nftables;
  const web = (mode: ProxyMode = 'nftables') => witnesses[mode].state.get('10.96.0.1:80/TCP')?.join(' ');
  return { api, server, witness, witnesses, web, logged };
}

/** Waits for a condition, turn by turn of the event loop. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 60_000; !isSo(); ) {
    assert(performance.now() < end, `In a minute not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const both = '10.0.0.1:9376 10.0.0.2:9376';

test('After 410 a list brings what has changed, and takes from nobody what he has', async (t) => {
  const { api, witness, web } = await setUp(t);
  assert.equal(web(), both);
  api.put('services', service('other', '10.96.0.2'));
  api.put('endpointslices', slice('other', ['10.0.0.3']));
  const error = {
    kind: 'Status',
    status: 'Failure',
    reason: 'Expired',
    code: 410,
    message: 'too old resource version',
  };
  await until(() => api.watching('services').length === 1 && api.watching('endpointslices').length === 1, 'watches');
  api.send('services', 'ERROR', error);
  api.send('endpointslices', 'ERROR', error);
  await until(() => witness.state.get('10.96.0.2:80/TCP')?.[0] === '10.0.0.3:9376', 'the new Service works');
  assert.deepEqual(api.lists, { services: 2, endpointslices: 2, nodes: 1 });
  assert.equal(web(), both);
  assert.deepEqual(witness.losses, []);
});

test('A server that refuses every watch with 410 does not make the rules flap', async (t) => {
  const { api, witness, web } = await setUp(t);
  const writes = witness.writes;
  api.expired = true;
  api.endWatches();
  await until(() => api.lists.services >= 4 && api.lists.endpointslices >= 4, 'some lists');
  assert.equal(web(), both);
  assert.equal(witness.writes, writes);
  api.expired = false;
  await until(() => api.watching('endpointslices').length === 1, 'the watch goes on');
  api.publish('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.4']));
  await until(() => web()?.includes('10.0.0.4') ?? false, 'news arrive again');
  assert.deepEqual(witness.losses, []);
});

test('A server that dies and comes back is gone on with, and only what really went is taken away', async (t) => {
  const { api, witness, web } = await setUp(t);
  const writes = witness.writes;
  for (let i = 0; i < 3; i++) {
    await until(() => api.watching('services').length === 1 && api.watching('endpointslices').length === 1, 'watches');
    await api.stop();
    await api.start();
  }
  await until(() => api.watching('endpointslices').length === 1, 'the watch goes on');
  assert.equal(witness.writes, writes);
  assert.deepEqual(api.lists, { services: 1, endpointslices: 1, nodes: 1 });
  api.publish('endpointslices', slice('web', ['10.0.0.2']));
  await until(() => web() === '10.0.0.2:9376', 'the change arrives');
  assert.deepEqual(witness.losses, ['10.96.0.1:80/TCP lost 10.0.0.1:9376']);
});

test('Late, doubled and contradicting events cost no live endpoint', async (t) => {
  const { api, witness, web } = await setUp(t);
  await until(() => api.watching('services').length === 1 && api.watching('endpointslices').length === 1, 'watches');
  const old = slice('web', ['10.0.0.9']);
  old.metadata.resourceVersion = '50';
  const current = api.put('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
  api.send('endpointslices', 'MODIFIED', current);
  api.send('endpointslices', 'MODIFIED', current);
  api.send('endpointslices', 'MODIFIED', old);
  api.send('endpointslices', 'DELETED', old);
  api.send('endpointslices', 'ADDED', current);
  api.send('endpointslices', 'BOOKMARK', { metadata: { resourceVersion: '60' } });
  const oldService = service('web', '10.96.0.1', { ports: [] });
  oldService.metadata.resourceVersion = '51';
  api.send('services', 'MODIFIED', oldService);
  api.send('services', 'DELETED', oldService);
  // Slices of a Service before the Service itself, and an end mark to wait for.
  api.publish('endpointslices', slice('last', ['10.0.0.7']));
  api.publish('services', service('last', '10.96.0.7'));
  await until(() => witness.state.get('10.96.0.7:80/TCP')?.[0] === '10.0.0.7:9376', 'the last Service works');
  assert.equal(web(), `${both} 10.0.0.3:9376`);
  assert.deepEqual(witness.losses, []);
});

for (const status of [401, 429, 500, 503]) {
  test(`A server that answers ${status} for a while is asked again, and nothing is taken away meanwhile`, async (t) => {
    const { api, witness, web } = await setUp(t);
    await until(() => api.watching('services').length === 1 && api.watching('endpointslices').length === 1, 'watches');
    const writes = witness.writes;
    api.refusal = status;
    api.endWatches();
    api.put('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
    await until(() => api.refused >= 6, 'some refusals');
    assert.equal(web(), both);
    assert.equal(witness.writes, writes);
    api.refusal = undefined;
    // Its watches begin where they ended, and nobody has told what was put meanwhile.
    await until(() => api.watching('endpointslices').length === 1, 'the watch goes on');
    api.publish('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
    await until(() => web() === `${both} 10.0.0.3:9376`, 'the news arrive');
    assert.deepEqual(witness.losses, []);
  });
}

test('A list that is older than what is known, as after a restore, is believed and brings only its differences', async (t) => {
  const { api, witness, web } = await setUp(t);
  await until(() => api.watching('services').length === 1 && api.watching('endpointslices').length === 1, 'watches');
  api.publish('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
  await until(() => web() === `${both} 10.0.0.3:9376`, 'the news arrive');
  api.version = 10;
  api.put('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2']));
  api.expired = true;
  api.endWatches();
  await until(() => web() === both, 'the older state is there');
  api.expired = false;
  assert.deepEqual(witness.losses, ['10.96.0.1:80/TCP lost 10.0.0.3:9376']);
});

test('A watch goes on from its bookmark', async (t) => {
  const { api, witness } = await setUp(t);
  await until(() => api.watching('services').length === 1, 'the watch');
  api.send('services', 'BOOKMARK', { kind: 'Service', metadata: { resourceVersion: '4711' } });
  const mark = service('mark', '10.96.0.8');
  api.send('services', 'ADDED', { ...mark, metadata: { ...mark.metadata, resourceVersion: '4710' } });
  await until(() => witness.state.has('10.96.0.8:80/TCP'), 'what was sent after the bookmark has arrived');
  await api.stop();
  await api.start();
  await until(() => api.watching('services').includes('4711'), 'the watch begins at the bookmark');
});

test('A slow server delays news and nothing else', async (t) => {
  const { api, witness, web } = await setUp(t);
  const held = Promise.withResolvers<void>();
  api.hold = held.promise;
  await api.stop();
  await api.start();
  api.put('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
  api.expired = true;
  assert.equal(web(), both);
  held.resolve();
  await until(() => web() === `${both} 10.0.0.3:9376`, 'the news arrive');
  assert.deepEqual(witness.losses, []);
});

test('Another mode: the new rules are there before the old ones go', async (t) => {
  const { server, witnesses, web } = await setUp(t);
  const { nftables, iptables } = witnesses;
  let heldAtCleanup: string | undefined;
  const cleanup = nftables.cleanup.bind(nftables);
  nftables.cleanup = () => {
    heldAtCleanup = web('iptables');
    assert.equal(web('nftables'), both);
    cleanup();
  };
  const before = iptables.cleanups;
  await server.reconfigure(config({ mode: 'iptables' }));
  assert.equal(server.mode, 'iptables');
  assert.equal(heldAtCleanup, both);
  assert.equal(web('nftables'), undefined);
  assert.equal(web('iptables'), both);
  assert.equal(iptables.cleanups, before);
  assert.deepEqual(iptables.losses, []);
});

test('Other settings of the same mode: the rules stay while the proxy begins anew', async (t) => {
  const { server, witness, web } = await setUp(t);
  const writes = witness.writes;
  await server.reconfigure(config({ nftables: { ...config().nftables, masqueradeAll: true } }));
  await server.synced;
  assert.equal(witness.settings?.masqueradeAll, true);
  assert.equal(web(), both);
  assert.equal(witness.cleanups, 0);
  assert.equal(witness.writes, writes);
  assert.deepEqual(witness.losses, []);
});

test('A change of modes that cannot be finished gives way to newer word', async (t) => {
  const { api, server, web } = await setUp(t);
  const held = Promise.withResolvers<void>();
  api.hold = held.promise;
  const stuck = server.reconfigure(config({ mode: 'iptables' }));
  await server.reconfigure(config());
  await stuck;
  held.resolve();
  assert.equal(server.mode, 'nftables');
  assert.equal(web(), both);
});

test('A configuration that cannot be started leaves the one before in force', async (t) => {
  const { api, server, web, logged } = await setUp(t, {
    check: ({ clusterCIDR }) => {
      if (clusterCIDR !== '') throw new UsageError('Connect', 'no such cluster');
    },
  });
  await server.reconfigure(config({ clusterCIDR: '10.0.0.0/8' }));
  assert(logged.some((line) => /Cannot go on under the new configuration.*no such cluster/.test(line)));
  await until(() => api.watching('endpointslices').length === 1, 'the former session watches again');
  api.publish('endpointslices', slice('web', ['10.0.0.5']));
  await until(() => web() === '10.0.0.5:9376', 'the change arrives');
});

test('A mode that the machine does not have leaves the one before in force, and nothing open', async (t) => {
  const { server, witnesses, web, logged } = await setUp(t);
  const { iptables } = witnesses;
  Object.assign(iptables, {
    close() {
      throw new OperatingError('Open iptables', 'unsupported', 'there are no tools');
    },
  });
  await server.reconfigure(config({ mode: 'iptables' }));
  assert(logged.some((line) => /Cannot go on under the new configuration.*there are no tools/.test(line)));
  assert.equal(server.mode, 'nftables');
  assert.equal(web(), both);
});

test('What the node lacks is told as Events, beside the start', async (t) => {
  const { api } = await setUp(t, { tune: () => [{ reason: 'ReadOnlySysFS', message: '/sys is read-only' }] });
  await until(() => api.events.length >= 2, 'two Events');
  assert.deepEqual(api.events.sort(), ['ReadOnlySysFS', 'Starting']);
});

test('An address that cannot be had is fatal only when the configuration says so', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1');
  t.after(() => squatter.close());
  await once(squatter, 'listening');
  const healthzBindAddress = `127.0.0.1:${(squatter.address() as AddressInfo).port}`;
  const { api, server, logged } = await setUp(t);
  await server.reconfigure(config({ healthzBindAddress }));
  await until(() => logged.some((line) => /A server cannot have its address.*EADDRINUSE/.test(line)), 'it is logged');
  await server.reconfigure(config({ bindAddressHardFail: true }));
  await server.reconfigure(config({ bindAddressHardFail: true, healthzBindAddress }));
  await assert.rejects(server.failure, /Listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
  await until(() => api.events.includes('FailedToStartProxierHealthcheck'), 'the Event');
});

test('Metrics, mode, configuration and health are served under the names of kube-proxy', async (t) => {
  const [healthzPort, metricsPort] = [await freePort(), await freePort()];
  const { api, server, web } = await setUp(t, {
    config: config({ healthzBindAddress: `127.0.0.1:${healthzPort}`, metricsBindAddress: `127.0.0.1:${metricsPort}` }),
  });
  await until(() => api.events.length === 1 && api.watching('nodes').length === 1, 'all requests of the start');
  const get = async (port: number, path: string) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const changed = slice('web', ['10.0.0.1']);
  const trigger = new Date(Date.now()).toISOString();
  changed.metadata.annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': trigger };
  await until(() => api.watching('endpointslices').length === 1, 'the watch');
  api.publish('endpointslices', changed);
  await until(() => web() === '10.0.0.1:9376', 'the change arrives');
  assert.match(await get(healthzPort, '/healthz'), /"nodeEligible": true/);
  assert.equal(await get(metricsPort, '/healthz'), 'ok');
  assert.equal(await get(metricsPort, '/proxyMode'), 'nftables');
  const configz = JSON.parse(await get(metricsPort, '/configz'));
  assert.equal(configz['kubeproxy.config.k8s.io'].metricsBindAddress, `127.0.0.1:${metricsPort}`);
  assert.match(await get(metricsPort, '/flagz'), /\nkube-proxy flagz\n[\s\S]*\nproxy-mode=nftables\n/);
  const statusz = await get(metricsPort, '/statusz');
  assert.match(statusz, /\nkube-proxy statusz\n[\s\S]*\nUp: 0 hr 00 min \d\d sec\n/);
  assert.match(statusz, /\nEmulation version: 1\.\d+\nPaths: .*\/configz.*\/metrics/);
  const metrics = await get(metricsPort, '/metrics');
  for (const line of [
    'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 2',
    'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_network_programming_duration_seconds_bucket{le="0.25",ip_family="IPv4"}',
    'kubeproxy_sync_proxy_rules_endpoint_changes_total 2',
    'kubeproxy_sync_proxy_rules_endpoint_changes_pending 0',
    'kubeproxy_sync_proxy_rules_service_changes_total 1',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="internal"} 0',
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv4"} 1',
    'kubeproxy_proxy_healthz_total{code="200"} 1',
    `rest_client_requests_total{code="200",method="GET",host="${new URL(api.url).host}"} 6`,
    `rest_client_requests_total{code="201",method="POST",host="${new URL(api.url).host}"} 1`,
    `rest_client_request_duration_seconds_count{verb="GET",host="${new URL(api.url).host}"} 6`,
    `rest_client_request_size_bytes_count{verb="POST",host="${new URL(api.url).host}"} 1`,
    // The three lists; the watches go on.
    `rest_client_response_size_bytes_count{verb="GET",host="${new URL(api.url).host}"} 3`,
    'process_resident_memory_bytes ',
  ]) {
    assert(metrics.includes(line), `${line} in\n${metrics}`);
  }
  assert.match(metrics, /kubeproxy_sync_proxy_rules_last_timestamp_seconds\{ip_family="IPv4"\} \d+\.\d+/);
  assert.match(metrics, /kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds\{ip_family="IPv4"\} \d+\.\d+/);
  await server.reconfigure(config());
  await assert.rejects(get(metricsPort, '/metrics'));
});
