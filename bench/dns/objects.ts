import type { KubeObject } from '../../src/kube/mod.ts';

/**
 * A cluster of a given size: Services with a VIP and two endpoints each, a hundred to a namespace, and one headless
 * Service of a thousand endpoints. The objects have what real ones have, so that they cost what real ones cost.
 */
const servicesPerNamespace = 100;
const bigEndpoints = 1_000;
const endpointsPerSlice = 100;

export const namespaceOf = (index: number): string => `team-${Math.floor(index / servicesPerNamespace)}`;
export const serviceOf = (index: number): string => `web-${index}`;
/** Without the cluster's domain. */
export const nameOf = (index: number): string => `${serviceOf(index)}.${namespaceOf(index)}.svc`;
/** The headless Service of a thousand endpoints. */
export const big = { namespace: 'default', name: 'big' } as const;

const created = '2026-01-01T00:00:00Z';
const ip = (network: number, index: number): string =>
  `10.${network + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
/** The first addresses are the API server's and this server's own. */
const vipOf = (index: number): string => ip(96, index + 256);

const uidOf = (kind: number, index: number): string =>
  `00000000-0000-4000-800${kind}-${index.toString(16).padStart(12, '0')}`;

export function* namespaces(services: number): Generator<KubeObject> {
  for (let index = 0; index * servicesPerNamespace < services; index++) {
    const name = namespaceOf(index * servicesPerNamespace);
    yield {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, uid: uidOf(0, index), creationTimestamp: created },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    } as unknown as KubeObject;
  }
}

export const service = (index: number): KubeObject =>
  withSpec(index, namespaceOf(index), serviceOf(index), vipOf(index));
export const bigService = (): KubeObject => withSpec(-1, big.namespace, big.name, 'None');

const withSpec = (index: number, namespace: string, name: string, clusterIP: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      uid: uidOf(1, index + 1),
      creationTimestamp: created,
      labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': namespace, tier: 'backend' },
      annotations: { 'example.com/owner': `${namespace}@example.com` },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      selector: { 'app.kubernetes.io/name': name },
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  }) as unknown as KubeObject;

/** @param generation another one has other addresses */
export const slice = (index: number, generation = 0): KubeObject =>
  sliceOf(namespaceOf(index), serviceOf(index), index, [
    ip(128, index * 2 + 1 + generation * 7),
    ip(128, index * 2 + 2 + generation * 7),
  ]);

export function* bigSlices(): Generator<KubeObject> {
  for (let first = 0; first < bigEndpoints; first += endpointsPerSlice) {
    const addresses = Array.from({ length: endpointsPerSlice }, (_, index) => ip(192, first + index + 1));
    yield sliceOf(big.namespace, big.name, -1 - first, addresses);
  }
}

/** The headless Service that changes in `dns-change`, and its slice with this one address ready. */
export const moving = { namespace: 'default', name: 'moving' } as const;
export const movingService = (): KubeObject => withSpec(-2, moving.namespace, moving.name, 'None');
export const movingSlice = (address: string): KubeObject => sliceOf(moving.namespace, moving.name, -5_000, [address]);

const sliceOf = (namespace: string, service: string, index: number, addresses: readonly string[]): KubeObject =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-${Math.abs(index)}`,
      namespace,
      uid: uidOf(2, Math.abs(index)),
      creationTimestamp: created,
      generation: 1,
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'app.kubernetes.io/name': service,
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': created },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name: service,
          uid: uidOf(1, index + 1),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address, endpoint) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${endpoint % 50}`,
      zone: 'zone-a',
      targetRef: {
        kind: 'Pod',
        namespace,
        name: `${service}-${address.replaceAll('.', '-')}`,
        uid: uidOf(3, Math.abs(index)),
      },
    })),
  }) as unknown as KubeObject;
