import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKernel, runTool } from '../../kernel/mod.ts';
import { withoutIptables } from '../../wire/iptables/testing/without-iptables.ts';
import { createIptablesDataplane } from '../dataplane/iptables/mod.ts';
import { createNftablesDataplane } from '../dataplane/nftables/mod.ts';
import type { Dataplane } from '../dataplane/port.ts';
import type { Family } from '../plan/mod.ts';
import { TestNetwork } from '../testing/network.ts';
import { withoutNft } from '../testing/without-nft.ts';
import { endpointPort, patienceMs, until, vips, watchedProxy } from './testing/watched-proxy.ts';

/** What becomes of clients that are there already when endpoints change, with real packets. */
const kernel = createKernel();
const skip = withoutNft || withoutIptables;
let network: TestNetwork;

before(async () => {
  if (skip) return;
  network = new TestNetwork('flows');
  for (const place of ['pod2', 'remote'] as const) await network.serve(place, 'UDP', endpointPort);
  await network.serve('pod2', 'TCP', endpointPort);
  // As a Pod whose node has gone: it neither answers nor refuses.
  const deaf = `table inet deaf { chain in { type filter hook input priority 0; tcp dport ${endpointPort} drop; }; }`;
  runTool('nft', ['-f', '-'], { netns: network.path('remote'), input: deaf });
});

after(() => network?.destroy());

const dataplanes: Record<string, (family: Family) => Dataplane> = {
  nftables: (family) => createNftablesDataplane(kernel, { family, netns: network.path('node') }),
  iptables: (family) => createIptablesDataplane(kernel, { family, netns: network.path('node'), interface: 'nft' }),
};
const serving = { ready: false, serving: true, terminating: true };
const dead = { ready: false, serving: false, terminating: true };
let nextOwnPort = 20_001;

for (const [name, createDataplane] of Object.entries(dataplanes)) {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const vip = vips[family];
    const flowTest = (
      title: string,
      protocol: 'TCP' | 'UDP',
      run: (proxy: Awaited<ReturnType<typeof watchedProxy>>) => Promise<void>,
      more: { readonly unpublished?: true } = {},
    ) =>
      test(`${name}, ${family}: ${title}`, { skip }, async (t) =>
        run(await watchedProxy(t, { network, family, protocol, createDataplane, ...more })),
      );
    /** Datagrams of one client, which keeps its port. */
    const client = () => {
      const ownPort = nextOwnPort++;
      return (timeoutMs?: number) => network.askFrom(ownPort, 'pod1', vip, 80, timeoutMs);
    };

    // kubernetes/kubernetes issue 139628 and pull request 141371: what upstream missed for years.
    flowTest('a UDP client is refused when the Service is scaled to zero', 'UDP', async ({ endpoints }) => {
      const ask = client();
      await endpoints({ pod2: 'ready' });
      assert.match(await ask(), /^pod2 /);
      await endpoints({});
      assert.equal(await ask(), 'ECONNREFUSED');
    });

    flowTest('a UDP client gets no answer when the Service is deleted', 'UDP', async ({ endpoints, withdraw }) => {
      const ask = client();
      await endpoints({ pod2: 'ready' });
      assert.match(await ask(), /^pod2 /);
      await withdraw();
      assert.doesNotMatch(await ask(250), /^pod2 /);
    });

    flowTest('a UDP client leaves an endpoint that does not serve any more', 'UDP', async ({ endpoints }) => {
      const ask = client();
      await endpoints({ pod2: 'ready' });
      assert.match(await ask(), /^pod2 /);
      await endpoints({ pod2: serving, remote: 'ready' });
      assert.match(await ask(), /^pod2 /, 'it still serves those that it has');
      await endpoints({ pod2: dead, remote: 'ready' });
      assert.match(await ask(), /^remote /);
    });

    flowTest('a UDP client that came before there was an endpoint gets one', 'UDP', async ({ endpoints }) => {
      const ask = client();
      assert.equal(await ask(), 'ECONNREFUSED');
      await endpoints({ pod2: 'ready' });
      assert.match(await ask(), /^pod2 /);
    });

    flowTest('a TCP client that waits for an endpoint which goes is given another one', 'TCP', async (proxy) => {
      await proxy.endpoints({ remote: 'ready' });
      const answer = network.ask('pod1', 'TCP', vip, 80, patienceMs);
      await until(() => proxy.flows('SYN_SENT').length > 0, 'the SYN has gone to the deaf endpoint');
      await proxy.endpoints({ pod2: 'ready' });
      assert.match(await answer, /^pod2 /);
    });

    flowTest('a TCP client whose endpoint goes while the proxy is away is given another one', 'TCP', async (proxy) => {
      await proxy.endpoints({ remote: 'ready' });
      const answer = network.ask('pod1', 'TCP', vip, 80, patienceMs);
      await until(() => proxy.flows('SYN_SENT').length > 0, 'the SYN has gone to the deaf endpoint');
      await proxy.endpointsUnseen({ pod2: 'ready' });
      assert.match(await answer, /^pod2 /);
    });

    flowTest(
      'a TCP client whose SYN went nowhere before the Service was known gets an endpoint',
      'TCP',
      async (proxy) => {
        await proxy.endpoints({ pod2: 'ready' });
        const answer = network.ask('pod1', 'TCP', vip, 80, patienceMs);
        await until(() => proxy.flows('SYN_SENT').length > 0, 'the SYN has gone by');
        await proxy.publish();
        assert.match(await answer, /^pod2 /);
      },
      { unpublished: true },
    );

    flowTest('answered TCP connections are left alone when their endpoint goes', 'TCP', async (proxy) => {
      await proxy.endpoints({ pod2: 'ready' });
      assert.match(await network.ask('pod1', 'TCP', vip, 80), /^pod2 /);
      assert.equal(proxy.flows('TIME_WAIT').length, 1);
      await proxy.endpoints({ remote: 'ready' });
      const waiting = network.ask('pod1', 'TCP', vip, 80, patienceMs);
      await until(() => proxy.flows('SYN_SENT').length > 0, 'another client waits');
      await proxy.endpoints({});
      await until(() => proxy.flows('SYN_SENT').length === 0, 'its flow is removed');
      assert.equal(proxy.flows('TIME_WAIT').length, 1);
      assert.equal(await waiting, 'ECONNREFUSED');
    });
  }
}
