import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allResources,
  ConfigMap,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Lease,
  Namespace,
  Node,
  ReplicaSet,
  type Resource,
  Secret,
  Service,
  ServiceAccount,
} from '../mod.ts';
import { tableOf } from './table.ts';

const kind = (name: string) => allResources.find((resource) => resource.kind === name)!;
const nowMs = Date.UTC(2026, 0, 1, 0, 5);
const metadata = { name: 'x', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' };

/** A row under its headings; what is not named is not looked at. */
const cells = (resource: Resource, object: object): Record<string, unknown> => {
  const { columns, row } = tableOf(resource);
  const values = row({ metadata, ...object } as never, nowMs);
  return Object.fromEntries(columns.map(({ name }, index) => [name, values[index]]));
};

const template = {
  spec: {
    containers: [
      { name: 'a', image: 'a:1' },
      { name: 'b', image: 'b:1' },
    ],
  },
};
const selector = {
  matchLabels: { app: 'web' },
  matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }],
};
const address = (ip: string) => ({ ip });
const port = (fields: object) => ({ port: 80, protocol: 'TCP', ...fields });

const cases: [string, Resource, object, Record<string, unknown>][] = [
  [
    'a Service',
    Service,
    {
      spec: {
        type: 'NodePort',
        clusterIPs: ['10.96.0.7'],
        ports: [port({ nodePort: 30_001 }), port({ port: 53, protocol: 'UDP' })],
        selector: { b: '2', a: '1' },
      },
    },
    {
      Name: 'x',
      Type: 'NodePort',
      'Cluster-IP': '10.96.0.7',
      'External-IP': '<none>',
      'Port(s)': '80:30001/TCP,53/UDP',
      Age: '5m',
      Selector: 'a=1,b=2',
    },
  ],
  [
    'a headless Service without ports',
    Service,
    { spec: { type: 'ClusterIP', clusterIPs: ['None'], externalIPs: ['1.2.3.4', '1.2.3.5'] } },
    { 'Cluster-IP': 'None', 'External-IP': '1.2.3.4,1.2.3.5', 'Port(s)': '<none>', Selector: '<none>' },
  ],
  ['a LoadBalancer that waits', Service, { spec: { type: 'LoadBalancer' } }, { 'External-IP': '<pending>' }],
  [
    'a LoadBalancer that has addresses',
    Service,
    {
      spec: { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
      status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { hostname: 'a.b' }, { ip: '1.1.1.1' }] } },
    },
    { 'External-IP': '1.1.1.1,2.2.2.2,a.b,9.9.9.9' },
  ],
  [
    'an ExternalName',
    Service,
    { spec: { type: 'ExternalName', externalName: 'a.b' } },
    { 'Cluster-IP': '<none>', 'External-IP': 'a.b' },
  ],
  ['no Endpoints', Endpoints, {}, { Endpoints: '<none>', Age: '5m' }],
  [
    'Endpoints that are not ready',
    Endpoints,
    { subsets: [{ notReadyAddresses: [address('10.0.0.1')], ports: [port({})] }] },
    { Endpoints: '' },
  ],
  [
    'three Endpoints',
    Endpoints,
    { subsets: [{ addresses: ['10.0.0.1', '10.0.0.2', 'fd00::1'].map(address), ports: [port({ port: 9376 })] }] },
    { Endpoints: '10.0.0.1:9376,10.0.0.2:9376,[fd00::1]:9376' },
  ],
  [
    'more Endpoints, port by port',
    Endpoints,
    { subsets: [{ addresses: ['10.0.0.1', '10.0.0.2'].map(address), ports: [port({ port: 1 }), port({ port: 2 })] }] },
    { Endpoints: '10.0.0.1:1,10.0.0.2:1,10.0.0.1:2 + 1 more...' },
  ],
  [
    'Endpoints without ports',
    Endpoints,
    { subsets: [{ addresses: [address('10.0.0.1')] }] },
    { Endpoints: '10.0.0.1' },
  ],
  [
    'an EndpointSlice',
    EndpointSlice,
    {
      addressType: 'IPv4',
      ports: [{ port: 80 }, { name: 'any' }, {}],
      endpoints: ['1', '2', '3', '4'].map((last) => ({ addresses: [`10.0.0.${last}`] })),
    },
    { AddressType: 'IPv4', Ports: '80,any,*', Endpoints: '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...' },
  ],
  [
    'an empty EndpointSlice',
    EndpointSlice,
    { addressType: 'IPv4', endpoints: [] },
    { Ports: '<unset>', Endpoints: '<unset>' },
  ],
  [
    'a Deployment',
    Deployment,
    {
      spec: { replicas: 3, selector, template },
      status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
    },
    {
      Ready: '2/3',
      'Up-to-date': 1,
      Available: 2,
      Age: '5m',
      Containers: 'a,b',
      Images: 'a:1,b:1',
      Selector: 'app=web,tier in (a,b)',
    },
  ],
  [
    'a ReplicaSet',
    ReplicaSet,
    { spec: { replicas: 3, selector, template }, status: { replicas: 2 } },
    { Desired: 3, Current: 2, Ready: 0 },
  ],
  [
    'a Node',
    Node,
    {
      metadata: {
        ...metadata,
        labels: {
          'node-role.kubernetes.io/worker': '',
          'node-role.kubernetes.io/control-plane': '',
          'kubernetes.io/role': 'worker',
        },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [
          { type: 'Hostname', address: 'x' },
          { type: 'InternalIP', address: '1.1.1.1' },
        ],
        nodeInfo: { kubeletVersion: 'v1', osImage: 'Debian' },
      },
    },
    {
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane,worker',
      Version: 'v1',
      'Internal-IP': '1.1.1.1',
      'External-IP': '<none>',
      'OS-Image': 'Debian',
      'Kernel-Version': '<unknown>',
    },
  ],
  [
    'a Node that is silent',
    Node,
    { spec: {}, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
    { Status: 'NotReady', Roles: '<none>' },
  ],
  ['a Node that never spoke', Node, {}, { Status: 'Unknown', Version: '' }],
  ['a Namespace', Namespace, { status: { phase: 'Active' } }, { Status: 'Active', Age: '5m' }],
  ['a ConfigMap', ConfigMap, { data: { a: '' }, binaryData: { b: '' } }, { Data: 2 }],
  [
    'a StatefulSet',
    kind('StatefulSet'),
    { spec: { replicas: 3, template, selector }, status: { readyReplicas: 1 } },
    { Ready: '1/3', Age: '5m', Containers: 'a,b', Images: 'a:1,b:1' },
  ],
  [
    'a DaemonSet',
    kind('DaemonSet'),
    {
      spec: { template: { spec: { ...template.spec, nodeSelector: { disk: 'ssd' } } }, selector },
      status: { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1, updatedNumberScheduled: 2 },
    },
    { Desired: 3, Current: 2, Ready: 1, 'Up-to-date': 2, Available: 0, 'Node Selector': 'disk=ssd' },
  ],
  [
    'a ControllerRevision',
    kind('ControllerRevision'),
    {
      metadata: {
        ...metadata,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }],
      },
      revision: 4,
    },
    { Controller: 'statefulset.apps/web', Revision: 4 },
  ],
  [
    'a Job that is done',
    kind('Job'),
    {
      spec: { completions: 3, parallelism: 1, template },
      status: {
        succeeded: 3,
        startTime: '2026-01-01T00:00:00Z',
        completionTime: '2026-01-01T00:01:30Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
    },
    { Status: 'Complete', Completions: '3/3', Duration: '90s', Selector: '<none>' },
  ],
  [
    'a Job under way for whoever is first',
    kind('Job'),
    { spec: { parallelism: 2, template }, status: { startTime: '2026-01-01T00:04:00Z' } },
    { Status: 'Running', Completions: '0/1 of 2', Duration: '60s' },
  ],
  [
    'an Ingress',
    kind('Ingress'),
    {
      spec: { ingressClassName: 'own', rules: ['a', 'b', 'c', 'd'].map((host) => ({ host })), tls: [{}] },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb' }] } },
    },
    { Class: 'own', Hosts: 'a,b,c + 1 more...', Address: '192.0.2.1,lb', Ports: '80, 443' },
  ],
  [
    'an Ingress for every host',
    kind('Ingress'),
    { spec: { rules: [{}] } },
    { Class: '<none>', Hosts: '*', Ports: '80' },
  ],
  [
    'an IPAddress',
    kind('IPAddress'),
    { spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } } },
    { ParentRef: 'services/default/web' },
  ],
  [
    'a ServiceCIDR',
    kind('ServiceCIDR'),
    { spec: { cidrs: ['10.0.0.0/8', 'fd00::/112'] } },
    { CIDRs: '10.0.0.0/8,fd00::/112' },
  ],
  [
    'a PodDisruptionBudget',
    kind('PodDisruptionBudget'),
    { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 2 } },
    { 'Min Available': '50%', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 2 },
  ],
  ['a PriorityClass', kind('PriorityClass'), { value: 7 }, { Value: 7, 'Global-Default': 'false' }],
  ['a Secret', Secret, { type: 'Opaque', data: { a: '' } }, { Type: 'Opaque', Data: 1 }],
  ['a ServiceAccount', ServiceAccount, {}, { Secrets: 0 }],
  ['a Lease', Lease, { spec: { holderIdentity: 'node1' } }, { Holder: 'node1' }],
  [
    'an Event that came again',
    Event,
    {
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec' },
      type: 'Warning',
      reason: 'BackOff',
      message: ' no luck\n',
      count: 4,
      source: { component: 'agent', host: 'node1' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:04:00Z',
    },
    {
      'Last Seen': '60s',
      Type: 'Warning',
      Reason: 'BackOff',
      Object: 'pod/p',
      Subobject: 'spec',
      Source: 'agent, node1',
      Message: 'no luck',
      'First Seen': '5m',
      Count: 4,
      Name: 'x',
    },
  ],
  [
    'an Event of the newer form',
    Event,
    { involvedObject: { kind: 'Node' }, eventTime: '2026-01-01T00:04:30.000000Z', reportingComponent: 'scheduler' },
    { 'Last Seen': '30s', Object: 'node', Source: 'scheduler', Count: 1 },
  ],
];
for (const [name, resource, object, expected] of cases) {
  test(`the row of ${name}`, () => {
    const found = cells(resource, object);
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((column) => [column, found[column]])), expected);
  });
}

test('every kind has a table of its own, with as many cells as columns', () => {
  const minimal = {
    spec: { containers: [], selector: {}, template: { spec: { containers: [] } } },
    endpoints: [],
    involvedObject: {},
    roleRef: {},
  };
  for (const resource of allResources) {
    const { columns, row } = tableOf(resource);
    assert.equal(row({ metadata, ...minimal } as never, nowMs).length, columns.length);
    assert.ok(columns.length >= 2, resource.kind);
    assert.equal(columns.filter(({ format }) => format === 'name').length, 1, resource.kind);
    assert.deepEqual(Object.keys(columns[0]!).sort(), ['description', 'format', 'name', 'priority', 'type']);
  }
});
