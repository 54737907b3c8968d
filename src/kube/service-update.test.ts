import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDefaults, carryServiceOver, Service, validateUpdate } from './mod.ts';

const metadata = { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
const service = (spec: object) =>
  applyDefaults(Service, { apiVersion: 'v1', kind: 'Service', metadata, spec }) as unknown as Service;

const clusterIP = '10.96.0.7';
const http = { name: 'http', port: 80, protocol: 'TCP', targetPort: 80 };
const allocated = { clusterIP, clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' };
const onNodePort = { ...allocated, type: 'NodePort', ports: [{ ...http, nodePort: 30_007 }] };

const cases: [string, object, object, (spec: Service['spec']) => [unknown, unknown], string[]?][] = [
  [
    'what is left out stays',
    onNodePort,
    { type: 'NodePort', ports: [http] },
    (spec) => [
      [spec.clusterIP, spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy, spec.ports?.[0]?.nodePort],
      [clusterIP, [clusterIP], ['IPv4'], 'SingleStack', 30_007],
    ],
  ],
  [
    'a node port follows its name, not its place',
    {
      ...onNodePort,
      ports: [
        { ...http, nodePort: 30_007 },
        { ...http, name: 'b', port: 81, nodePort: 30_008 },
      ],
    },
    { type: 'NodePort', ports: [{ ...http, name: 'b', port: 81 }, http, { ...http, name: 'c', port: 82 }] },
    (spec) => [spec.ports?.map(({ nodePort }) => nodePort), [30_008, 30_007, undefined]],
  ],
  [
    'a node port that another port took is not kept',
    onNodePort,
    { type: 'NodePort', ports: [http, { ...http, name: 'b', port: 81, nodePort: 30_007 }] },
    (spec) => [spec.ports?.map(({ nodePort }) => nodePort), [undefined, 30_007]],
  ],
  [
    'to ClusterIP: node ports and the external policy go',
    { ...onNodePort, externalTrafficPolicy: 'Local' },
    { ...onNodePort, type: 'ClusterIP', externalTrafficPolicy: 'Local' },
    (spec) => [
      [spec.ports?.[0]?.nodePort, spec.externalTrafficPolicy, spec.clusterIP],
      [undefined, undefined, clusterIP],
    ],
  ],
  [
    'to ExternalName: the address goes',
    { ...allocated, ports: [http] },
    { ...allocated, type: 'ExternalName', externalName: 'a.b', ports: [http] },
    (spec) => [
      [spec.clusterIP, spec.clusterIPs, spec.ipFamilies],
      [undefined, undefined, undefined],
    ],
  ],
  [
    'from LoadBalancer: its own fields go',
    { ...onNodePort, type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    { ...onNodePort, type: 'NodePort', loadBalancerClass: 'a/b', allocateLoadBalancerNodePorts: true },
    (spec) => [
      [spec.loadBalancerClass, spec.allocateLoadBalancerNodePorts],
      [undefined, undefined],
    ],
  ],
  [
    'one of the two address fields changed means both, and is refused as such',
    { ...allocated, ports: [http] },
    { ...allocated, clusterIP: '10.96.0.8', ports: [http] },
    (spec) => [spec.clusterIPs, ['10.96.0.8']],
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'],
  ],
];
for (const [name, before, after, expect, errors = []] of cases) {
  test(`a Service updated: ${name}`, () => {
    const old = service(before);
    const wanted = service(after);
    const given = structuredClone(wanted);
    const carried = carryServiceOver(old, wanted);
    const [actual, expected] = expect(carried.spec);
    assert.deepEqual(actual, expected);
    assert.deepEqual(wanted, given, 'the argument');
    assert.deepEqual(
      validateUpdate(Service, old, carried).map(({ path, message }) => `${path}: ${message}`),
      errors,
    );
  });
}
