import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createClient, http2Exchange } from '../../client/mod.ts';
import { createKernel, runTool } from '../../kernel/mod.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { withoutIptables } from '../../wire/iptables/testing/without-iptables.ts';
import { applyConfigDefaults } from '../config/defaults.ts';
import { TestNetwork } from '../testing/network.ts';
import { service, slice, tcp } from '../testing/objects.ts';
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

/** Every way from one mode to another, and settings that change within a mode. */
const circuit = [
  config('iptables'),
  config('iptables', { nodePortAddresses: ['primary'] }),
  config('userspace'),
  config('userspace', { clusterCIDR: '10.0.0.0/8' }),
  config('nftables'),
  config('nftables', { clusterCIDR: '10.0.0.0/8' }),
  config('userspace'),
  config('iptables'),
  config('nftables'),
];

test('Whoever connects while modes and settings change is served, and whoever is connected stays connected', {
  skip: withoutIptables,
}, async (t) => {
  const { network, server, answers, served } = await setUp(t);
  const held: string[] = [];
  /** One connection more under each configuration; all that there are have something to say. */
  const talk = async () => {
    const name = `${held.length} ${server.mode}`;
    assert.equal(await network.hold('pod2', name, vip, 81), 'open');
    held.push(name);
    for (const each of held) assert.equal(await network.say('pod2', each, each), each, `in mode ${server.mode}`);
  };
  for (const next of circuit) {
    await served(20);
    await talk();
    await server.reconfigure(next);
    assert.equal(server.mode, next.mode);
  }
  await served(20);
  await talk();
  assert.deepEqual(await answers(), []);
});

test('Whoever connects while kubelet moves between the kernel interfaces of iptables is served', {
  skip: withoutIptables,
}, async (t) => {
  const { network, server, answers, served } = await setUp(t);
  const netns = network.path('node');
  const shown = () =>
    ['nft', 'legacy'].filter((kind) => runTool(`iptables-${kind}-save`, [], { netns }).includes('KUBE-SVC-'));
  const move = async (from: string, to: string) => {
    runTool(`iptables-${to}`, ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'], { netns });
    if (from) runTool(`iptables-${from}`, ['-t', 'mangle', '-X', 'KUBE-IPTABLES-HINT'], { netns });
    await server.reconfigure(config('iptables', { clusterCIDR: to === 'nft' ? '10.0.0.0/8' : '10.244.0.0/16' }));
    await served(20);
    assert.deepEqual(shown(), [to]);
  };
  await move('', 'nft');
  assert.equal(await network.hold('pod2', 'held', vip, 81), 'open');
  await move('nft', 'legacy');
  await move('legacy', 'nft');
  assert.equal(await network.say('pod2', 'held', 'still here'), 'still here');
  assert.deepEqual(await answers(), []);
});

async function setUp(t: TestContext) {
  const network = new TestNetwork('switching');
  t.after(() => network.destroy());
  for (const place of ['pod1', 'remote'] as const) {
    await network.serve(place, 'TCP', 9376);
    await network.echo(place, 7);
  }
  const api = new ScriptedApi();
  await api.start();
  t.after(() => api.stop());
  const ports = [tcp(80, { name: 'web' }), tcp(81, { name: 'echo' })];
  api.put('services', service('web', vip, { ports }));
  const endpoints = [
    { addresses: ['10.244.1.2'], nodeName: 'node1' },
    { addresses: ['10.244.2.2'], nodeName: 'node2' },
  ];
  const slicePorts = [
    { name: 'web', protocol: 'TCP', port: 9376 },
    { name: 'echo', protocol: 'TCP', port: 7 },
  ];
  api.put('endpointslices', slice('web', endpoints, { ports: slicePorts }));
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
  /** Ends the clients and returns what else they have been told than an endpoint's words. */
  const unserved = async () => {
    stopped = true;
    await Promise.all(clients);
    return answers.filter((answer) => !/^(pod1|remote) /.test(answer));
  };
  return { network, server, answers: unserved, served };
}
