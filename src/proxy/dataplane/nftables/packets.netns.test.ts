import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { createKernel, ping } from '../../../kernel/mod.ts';
import { Family as NetfilterFamily } from '../../../wire/nftables/mod.ts';
import { type ServiceProxy, startProxy } from '../../mod.ts';
import { TestNetwork } from '../../testing/network.ts';
import { fakeInformers, service, slice, tcp, udp } from '../../testing/objects.ts';
import { NftLink } from './link.ts';

const vip = '10.96.0.10';
const node = '172.30.1.1';
const local = { addresses: ['10.244.1.2'], nodeName: 'node1' };
const alsoLocal = { addresses: ['10.244.1.3'], nodeName: 'node1' };
const remote = { addresses: ['10.244.2.2'], nodeName: 'node2' };
const ports = [
  { name: 'http', protocol: 'TCP', port: 9376 },
  { name: 'dns', protocol: 'UDP', port: 5353 },
];

describe('Real packets through the nftables dataplane', () => {
  const informers = fakeInformers();
  let network: TestNetwork;
  let proxy: ServiceProxy;

  before(async () => {
    network = new TestNetwork('packets');
    for (const place of ['pod1', 'pod2', 'remote'] as const) {
      await network.serve(place, 'TCP', 9376);
      await network.serve(place, 'UDP', 5353);
    }
    informers.services.put(
      service('web', vip, {
        ports: [tcp(80, { name: 'http', nodePort: 30080 }), udp(53, { name: 'dns', nodePort: 30053 })],
      }),
      service('empty', '10.96.0.20', {
        ports: [tcp(80, { nodePort: 30090 }), udp(53, { name: 'dns', nodePort: 30091 })],
      }),
    );
    informers.slices.put(slice('web', [local, alsoLocal, remote], { ports }), slice('empty', []));
    informers.services.sync();
    informers.slices.sync();
    proxy = start();
    await proxy.synced;
  });

  after(async () => {
    await proxy?.stop();
    network?.destroy();
  });

  function start(): ServiceProxy {
    return startProxy({
      source: { informers },
      nodeName: 'node1',
      kernel: createKernel(),
      clock: systemClock,
      log: silentLogger,
      netns: network.path('node'),
      clusterCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
    });
  }

  /** Puts the slice there and waits until the kernel has it. */
  async function endpoints(...list: Parameters<typeof slice>[1][number][]): Promise<void> {
    const { syncs } = proxy.counters;
    informers.slices.put(slice('web', list, { ports }));
    while (proxy.counters.syncs === syncs) await new Promise(setImmediate);
  }

  const clients = ['pod1', 'node', 'outside', 'remote'] as const;
  for (const client of clients) {
    for (const protocol of ['TCP', 'UDP'] as const) {
      const port = protocol === 'TCP' ? 80 : 53;

      test(`${protocol} from ${client} to the VIP reaches every endpoint`, async (t) => {
        if (client === 'outside') network.ip('outside', 'route', 'replace', '10.96.0.0/16', 'via', node);
        if (client === 'remote') {
          // Its own node would send it to itself, not this one.
          await endpoints(local, alsoLocal);
          t.after(() => endpoints(local, alsoLocal, remote));
        }
        const wanted = client === 'remote' ? ['pod1', 'pod2'] : ['pod1', 'pod2', 'remote'];
        const reached = new Set<string>();
        // A UDP client asks from a new port each time, so that each datagram is a flow of its own.
        for (let i = 0; i < 200 && reached.size < wanted.length; i++) {
          reached.add((await network.ask(client, protocol, vip, port)).split(' ')[0]!);
        }
        assert.deepEqual([...reached].sort(), wanted);
      });

      test(`${protocol} from ${client} to a VIP without endpoints is refused at once`, async () => {
        assert.equal(await network.ask(client, protocol, '10.96.0.20', port), 'ECONNREFUSED');
      });
    }
  }

  for (const [protocol, port] of [
    ['TCP', 30080],
    ['UDP', 30053],
  ] as const) {
    for (const client of clients) {
      test(`${protocol} from ${client} to the node port reaches an endpoint that is only on another node`, async (t) => {
        await endpoints(remote);
        t.after(() => endpoints(local, alsoLocal, remote));
        assert.match(await network.ask(client, protocol, node, port), /^remote /);
      });
    }
    test(`${protocol} from outside to the node port comes from the node's own address`, async () => {
      assert.match(await network.ask('outside', protocol, node, port), / 169\.254\.1\.1$/);
    });
  }

  test('A node port without endpoints refuses TCP and UDP at once, from outside and from the node', async () => {
    for (const client of ['outside', 'node'] as const) {
      assert.equal(await network.ask(client, 'TCP', node, 30090), 'ECONNREFUSED');
      assert.equal(await network.ask(client, 'UDP', node, 30091), 'ECONNREFUSED');
    }
  });

  test('A Pod reaches itself through the VIP, and sees the node as its client', async (t) => {
    await endpoints(local);
    t.after(() => endpoints(local, alsoLocal, remote));
    for (const [protocol, port] of [
      ['TCP', 80],
      ['UDP', 53],
    ] as const) {
      assert.equal(await network.ask('pod1', protocol, vip, port), 'pod1 169.254.1.1');
    }
  });

  test('A Pod as client keeps its address; a client from outside the cluster is masqueraded', async (t) => {
    await endpoints(remote);
    t.after(() => endpoints(local, alsoLocal, remote));
    assert.equal(await network.ask('pod1', 'TCP', vip, 80), 'remote 10.244.1.2');
    network.ip('outside', 'route', 'replace', '10.96.0.0/16', 'via', node);
    assert.equal(await network.ask('outside', 'TCP', vip, 80), 'remote 169.254.1.1');
  });

  test('Connections spread evenly over the endpoints', async () => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < 300; i++) {
      const name = (await network.ask('outside', 'TCP', node, 30080)).split(' ')[0]!;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    // 300 draws of 1 in 3: fewer than 60 has a probability of about one in a million.
    for (const name of ['pod1', 'pod2', 'remote']) assert.ok((counts[name] ?? 0) >= 60, JSON.stringify(counts));
  });

  test('Another port of a VIP is refused at once; a VIP that nobody has, and ping, get no answer', async () => {
    for (const client of ['pod1', 'node'] as const) {
      assert.equal(await network.ask(client, 'TCP', vip, 81), 'ECONNREFUSED');
      assert.equal(await network.ask(client, 'TCP', '10.96.77.77', 80, 300), 'timeout');
      assert.equal(ping(network.path(client), vip, 300), false);
      assert.equal(ping(network.path(client), '10.244.2.2', 1000), true);
    }
  });

  test('A Pod is refused at once where the node has no route to the VIP', async (t) => {
    network.ip('node', 'route', 'del', 'default');
    t.after(() => network.ip('node', 'route', 'add', 'default', 'via', '172.30.1.2'));
    assert.equal(await network.ask('pod1', 'TCP', '10.96.0.20', 80), 'ECONNREFUSED');
    assert.equal(await network.ask('pod1', 'UDP', '10.96.0.20', 53), 'ECONNREFUSED');
    assert.match(await network.ask('pod1', 'TCP', vip, 80), /^(pod1|pod2|remote) /);
  });

  test('An endpoint that is out gets no new connection, and one that is back gets some', async () => {
    await endpoints(local, { ...remote, conditions: { ready: false } });
    for (let i = 0; i < 40; i++) assert.match(await network.ask('pod2', 'TCP', vip, 80), /^pod1 /);
    await endpoints(local, alsoLocal, remote);
    const reached = new Set<string>();
    for (let i = 0; i < 200 && !reached.has('remote'); i++) {
      reached.add((await network.ask('pod2', 'TCP', vip, 80)).split(' ')[0]!);
    }
    assert.ok(reached.has('remote'));
  });

  test('A client comes back to its endpoint as long as that lives, whatever comes and goes', async () => {
    const put = async (...list: Parameters<typeof slice>[1][number][]) => {
      const { syncs } = proxy.counters;
      informers.slices.put(slice('loyal', list, { ports: ports.map((one) => ({ ...one })) }));
      while (proxy.counters.syncs === syncs) await new Promise(setImmediate);
    };
    const affinity = {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
    } as const;
    informers.services.put(
      service('loyal', '10.96.0.30', {
        ports: [tcp(80, { name: 'http' }), udp(53, { name: 'dns' })],
        spec: affinity,
      }),
    );
    const places = { pod1: local, pod2: alsoLocal, remote };
    const others = (name: string) => Object.entries(places).flatMap(([key, one]) => (key === name ? [] : [one]));
    const ask = async () => (await network.ask('node', 'TCP', '10.96.0.30', 80)).split(' ')[0] as keyof typeof places;
    const stays = async (at: string) => {
      for (let i = 0; i < 12; i++) assert.equal(await ask(), at);
    };
    await put(local, alsoLocal, remote);
    const first = await ask();
    await stays(first);
    for (const other of others(first)) {
      await put(places[first], other);
      await stays(first);
    }
    await put(...others(first));
    const second = await ask();
    assert.notEqual(second, first);
    await put(places[first], ...others(first));
    await stays(second);
    for (const client of ['node', 'pod1', 'pod2'] as const) {
      const reached = new Set<string>();
      for (let i = 0; i < 6; i++) reached.add((await network.ask(client, 'UDP', '10.96.0.30', 53)).split(' ')[0]!);
      assert.equal(reached.size, 1);
    }
  });

  test('A table that somebody removes is back before anybody looks for it', async () => {
    const { repairs } = proxy.counters;
    const vandal = new NftLink(
      createKernel().openNetlink('netfilter', { netns: network.path('node') }),
      NetfilterFamily.ipv4,
    );
    const batch = vandal.batch();
    batch.deleteTable();
    vandal.commit(batch);
    vandal.close();
    while (proxy.counters.repairs === repairs) await new Promise(setImmediate);
    assert.match(await network.ask('pod1', 'TCP', vip, 80), /^(pod1|pod2|remote) /);
  });

  test('Without the proxy traffic goes on; its successor takes over without a write', async () => {
    await proxy.stop();
    assert.match(await network.ask('pod1', 'TCP', vip, 80), /^(pod1|pod2|remote) /);
    proxy = start();
    await proxy.synced;
    assert.equal(proxy.counters.convergences, 1);
    assert.equal(proxy.counters.messages, 0);
  });
});
