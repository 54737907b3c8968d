import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Deployment,
  EndpointSlice,
  Endpoints,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  type Resource,
  Secret,
  Service,
} from '../mod.ts';
import { applyDefaults } from './apply-defaults.ts';
import { pullPolicyOf } from './pod.ts';

const podSpecDefaults = {
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  terminationGracePeriodSeconds: 30,
  schedulerName: 'default-scheduler',
  securityContext: {},
};
const containerDefaults = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
};
const container = { name: 'web', image: 'web:1' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
const filledTemplate = {
  ...template,
  spec: { ...podSpecDefaults, containers: [{ ...container, ...containerDefaults }] },
};
const selector = { matchLabels: { app: 'web' } };

const cases: [string, Resource, object, object][] = [
  [
    'a bare Service',
    Service,
    { spec: { ports: [{ port: 80 }] } },
    {
      spec: {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      },
    },
  ],
  [
    'ClientIP affinity lasts three hours',
    Service,
    { spec: { type: 'NodePort', sessionAffinity: 'ClientIP', clusterIP: '10.96.0.5' } },
    {
      spec: {
        type: 'NodePort',
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Cluster',
        clusterIP: '10.96.0.5',
        clusterIPs: ['10.96.0.5'],
      },
    },
  ],
  [
    'affinity given up takes its configuration along',
    Service,
    { spec: { sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } } },
    { spec: { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' } },
  ],
  [
    'a LoadBalancer',
    Service,
    { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local' } },
    {
      spec: {
        type: 'LoadBalancer',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Local',
        allocateLoadBalancerNodePorts: true,
      },
    },
  ],
  [
    'an ExternalName has no traffic policy',
    Service,
    { spec: { type: 'ExternalName', externalName: 'example.com' } },
    { spec: { type: 'ExternalName', externalName: 'example.com', sessionAffinity: 'None' } },
  ],
  [
    'a Pod',
    Pod,
    {
      spec: {
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { port: 80 }, failureThreshold: 0, periodSeconds: 2 },
            resources: { limits: { cpu: 1, memory: '1024Mi' }, requests: { cpu: 0.1 } },
            env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
          },
        ],
        volumes: [{ name: 'data' }, { name: 'conf', configMap: { name: 'c' } }],
      },
    },
    {
      spec: {
        ...podSpecDefaults,
        enableServiceLinks: true,
        serviceAccountName: 'default',
        serviceAccount: 'default',
        containers: [
          {
            ...container,
            ...containerDefaults,
            ports: [{ containerPort: 80, protocol: 'TCP' }],
            readinessProbe: {
              httpGet: { port: 80, path: '/', scheme: 'HTTP' },
              timeoutSeconds: 1,
              periodSeconds: 2,
              successThreshold: 1,
              failureThreshold: 3,
            },
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } },
            env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName', apiVersion: 'v1' } } }],
          },
        ],
        volumes: [
          { name: 'data', emptyDir: {} },
          { name: 'conf', configMap: { name: 'c', defaultMode: 420 } },
        ],
      },
    },
  ],
  [
    'a Pod of the host network has its ports on the host',
    Pod,
    {
      spec: {
        hostNetwork: true,
        serviceAccount: 'dns',
        containers: [{ ...container, ports: [{ containerPort: 53 }] }],
      },
    },
    {
      spec: {
        ...podSpecDefaults,
        hostNetwork: true,
        enableServiceLinks: true,
        serviceAccountName: 'dns',
        serviceAccount: 'dns',
        containers: [
          { ...container, ...containerDefaults, ports: [{ containerPort: 53, hostPort: 53, protocol: 'TCP' }] },
        ],
      },
    },
  ],
  [
    'a Deployment',
    Deployment,
    { spec: { selector, template } },
    {
      spec: {
        selector,
        template: filledTemplate,
        replicas: 1,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
      },
    },
  ],
  [
    'a Deployment of no Pods stays one of none',
    Deployment,
    { spec: { replicas: 0, selector, template, strategy: { type: 'Recreate' } } },
    {
      spec: {
        selector,
        template: filledTemplate,
        replicas: 0,
        strategy: { type: 'Recreate' },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
      },
    },
  ],
  [
    'a ReplicaSet',
    ReplicaSet,
    { spec: { selector, template } },
    { spec: { selector, template: filledTemplate, replicas: 1 } },
  ],
  [
    'a Secret in plain text',
    Secret,
    { data: { a: 'MQ==' }, stringData: { a: '2', b: 'ü' } },
    { type: 'Opaque', data: { a: 'Mg==', b: 'w7w=' } },
  ],
  [
    'ports of Endpoints',
    Endpoints,
    { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
    { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] }] },
  ],
  [
    'ports of an EndpointSlice',
    EndpointSlice,
    { addressType: 'IPv4', endpoints: [], ports: [{ port: 80 }] },
    { addressType: 'IPv4', endpoints: [], ports: [{ port: 80, name: '', protocol: 'TCP' }] },
  ],
  [
    'a Namespace is labelled with its name',
    Namespace,
    { metadata: { name: 'a', labels: { x: 'y' } } },
    { metadata: { name: 'a', labels: { x: 'y', 'kubernetes.io/metadata.name': 'a' } } },
  ],
  [
    'a Node may use all that it has',
    Node,
    { status: { capacity: { pods: '110' } } },
    { spec: {}, status: { capacity: { pods: '110' }, allocatable: { pods: '110' } } },
  ],
  [
    'what counts as not given is not kept',
    Service,
    {
      metadata: { name: 'a', creationTimestamp: null, labels: {} },
      spec: { type: '', selector: {}, ports: [], prots: 1 },
      status: {},
    },
    {
      metadata: { name: 'a' },
      spec: { type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' },
      status: {},
    },
  ],
];
for (const [name, resource, given, expected] of cases) {
  test(`defaults: ${name}`, () => {
    const before = structuredClone(given);
    const filled = applyDefaults(resource, given);
    assert.deepEqual(filled, expected);
    assert.deepEqual(applyDefaults(resource, filled), expected, 'a second time');
    assert.deepEqual(given, before, 'the argument');
  });
}

const images: [string, string][] = [
  ['web', 'Always'],
  ['web:latest', 'Always'],
  ['web:1', 'IfNotPresent'],
  ['registry:5000/web', 'Always'],
  ['registry:5000/web:1', 'IfNotPresent'],
  ['web@sha256:0123', 'IfNotPresent'],
  ['', 'Always'],
];
for (const [image, policy] of images) {
  test(`the image ${JSON.stringify(image)} is pulled ${policy}`, () => assert.equal(pullPolicyOf(image), policy));
}
