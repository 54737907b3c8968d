import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createClient, http2Exchange } from '../../client/mod.ts';
import { createKernel, runTool } from '../../kernel/mod.ts';
import type { KubeProxyConfiguration } from '../../kube/mod.ts';
import { withoutIptables } from '../../wire/iptables/testing/without-iptables.ts';
import { applyConfigDefaults } from '../config/defaults.ts';
import { testNamespace } from '../testing/namespace.ts';
import { service, slice } from '../testing/objects.ts';
import { ScriptedApi } from '../testing/scripted-api.ts';
import { cleanUp, ProxyServer, realDataplanes } from './mod.ts';

const kernel = createKernel();

const config = (mode: string): KubeProxyConfiguration => ({
  ...applyConfigDefaults({ mode, iptables: { localhostNodePorts: false } }),
  healthzBindAddress: '',
  metricsBindAddress: '',
});

async function setUp(t: TestContext) {
  const netns = testNamespace(t);
  const api = new ScriptedApi();
  await api.start();
  t.after(() => api.stop());
  api.put('services', service('web', '10.96.0.1'));
  api.put('endpointslices', slice('web', ['10.0.0.1', '10.0.0.2']));
  const dataplanes = realDataplanes({ kernel, clock: systemClock, log: silentLogger, netns });
  const start = (mode: string) => {
    const server = new ProxyServer({
      config: config(mode),
      own: {},
      nodeName: () => 'node1',
      connect: () => createClient({ ...http2Exchange({ server: api.url, clock: systemClock }), userAgent: 'test' }),
      dataplanes,
      kernel,
      kernelRelease: '6.1.0',
      tune: () => [],
      netns,
      clock: systemClock,
      log: silentLogger,
    });
    t.after(() => server.stop());
    return server;
  };
  const tables = () =>
    runTool('nft', ['list', 'tables'], { netns })
      .split('\n')
      .filter((line) => /signalbox|kube-proxy/.test(line));
  /** Of which modes the iptables chains are. */
  const chains = () => {
    const saved = runTool('iptables-save', [], { netns });
    return [/^:KUBE-SVC-/m.test(saved) && 'iptables', /^:KUBE-PORTALS-/m.test(saved) && 'userspace'].filter(Boolean);
  };
  return { netns, dataplanes, start, tables, chains };
}

test('Each mode takes over from the one before, from kube-proxy as well, and leaves nothing of it', {
  skip: withoutIptables,
}, async (t) => {
  const { netns, start, tables, chains } = await setUp(t);
  for (const family of ['ip', 'ip6']) {
    runTool('nft', ['add', 'table', family, 'kube-proxy'], { netns });
    runTool('nft', ['add', 'chain', family, 'kube-proxy', 'services'], { netns });
  }
  runTool('iptables', ['-t', 'nat', '-N', 'KUBE-SVC-NWV5X2332I4OT4T3'], { netns });
  const server = start('nftables');
  await server.synced;
  assert.deepEqual(tables(), ['table ip signalbox']);
  assert.deepEqual(chains(), []);
  await server.reconfigure(config('iptables'));
  assert.equal(server.mode, 'iptables');
  assert.deepEqual(tables(), []);
  assert.deepEqual(chains(), ['iptables']);
  await server.reconfigure(config('userspace'));
  assert.deepEqual([tables(), chains()], [[], ['userspace']]);
  await server.reconfigure(config('iptables'));
  assert.deepEqual([tables(), chains()], [[], ['iptables']]);
  await server.reconfigure(config('nftables'));
  assert.deepEqual([tables(), chains()], [['table ip signalbox'], []]);
});

for (const mode of ['nftables', 'iptables', 'userspace']) {
  test(`Cleaning up removes mode ${mode}, without being told which it was, and again does no harm`, {
    skip: withoutIptables,
  }, async (t) => {
    const { netns, dataplanes, start, tables, chains } = await setUp(t);
    const server = start(mode);
    await server.synced;
    assert.equal(tables().length + chains().length, 1);
    await server.stop();
    assert.equal(tables().length + chains().length, 1, 'stopping leaves the rules');
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(cleanUp(dataplanes, kernel, silentLogger, netns), []);
      assert.deepEqual([tables(), chains()], [[], []]);
    }
  });
}
