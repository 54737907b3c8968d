import type { Node, ObjectMeta, Pod, Service, ServicePort } from '../../kube/mod.ts';

/** Objects as a reader finds them in the store, with only what a test says filled in. */
export const metaOf = (name: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name,
  namespace: 'default',
  uid: `uid-${name}`,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

export interface PodTraits {
  readonly ip?: string;
  readonly node?: string;
  readonly phase?: NonNullable<Pod['status']>['phase'];
  readonly isReady?: boolean;
  readonly isTerminating?: boolean;
  readonly ports?: readonly {
    readonly name: string;
    readonly containerPort: number;
    readonly protocol?: 'TCP' | 'UDP';
  }[];
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Partial<Pod['spec']>;
  readonly restarts?: number;
}

/** Running and ready on node1 unless it is said otherwise. */
export function podOf(name: string, traits: PodTraits = {}): Pod {
  const { ip, node = 'node1', phase = 'Running', isReady = true, ports = [], restarts = 0 } = traits;
  const conditions = [{ type: 'Ready', status: isReady ? ('True' as const) : ('False' as const) }];
  const deletion = traits.isTerminating ? { deletionTimestamp: '2026-01-01T00:01:00Z' } : {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metaOf(name, { ...deletion, ...traits.metadata }),
    spec: {
      containers: [{ name: 'c', ports: ports.map((port) => ({ protocol: 'TCP', ...port })) }],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      ...(node === '' ? {} : { nodeName: node }),
      ...traits.spec,
    },
    status: {
      phase,
      conditions,
      ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      containerStatuses: [{ name: 'c', ready: isReady, restartCount: restarts, image: '', imageID: '' }],
    },
  };
}

export const serviceOf = (
  ports: readonly (Pick<ServicePort, 'port'> & Partial<ServicePort>)[],
  spec: Partial<Service['spec']> = {},
): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metaOf('web', { labels: { team: 'a' } }),
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.0.7',
    selector: { app: 'web' },
    sessionAffinity: 'None',
    ports: ports.map((port) => ({ protocol: 'TCP', targetPort: port.port, ...port })),
    ...spec,
  },
});

export const nodeOf = (name: string, more: { labels?: Record<string, string> } = {}): Node => {
  const { namespace: _none, ...metadata } = metaOf(name, more);
  return { apiVersion: 'v1', kind: 'Node', metadata, spec: {} };
};
