import { Namespace, Node, Pod, Service } from '../mod.ts';
import { pod, service, testCases } from './validation-case.ts';

const subdomain = 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters…';

testCases([
  {
    name: 'no name',
    resource: Pod,
    object: { ...pod(), metadata: { name: '' } },
    errors: ['metadata.name: Required value: name or generateName is required'],
  },
  {
    name: 'a generated name',
    resource: Pod,
    object: { ...pod(), metadata: { name: '', generateName: 'web-' } },
    errors: [],
  },
  {
    name: 'a name in capitals',
    resource: Pod,
    object: { ...pod(), metadata: { name: 'A' } },
    errors: [`metadata.name: Invalid value: "A": ${subdomain}`],
  },
  {
    name: 'a name of a Service',
    resource: Service,
    object: service({}, { name: '1a' }),
    errors: [
      'metadata.name: Invalid value: "1a": a DNS-1035 label must consist of lower case alphanumeric characters…',
    ],
  },
  {
    name: 'a dot in a namespace',
    resource: Namespace,
    object: { metadata: { name: 'a.b' } },
    errors: ['metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of…'],
  },
  {
    name: 'no namespace',
    resource: Pod,
    object: { ...pod(), metadata: { namespace: '' } },
    errors: ['metadata.namespace: Required value'],
  },
  {
    name: 'a namespace too many',
    resource: Node,
    object: { metadata: { namespace: 'a' } },
    errors: ['metadata.namespace: Forbidden: not allowed on this type'],
  },
  {
    name: 'a label key',
    resource: Pod,
    object: { ...pod(), metadata: { labels: { '-a': 'b' } } },
    errors: ['metadata.labels: Invalid value: "-a": name part must consist of…'],
  },
  {
    name: 'a label value',
    resource: Pod,
    object: { ...pod(), metadata: { labels: { a: 'b c' } } },
    errors: ['metadata.labels[a]: Invalid value: "b c": a valid label must be an empty string or consist of…'],
  },
  {
    name: 'an annotation key',
    resource: Pod,
    object: { ...pod(), metadata: { annotations: { 'a/b/c': '' } } },
    errors: ['metadata.annotations: Invalid value: "a/b/c": a qualified name must consist of…'],
  },
  {
    name: 'annotations too long',
    resource: Pod,
    object: { ...pod(), metadata: { annotations: { a: 'x'.repeat(262_144) } } },
    errors: ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  },
  {
    name: 'an owner without uid',
    resource: Pod,
    object: { ...pod(), metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '' }] } },
    errors: ['metadata.ownerReferences[0].uid: Required value: must not be empty'],
  },
  {
    name: 'a new uid',
    resource: Pod,
    before: { ...pod(), metadata: { uid: 'a' } },
    object: { ...pod(), metadata: { uid: 'b' } },
    errors: ['metadata.uid: Invalid value: "b": field is immutable'],
  },
  { name: 'a uid left out', resource: Pod, before: { ...pod(), metadata: { uid: 'a' } }, object: pod(), errors: [] },
  {
    name: 'a new finalizer on what is being deleted',
    resource: Pod,
    before: { ...pod(), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    object: { ...pod(), metadata: { finalizers: ['a.b/c'] } },
    errors: [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ["a.b/c"]',
    ],
  },
]);
