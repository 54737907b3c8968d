import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import { createKernel } from '../../../kernel/mod.ts';
import { withoutIptables } from '../../../wire/iptables/testing/without-iptables.ts';
import { type ServiceProxy, startProxy } from '../../mod.ts';
import { TestNetwork } from '../../testing/network.ts';
import { fakeInformers, service, slice, tcp, udp } from '../../testing/objects.ts';
import { createIptablesDataplane } from './mod.ts';

const vip = '10.96.0.10';
const node = '172.30.1.1';
const local = { addresses: ['10.244.1.2'], nodeName: 'node1' };
const alsoLocal = { addresses: ['10.244.1.3'], nodeName: 'node1' };
const remote = { addresses: ['10.244.2.2'], nodeName: 'node2' };
const ports = [
  { name: 'http', protocol: 'TCP' as const, port: 9376 },
  { name: 'dns', protocol: 'UDP' as const, port: 5353 },
];
const servicePorts = (nodePort: number) => [
  tcp(80, { name: 'http', nodePort }),
  udp(53, { name: 'dns', nodePort: nodePort + 1 }),
];

for (const kind of ['nft', 'legacy'] as const) {
  describe(`Real packets through the iptables dataplane, interface ${kind}`, { skip: withoutIptables }, () => {
    const informers = fakeInformers();
    let network: TestNetwork;
    let proxy: ServiceProxy;

    before(async () => {
      network = new TestNetwork(`ipt-${kind}`);
      for (const place of ['pod1', 'pod2', 'remote'] as const) {
        await network.serve(place, 'TCP', 9376);
        await network.serve(place, 'UDP', 5353);
      }
      const sticky = { clientIP: { timeoutSeconds: 60 } };
      informers.services.put(
        service('web', vip, { ports: servicePorts(30080) }),
        service('empty', '10.96.0.20', { ports: servicePorts(30090) }),
        service('sticky', '10.96.0.30', {
          ports: servicePorts(30100),
          spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: sticky },
        }),
        service('own', '10.96.0.40', { ports: [tcp(80, { name: 'http' })] }),
        service('near', '10.96.0.50', {
          ports: servicePorts(30110),
          spec: { type: 'NodePort', externalTrafficPolicy: 'Local' },
        }),
        service('far', '10.96.0.60', {
          ports: servicePorts(30120),
          spec: { type: 'NodePort', externalTrafficPolicy: 'Local' },
        }),
      );
      informers.slices.put(
        slice('web', [local, alsoLocal, remote], { ports }),
        slice('empty', [], { ports }),
        slice('sticky', [local, alsoLocal, remote], { ports }),
        slice('own', [local], { ports }),
        slice('near', [local, remote], { ports }),
        slice('far', [remote], { ports }),
      );
      informers.services.sync();
      informers.slices.sync();
      const kernel = createKernel();
      const netns = network.path('node');
      proxy = startProxy({
        source: { informers },
        nodeName: 'node1',
        kernel,
        clock: systemClock,
        log: silentLogger,
        netns,
        clusterCidr: '10.244.0.0/16',
        createDataplane: (family) => createIptablesDataplane(kernel, { family, netns, interface: kind }),
      });
      await proxy.synced;
    });

    after(async () => {
      await proxy?.stop();
      network?.destroy();
    });

    /** Names of the endpoints that so many connections reach. */
    async function reached(...[place, protocol, address, port]: Ask): Promise<Set<string>> {
      const names = new Set<string>();
      for (let i = 0; i < 60; i++) names.add((await network.ask(place, protocol, address, port)).split(' ')[0]!);
      return names;
    }

    for (const client of ['pod1', 'node', 'outside'] as const) {
      for (const [protocol, port, nodePort] of [
        ['TCP', 80, 30080],
        ['UDP', 53, 30081],
      ] as const) {
        test(`${protocol} from ${client}: VIP and node port reach every endpoint; without endpoints it is refused`, async () => {
          if (client === 'outside') network.ip('outside', 'route', 'replace', '10.96.0.0/16', 'via', node);
          const all = ['pod1', 'pod2', 'remote'];
          assert.deepEqual([...(await reached(client, protocol, vip, port))].sort(), all);
          assert.deepEqual([...(await reached(client, protocol, node, nodePort))].sort(), all);
          assert.equal(await network.ask(client, protocol, '10.96.0.20', port), 'ECONNREFUSED');
          assert.equal(await network.ask(client, protocol, node, nodePort + 10), 'ECONNREFUSED');
        });

        test(`${protocol} from ${client}: a client stays with its endpoint`, async () => {
          assert.equal((await reached(client, protocol, '10.96.0.30', port)).size, 1);
        });
      }
    }

    test('A Pod reaches itself through the VIP, and sees the node as its client', async () => {
      assert.match(await network.ask('pod1', 'TCP', '10.96.0.40', 80), /^pod1 (?!10\.244\.)/);
    });

    test('Policy Local keeps the client’s address, and only endpoints of this node answer', async () => {
      const answers = new Set<string>();
      for (let i = 0; i < 20; i++) answers.add(await network.ask('outside', 'TCP', node, 30110));
      assert.deepEqual([...answers], ['pod1 172.30.1.2']);
    });

    test('Policy Local without an endpoint here: silence for outside, service for Pods and the node', async () => {
      assert.equal(await network.ask('outside', 'TCP', node, 30120, 300), 'timeout');
      assert.match(await network.ask('pod2', 'TCP', node, 30120), /^remote /);
      assert.match(await network.ask('node', 'TCP', node, 30120), /^remote /);
    });

    test('A node port on 127.0.0.1 works, as kube-proxy’s iptables mode has it', async () => {
      assert.match(await network.ask('node', 'TCP', '127.0.0.1', 30080), /^(pod1|pod2|remote) /);
    });
  });
}

type Ask = Parameters<TestNetwork['ask']>;
