import { ConfigMap, Event, Lease, Node, Secret } from '../mod.ts';
import { testCases } from './validation-case.ts';

testCases([
  {
    name: 'keys',
    resource: ConfigMap,
    object: { data: { 'a b': '', '..x': '', both: '' }, binaryData: { both: '' } },
    errors: [
      'data[a b]: Invalid value: "a b": a valid config key must consist of…',
      'data[..x]: Invalid value: "..x": must not start with \'..\'',
      'data[both]: Invalid value: "both": duplicate of key present in binaryData',
    ],
  },
  { name: 'a mebibyte', resource: ConfigMap, object: { data: { a: 'x'.repeat(1_048_576) } }, errors: [] },
  {
    name: 'a byte more',
    resource: ConfigMap,
    object: { data: { a: 'x'.repeat(1_048_576), b: 'x' } },
    errors: ['[]: Too long: may not be more than 1048576 bytes'],
  },
  {
    name: 'a change of what is fixed',
    resource: ConfigMap,
    before: { immutable: true, data: { a: '1' } },
    object: { immutable: false, data: { a: '2' } },
    errors: [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  },
  {
    name: 'a certificate without its key',
    resource: Secret,
    object: { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
    errors: ['data[tls.key]: Required value'],
  },
  {
    name: 'another type',
    resource: Secret,
    before: {},
    object: { type: 'x' },
    errors: ['type: Invalid value: "x": field is immutable'],
  },
  {
    name: 'a lease of no time',
    resource: Lease,
    object: { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
    errors: [
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    name: 'another range for Pods',
    resource: Node,
    before: { spec: { podCIDRs: ['10.244.1.0/24'] } },
    object: { spec: { podCIDRs: ['10.244.2.0/24'] } },
    errors: ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
  },
  {
    name: 'a taint',
    resource: Node,
    object: { spec: { taints: [{ key: 'a', effect: 'Never' }] } },
    errors: [
      'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
    ],
  },
  {
    name: 'an event about a node',
    resource: Event,
    object: { involvedObject: { kind: 'Node', name: 'a' } },
    errors: [],
  },
  {
    name: 'an event in another namespace',
    resource: Event,
    object: { involvedObject: { kind: 'Pod', name: 'a', namespace: 'b' } },
    errors: ['involvedObject.namespace: Invalid value: "b": does not match event.namespace'],
  },
]);
