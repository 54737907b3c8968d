import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createKernel, runTool } from '../../kernel/mod.ts';
import { startProxy } from '../mod.ts';
import type { Family } from '../plan/mod.ts';
import { addresses, type Place, TestNetwork } from '../testing/network.ts';
import { fakeInformers, node, service, slice } from '../testing/objects.ts';
import { withoutNft } from '../testing/without-nft.ts';
import { createConntrackCleaner } from './mod.ts';

/** The kernel repeats a SYN after 1, 3 and 7 seconds. */
const patienceMs = 60_000;
const port = 9376;
let network: TestNetwork;

before(async () => {
  if (withoutNft) return;
  network = new TestNetwork('unanswered');
  await network.serve('pod2', 'TCP', port);
  // As a Pod whose node has gone: it neither answers nor refuses.
  const deaf = `table inet deaf { chain in { type filter hook input priority 0; tcp dport ${port} drop; }; }`;
  runTool('nft', ['-f', '-'], { netns: network.path('remote'), input: deaf });
});

after(() => network?.destroy());

for (const [family, vip] of [
  ['IPv4', '10.96.0.10'],
  ['IPv6', 'fd00:10:96::10'],
] as const) {
  test(`${family}: a client that waits for an endpoint which goes is given another one`, {
    skip: withoutNft,
  }, async (t) => {
    const cluster = await start(t, family, vip);
    await cluster.endpoints('remote');
    const answer = network.ask('pod1', 'TCP', vip, 80, patienceMs);
    await until(() => cluster.flows('SYN_SENT', vip).length > 0, 'the SYN has gone to the deaf endpoint');
    await cluster.endpoints('pod2');
    assert.match(await answer, /^pod2 /);
  });

  test(`${family}: a client whose SYN went nowhere before there was an endpoint gets one`, {
    skip: withoutNft,
  }, async (t) => {
    const cluster = await start(t, family, vip, 'later');
    // Nobody has told the node of the Service yet: the packet is routed on, to where it is not known either.
    const answer = network.ask('pod1', 'TCP', vip, 80, patienceMs);
    await until(() => cluster.flows('SYN_SENT', vip).length > 0, 'the SYN has gone by');
    await cluster.endpoints('pod2');
    await cluster.publish();
    assert.match(await answer, /^pod2 /);
  });

  test(`${family}: answered connections are left alone when their endpoint goes`, { skip: withoutNft }, async (t) => {
    const cluster = await start(t, family, vip);
    await cluster.endpoints('pod2');
    assert.match(await network.ask('pod1', 'TCP', vip, 80), /^pod2 /);
    const [answered] = cluster.flows('TIME_WAIT', vip);
    assert.ok(answered);
    await cluster.endpoints('remote');
    const waiting = network.ask('pod1', 'TCP', vip, 80, patienceMs);
    await until(() => cluster.flows('SYN_SENT', vip).length > 0, 'another client waits');
    await cluster.endpoints();
    await until(() => cluster.flows('SYN_SENT', vip).length === 0, 'its flow is removed');
    assert.equal(cluster.flows('TIME_WAIT', vip).length, 1);
    assert.equal(await waiting, 'ECONNREFUSED');
  });
}

async function start(
  t: import('node:test').TestContext,
  family: Family,
  vip: string,
  services: 'now' | 'later' = 'now',
) {
  const netns = network.path('node');
  const kernel = createKernel();
  const clock = systemClock;
  const flows = createConntrackCleaner(kernel, { clock, log: silentLogger, netns });
  const informers = fakeInformers();
  const own = (['IPv4', 'IPv6'] as const).map((one) => ({ type: 'InternalIP' as const, address: addresses.node[one] }));
  informers.nodes.put(node('node1', { addresses: own }));
  const web = service('web', vip);
  if (services === 'now') informers.services.put(web);
  informers.slices.put(slice('web', [], { addressType: family }));
  informers.services.sync();
  informers.slices.sync();
  const source = { informers };
  const proxy = startProxy({ source, nodeName: 'node1', kernel, clock, log: silentLogger, netns, flows });
  await proxy.synced;
  t.after(async () => {
    await proxy.stop();
    flows.close();
    for (const table of ['ip', 'ip6']) runTool('nft', ['delete', 'table', table, 'signalbox'], { netns });
    runTool('conntrack', ['-F'], { netns });
  });
  /** Until the kernel has it. */
  const put = async (change: () => void) => {
    const { syncs } = proxy.counters;
    change();
    await until(() => proxy.counters.syncs > syncs, 'the change is written');
  };
  return {
    endpoints(...places: Exclude<Place, 'outside'>[]) {
      const list = places.map((place) => addresses[place][family]);
      const ports = [{ name: '', protocol: 'TCP', port }] as const;
      return put(() => informers.slices.put(slice('web', list, { addressType: family, ports: [...ports] })));
    },
    publish: () => put(() => informers.services.put(web)),
    /** Of that state, to that address. */
    flows: (state: string, to: string) =>
      runTool('conntrack', ['-L', '-p', 'tcp', '-f', family.toLowerCase(), '--state', state], { netns })
        .split('\n')
        .filter((line) => line.includes(`dst=${to} `)),
  };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + patienceMs; !isSo(); ) {
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
