import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { printRule, serviceChain } from '../../../wire/iptables/mod.ts';
import { Ledger, type PortPlan, planService } from '../../plan/mod.ts';
import { trafficSettings } from '../../testing/fake-dataplane.ts';
import { service, slice, tcp, udp } from '../../testing/objects.ts';
import type { TrafficSettings } from '../port.ts';
import { comparePorts } from './compare.ts';
import { compileFixed } from './compile-fixed.ts';
import { compilePort } from './compile-port.ts';

const node = { name: 'node1', family: 'IPv4', address: '172.30.1.1' } as const;

type ServiceObject = Parameters<typeof planService>[0];
type SliceObject = ReturnType<typeof slice>;

/** The ports of one Service as they are planned for node1. */
function plans(object: ServiceObject, ...slices: SliceObject[]): PortPlan[] {
  const ledger = new Ledger();
  ledger.update('x', planService(object, slices, node).ports);
  return [...ledger.ports()];
}

/** Lines as `iptables-save` has them, with the table before. */
function linesOf(ports: readonly PortPlan[], settings: TrafficSettings, endpointComments = true): string[] {
  return ports.flatMap((port) => {
    const { chains, shared } = compilePort(port, settings, { endpointComments });
    return [
      ...shared.map(({ table, chain, rule }) => `${table}: -A ${chain} ${printRule(rule)}`),
      ...chains.flatMap(({ table, name, rules }) => rules.map((rule) => `${table}: -A ${name} ${printRule(rule)}`)),
    ];
  });
}

const inCluster = trafficSettings({ localDetector: { kind: 'source-range', range: '10.244.0.0/16' } });

/** After a deliberate change: `node --test --test-update-snapshots FILE`, and read the difference. */
function isGolden(t: TestContext, lines: readonly string[], name: string): void {
  const file = path.join(import.meta.dirname, 'golden', name);
  t.assert.fileSnapshot(`${lines.join('\n')}\n`, file, { serializers: [(value) => value] });
}

test('The hostnames of the example: three endpoints behind one VIP', (t) => {
  const ports = [{ name: 'default', protocol: 'TCP' as const, port: 80, targetPort: 9376 }];
  const slicePorts = [{ name: 'default', protocol: 'TCP' as const, port: 9376 }];
  const endpoints = ['10.244.3.6', '10.244.1.7', '10.244.2.3'];
  const lines = linesOf(
    plans(service('hostnames', '10.0.1.175', { ports }), slice('hostnames', endpoints, { ports: slicePorts })),
    inCluster,
  );
  isGolden(t, lines, 'hostnames.txt');
});

test('A node port as in the example: nginx-service on 30028', (t) => {
  const object = service('nginx-service', '10.100.254.226', { ports: [tcp(80, { nodePort: 30028 })] });
  const endpoints = ['172.31.179.80', '172.31.179.81', '172.31.179.82'];
  const ports = [{ name: '', protocol: 'TCP' as const, port: 80 }];
  const lines = linesOf(plans(object, slice('nginx-service', endpoints, { ports })), trafficSettings());
  isGolden(t, lines, 'node-port.txt');
});

test('What does not depend on Services', (t) => {
  const { hooks, chains, sharedChains } = compileFixed(trafficSettings({ nodePorts: { localhost: true } }));
  const lines = [
    ...hooks.map(({ table, chain, rule }) => `${table}: -I ${chain} ${printRule(rule)}`),
    ...[...chains, ...sharedChains.map((chain) => ({ ...chain, rules: chain.tail }))].flatMap(
      ({ table, name, rules }) => [
        `${table}: :${name}`,
        ...rules.map((rule) => `${table}: -A ${name} ${printRule(rule)}`),
      ],
    ),
  ];
  isGolden(t, lines, 'fixed.txt');
});

describe('One semantic after the other', () => {
  const local = { addresses: ['10.244.1.2'], nodeName: 'node1' };
  const remote = { addresses: ['10.244.2.2'], nodeName: 'node2' };
  const external = {
    spec: { type: 'LoadBalancer' as const, externalIPs: ['192.0.2.1'] },
    ports: [tcp(80, { nodePort: 30080 })],
  };
  const withIngress = (object: ServiceObject, ip: string): ServiceObject => ({
    ...object,
    status: { loadBalancer: { ingress: [{ ip }] } },
  });
  const web = (spec: Partial<ServiceObject['spec']> = {}) =>
    withIngress(service('web', '10.96.0.10', { ...external, spec: { ...external.spec, ...spec } }), '198.51.100.1');

  /** What must be among the lines, and what in none of them. */
  function check(lines: readonly string[], present: readonly string[], absent: readonly RegExp[] = []): void {
    for (const line of present) assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
    for (const pattern of absent)
      assert.deepEqual(
        lines.filter((line) => pattern.test(line)),
        [],
      );
  }

  test('No endpoints: rejected in the filter table, and nothing in nat', () => {
    const lines = linesOf(plans(web()), inCluster);
    const reject = '-j REJECT --reject-with icmp-port-unreachable';
    const about = '-m comment --comment "default/web has no endpoints"';
    check(
      lines,
      [
        `filter: -A KUBE-SERVICES -d 10.96.0.10/32 -p tcp ${about} -m tcp --dport 80 ${reject}`,
        `filter: -A KUBE-EXTERNAL-SERVICES -d 192.0.2.1/32 -p tcp ${about} -m tcp --dport 80 ${reject}`,
        `filter: -A KUBE-EXTERNAL-SERVICES -d 198.51.100.1/32 -p tcp ${about} -m tcp --dport 80 ${reject}`,
        `filter: -A KUBE-EXTERNAL-SERVICES -p tcp ${about} -m addrtype --dst-type LOCAL -m tcp --dport 30080 ${reject}`,
      ],
      [/^nat/],
    );
  });

  test('externalTrafficPolicy Local with an endpoint here: short cuts for Pods and the node, no masquerade for others', () => {
    const lines = linesOf(plans(web({ externalTrafficPolicy: 'Local' }), slice('web', [local, remote])), inCluster);
    const name = { service: 'default/web', port: '', protocol: 'TCP' };
    const [ext, svc, svl] = (['external', 'cluster', 'local'] as const).map((kind) => serviceChain(kind, name));
    const about = (what: string) => `-m comment --comment "${what} traffic for default/web external destinations"`;
    assert.deepEqual(
      lines.filter((line) => line.startsWith('nat: -A KUBE-EXT-')),
      [
        `nat: -A ${ext} -s 10.244.0.0/16 ${about('pod')} -j ${svc}`,
        `nat: -A ${ext} ${about('masquerade LOCAL')} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
        `nat: -A ${ext} ${about('route LOCAL')} -m addrtype --src-type LOCAL -j ${svc}`,
        `nat: -A ${ext} -j ${svl}`,
      ],
    );
    check(lines, [], [/no (local )?endpoints/]);
  });

  test('externalTrafficPolicy Local without an endpoint here: dropped, but not for Pods and the node', () => {
    const lines = linesOf(plans(web({ externalTrafficPolicy: 'Local' }), slice('web', [remote])), inCluster);
    const about = '-m comment --comment "default/web has no local endpoints"';
    check(
      lines,
      [
        `filter: -A KUBE-EXTERNAL-SERVICES -d 192.0.2.1/32 -p tcp ${about} -m tcp --dport 80 -j DROP`,
        `filter: -A KUBE-EXTERNAL-SERVICES -p tcp ${about} -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP`,
      ],
      [/KUBE-SVL-/, /filter: -A KUBE-SERVICES /],
    );
    assert.equal(lines.filter((line) => line.includes('route LOCAL')).length, 1);
  });

  test('internalTrafficPolicy Local without an endpoint here: dropped at the VIP only', () => {
    const lines = linesOf(plans(web({ internalTrafficPolicy: 'Local' }), slice('web', [remote])), inCluster);
    check(
      lines,
      [
        'filter: -A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web has no local endpoints" -m tcp --dport 80 -j DROP',
      ],
      [/KUBE-EXTERNAL-SERVICES/, /cluster IP/],
    );
  });

  test('loadBalancerSourceRanges: a firewall before the load balancer address, and a drop behind it', () => {
    const ranges = ['203.0.113.0/24', '172.30.0.0/16'];
    const lines = linesOf(plans(web({ loadBalancerSourceRanges: ranges }), slice('web', [remote])), inCluster);
    const hash = /KUBE-FW-(\w+)/.exec(lines.join('\n'))![1]!;
    const about = '-m comment --comment "default/web loadbalancer IP"';
    check(lines, [
      `nat: -A KUBE-SERVICES -d 198.51.100.1/32 -p tcp ${about} -m tcp --dport 80 -j KUBE-FW-${hash}`,
      `filter: -A KUBE-PROXY-FIREWALL -d 198.51.100.1/32 -p tcp -m comment --comment "default/web traffic not accepted by KUBE-FW-${hash}" -m tcp --dport 80 -j DROP`,
      `nat: -A KUBE-FW-${hash} -s 203.0.113.0/24 ${about} -j KUBE-EXT-${hash}`,
      `nat: -A KUBE-FW-${hash} -s 172.30.0.0/16 ${about} -j KUBE-EXT-${hash}`,
      // The node itself is in a range, and may use the load balancer's address as its source.
      `nat: -A KUBE-FW-${hash} -s 198.51.100.1/32 ${about} -j KUBE-EXT-${hash}`,
      `nat: -A KUBE-FW-${hash} -m comment --comment "other traffic to default/web will be dropped by KUBE-PROXY-FIREWALL"`,
    ]);
  });

  test('sessionAffinity: known clients first, and every endpoint notes who comes', () => {
    const affinity = {
      sessionAffinity: 'ClientIP' as const,
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 300 } },
    };
    const lines = linesOf(plans(service('web', '10.96.0.10', { spec: affinity }), slice('web', [remote])), inCluster);
    const chain = lines.filter((line) => line.startsWith('nat: -A KUBE-SVC-'));
    assert.match(
      chain[1]!,
      /-m recent --rcheck --seconds 300 --reap --name (KUBE-SEP-\w+) --mask 255\.255\.255\.255 --rsource -j \1$/,
    );
    assert.match(chain[2]!, /-m comment --comment "default\/web -> 10\.244\.2\.2:9376" -j KUBE-SEP-/);
    assert.equal(
      lines.filter((line) => /-A (KUBE-SEP-\w+) .*-m recent --set --name \1 .*-j DNAT/.test(line)).length,
      1,
    );
  });

  test('Detectors of Pods: by source, bridge or interface name; none at all; masquerade all', () => {
    const masquerade = (more: Partial<TrafficSettings>) =>
      linesOf(plans(service('web', '10.96.0.10'), slice('web', [remote])), trafficSettings(more))
        .filter((line) => line.includes('cluster IP') && line.endsWith('KUBE-MARK-MASQ'))
        .map((line) => line.replace(/^nat: -A \S+ (.*) -p tcp.*$/, '$1'));
    const vip = '-d 10.96.0.10/32';
    assert.deepEqual(masquerade({ localDetector: { kind: 'none' } }), []);
    assert.deepEqual(masquerade({ masqueradeAll: true }), [vip]);
    assert.deepEqual(masquerade({ localDetector: { kind: 'source-range', range: '10.244.0.0/16' } }), [
      `! -s 10.244.0.0/16 ${vip}`,
    ]);
    assert.deepEqual(masquerade({ localDetector: { kind: 'bridge', interface: 'cbr0' } }), [`${vip} ! -i cbr0`]);
    assert.deepEqual(masquerade({ localDetector: { kind: 'interface-prefix', prefix: 'veth' } }), [
      `${vip} ! -i veth+`,
    ]);
  });

  test('UDP and SCTP, a health check port, and no comments where there are very many endpoints', () => {
    const sctp = { ...tcp(70, { name: 's' }), protocol: 'SCTP' as const };
    const object = service('dns', '10.96.0.10', { ports: [udp(53, { name: 'd' }), sctp] });
    const ports = [
      { name: 'd', protocol: 'UDP' as const, port: 5353 },
      { name: 's', protocol: 'SCTP' as const, port: 7070 },
    ];
    const lines = linesOf(plans(object, slice('dns', [remote], { ports })), trafficSettings(), false);
    check(lines, [], [/KUBE-SEP-\w+ .*comment/]);
    for (const text of [
      '-p udp -m udp -j DNAT --to-destination 10.244.2.2:5353',
      '-p sctp -m sctp -j DNAT --to-destination 10.244.2.2:7070',
      '-p sctp -m comment --comment "default/dns:s cluster IP" -m sctp --dport 70 ',
    ]) {
      assert.equal(lines.filter((line) => line.includes(text)).length, 1, text);
    }
    const health = linesOf(
      plans(web({ externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 }), slice('web', [local])),
      inCluster,
    );
    check(health, [
      'filter: -A KUBE-NODEPORTS -p tcp -m comment --comment "default/web health check node port" -m tcp --dport 32000 -j ACCEPT',
    ]);
  });

  test('Node port ranges: addresses of the node in them, never loopback unless it is asked for', () => {
    const tail = (nodePorts: TrafficSettings['nodePorts'], family: 'IPv4' | 'IPv6' = 'IPv4') =>
      compileFixed(trafficSettings({ family, nodePorts }))
        .sharedChains.find(({ table, name }) => table === 'nat' && name === 'KUBE-SERVICES')!
        .tail.map((rule) => printRule(rule).replace(/-m comment --comment "[^"]*" /, ''));
    const jump = '-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS';
    assert.deepEqual(tail({ localhost: false }), [`! -d 127.0.0.0/8 ${jump}`]);
    assert.deepEqual(tail({ localhost: true }), [jump]);
    assert.deepEqual(tail({ localhost: true }, 'IPv6'), [`! -d ::1/128 ${jump}`]);
    assert.deepEqual(tail({ ranges: ['192.168.0.0/16', '127.0.0.0/8'], localhost: false }), [
      `-d 192.168.0.0/16 ${jump}`,
    ]);
    assert.deepEqual(tail({ ranges: ['0.0.0.0/0'], localhost: false }), ['-d 127.0.0.0/8 -j RETURN', jump]);
    assert.deepEqual(tail({ ranges: [], localhost: false }), []);
  });
});

test('One endpoint more, less or another changes one rule of the chain, at any length', () => {
  const addresses = Array.from({ length: 50 }, (_, i) => `10.244.2.${i + 1}`);
  const ledger = new Ledger();
  const compiled = (list: readonly string[]) => {
    ledger.update('x', planService(service('web', '10.96.0.10'), [slice('web', list)], node).ports);
    return compilePort([...ledger.ports()][0]!, inCluster, { endpointComments: true });
  };
  let before = compiled(addresses);
  for (const list of [[...addresses, '10.244.3.1'], addresses.slice(1), ['10.244.4.1', ...addresses.slice(1)]]) {
    const after = compiled(list);
    const changes = comparePorts(before, after).filter((edit) => edit.do === 'change');
    assert.equal(changes.length, 1);
    const [change] = changes;
    const kept = change!.after.filter((rule) => change!.before.includes(printRule(rule))).length;
    assert.ok(kept >= change!.after.length - 3, `${kept} of ${change!.after.length}`);
    before = after;
  }
});
