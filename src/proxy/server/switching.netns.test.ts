import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createClient, http2Exchange } from '../../client/mod.ts';
import { createKernel } from '../../kernel/mod.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { withoutIptables } from '../../wire/iptables/testing/without-iptables.ts';
import { applyConfigDefaults } from '../config/defaults.ts';
import { TestNetwork } from '../testing/network.ts';
import { service, slice } from '../testing/objects.ts';
import { ScriptedApi } from '../testing/scripted-api.ts';
import { ProxyServer, realDataplanes } from './mod.ts';

const kernel = createKernel();
const vip = '10.96.0.10';

const config = (mode: string, more: Partial<KubeProxyConfiguration> = {}): KubeProxyConfiguration => ({
  ...applyConfigDefaults({ mode, clusterCIDR: '10.244.0.0/16', iptables: { localhostNodePorts: false } }),
  healthzBindAddress: '',
  metricsBindAddress: '',
  ...more,
});

test('Whoever connects while modes and settings change, is served', { skip: withoutIptables }, async (t) => {
  const network = new TestNetwork('switching');
  t.after(() => network.destroy());
  for (const place of ['pod1', 'remote'] as const) await network.serve(place, 'TCP', 9376);
  const api = new ScriptedApi();
  await api.start();
  t.after(() => api.stop());
  api.put('services', service('web', vip));
  const endpoints = [
    { addresses: ['10.244.1.2'], nodeName: 'node1' },
    { addresses: ['10.244.2.2'], nodeName: 'node2' },
  ];
  api.put('endpointslices', slice('web', endpoints));
  const netns = network.path('node');
  const server = new ProxyServer({
    config: config('nftables'),
    own: {},
    nodeName: () => 'node1',
    connect: () => createClient({ ...http2Exchange({ server: api.url, clock: systemClock }), userAgent: 'test' }),
    dataplanes: realDataplanes({ kernel, clock: systemClock, log: silentLogger, netns }),
    kernel,
    kernelRelease: '6.1.0',
    tune: () => [],
    netns,
    clock: systemClock,
    log: silentLogger,
  });
  t.after(() => server.stop());
  await server.synced;

  const answers: string[] = [];
  let stopped = false;
  const client = async () => {
    while (!stopped) answers.push(await network.ask('pod2', 'TCP', vip, 80));
  };
  const clients = [client(), client()];
  /** Some connections under each configuration, not only during the changes. */
  const served = async (more: number) => {
    const wanted = answers.length + more;
    while (answers.length < wanted) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  for (const next of [
    config('iptables'),
    config('iptables', { nodePortAddresses: ['primary'] }),
    config('nftables'),
    config('nftables', { clusterCIDR: '10.0.0.0/8' }),
    config('userspace'),
    config('iptables'),
  ]) {
    await served(20);
    await server.reconfigure(next);
    assert.equal(server.mode, next.mode);
  }
  await served(20);
  stopped = true;
  await Promise.all(clients);
  assert.deepEqual(
    answers.filter((answer) => !/^(pod1|remote) /.test(answer)),
    [],
  );
});
