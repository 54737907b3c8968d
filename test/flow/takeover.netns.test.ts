import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { createClient, http2Exchange } from '../../src/client/mod.ts';
import { createKernel, runTool } from '../../src/kernel/mod.ts';
import { applyConfigDefaults } from '../../src/proxy/config/defaults.ts';
import { ProxyServer, realDataplanes } from '../../src/proxy/server/mod.ts';
import { addresses, TestNetwork } from '../../src/proxy/testing/network.ts';
import { service, slice } from '../../src/proxy/testing/objects.ts';
import { ScriptedApi } from '../../src/proxy/testing/scripted-api.ts';
import { withoutNft } from '../../src/proxy/testing/without-nft.ts';
import { withoutIptables } from '../../src/wire/iptables/testing/without-iptables.ts';
import { kubeProxyIptables, kubeProxyNftables } from './neighbours/kube-proxy.ts';
import { endpointPort, targets } from './scenario.ts';

/** Somebody's rules serve when the proxy starts; it takes over, and whoever connects meanwhile does not notice. */
const kernel = createKernel();
const family = 'IPv4';
const { vip } = targets[family];
const endpoint = addresses.pod1[family];

const load = {
  'kube-proxy in mode nftables': (netns: string) =>
    runTool('nft', ['-f', '-'], { netns, input: kubeProxyNftables(family, endpoint) }),
  'kube-proxy in mode iptables': (netns: string) =>
    runTool('iptables-nft-restore', ['--noflush'], { netns, input: kubeProxyIptables(family, endpoint) }),
};

for (const mode of ['nftables', 'iptables'] as const) {
  for (const [whose, install] of Object.entries(load)) {
    test(`${whose} gives way to mode ${mode}, and nobody fails to connect`, {
      skip: withoutNft || withoutIptables,
    }, async (t) => {
      const node = await setUp(t);
      install(node.netns);
      const stop = await node.connectAllTheTime();
      const server = node.start(mode);
      await server.synced;
      await node.connections(30);
      assert.deepEqual(await stop(), []);
      assert.doesNotMatch(node.rules(), /table ip kube-proxy|99:9376/);
      assert.match(node.rules(), mode === 'nftables' ? /table ip signalbox/ : /KUBE-SVC-/);
      assert.equal(/KUBE-SVC-/.test(node.rules()), mode === 'iptables');
    });
  }
}

for (const version of [2, 99]) {
  test(`A table of layout ${version} gives way to this version's, and nobody fails to connect`, {
    skip: withoutNft,
  }, async (t) => {
    const node = await setUp(t);
    const first = node.start('nftables');
    await first.synced;
    await first.stop();
    const listed = runTool('nft', ['list', 'table', 'ip', 'signalbox'], { netns: node.netns });
    assert.match(listed, /comment "signalbox service proxy, layout \d+"/);
    const other = listed.replace(/layout \d+/, `layout ${version}`).replaceAll('hairpins', 'elbows');
    const stop = await node.connectAllTheTime();
    runTool('nft', ['-f', '-'], { netns: node.netns, input: `delete table ip signalbox\n${other}` });
    await node.connections(10);
    const server = node.start('nftables');
    await server.synced;
    await node.connections(30);
    assert.deepEqual(await stop(), []);
    assert.equal(runTool('nft', ['list', 'table', 'ip', 'signalbox'], { netns: node.netns }), listed);
  });
}

async function setUp(t: TestContext) {
  const network = new TestNetwork('takeover');
  t.after(() => network.destroy());
  await network.serve('pod1', 'TCP', endpointPort);
  const api = new ScriptedApi();
  await api.start();
  t.after(() => api.stop());
  api.put(
    'services',
    service('web', vip, { ports: [{ protocol: 'TCP', port: 80, targetPort: endpointPort, nodePort: 30080 }] }),
  );
  api.put('endpointslices', slice('web', [{ addresses: [endpoint], nodeName: 'node1' }]));
  const netns = network.path('node');
  const answers: string[] = [];
  /** So many more of each client. */
  const connections = async (more: number) => {
    for (const wanted = answers.length + more; answers.length < wanted; ) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  return {
    netns,
    connections,
    rules: () => runTool('nft', ['list', 'ruleset'], { netns }),
    start(mode: string): ProxyServer {
      const server = new ProxyServer({
        config: {
          ...applyConfigDefaults({ mode, clusterCIDR: '10.244.0.0/16', iptables: { localhostNodePorts: false } }),
          healthzBindAddress: '',
          metricsBindAddress: '',
        },
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
      return server;
    },
    /** From a Pod and from the node. Returns what ends it and tells what was not served. */
    async connectAllTheTime(): Promise<() => Promise<string[]>> {
      let stopped = false;
      const client = async (place: 'pod2' | 'node') => {
        while (!stopped) answers.push(await network.ask(place, 'TCP', vip, 80));
      };
      const clients = [client('pod2'), client('node')];
      await connections(20);
      return async () => {
        stopped = true;
        await Promise.all(clients);
        return answers.filter((answer) => !answer.startsWith('pod1 '));
      };
    },
  };
}
