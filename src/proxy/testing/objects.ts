import type { EndpointSlice, Node, Service } from '../../kube/mod.ts';
import { FakeInformer } from './fake-informer.ts';

/** Kubernetes objects in few words, for tests and benchmarks of the proxy. */

interface ServiceOptions {
  readonly ports?: Service['spec']['ports'];
  readonly spec?: Partial<Service['spec']>;
  readonly labels?: Record<string, string>;
  readonly created?: string;
}

/** In namespace `default`, with one TCP port 80 unless told otherwise. */
export function service(name: string, clusterIP: string, options: ServiceOptions = {}): Service {
  const { ports = [tcp(80)], spec = {}, labels, created = '2026-01-01T00:00:00Z' } = options;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name, created, labels),
    spec: { type: 'ClusterIP', sessionAffinity: 'None', clusterIP, clusterIPs: [clusterIP], ports, ...spec },
  };
}

type Port = NonNullable<Service['spec']['ports']>[number];

export const tcp = (port: number, more: Partial<Port> = {}): Port => ({
  protocol: 'TCP',
  port,
  targetPort: port,
  ...more,
});
export const udp = (port: number, more: Partial<Port> = {}): Port => ({ ...tcp(port, more), protocol: 'UDP' });
export const sctp = (port: number, more: Partial<Port> = {}): Port => ({ ...tcp(port, more), protocol: 'SCTP' });

type SliceEndpoint = EndpointSlice['endpoints'][number];

interface SliceOptions {
  /** Default: the Service's name and `-1`. */
  readonly name?: string;
  readonly ports?: EndpointSlice['ports'];
  readonly addressType?: EndpointSlice['addressType'];
  readonly labels?: Record<string, string>;
}

/** Addresses stand for ready endpoints. */
export function slice(
  service: string,
  endpoints: readonly (string | SliceEndpoint)[],
  options: SliceOptions = {},
): EndpointSlice {
  const {
    name = `${service}-1`,
    ports = [{ name: '', protocol: 'TCP', port: 9376 }],
    addressType = 'IPv4',
    labels,
  } = options;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata(name, '2026-01-01T00:00:00Z', { 'kubernetes.io/service-name': service, ...labels }),
    addressType,
    endpoints: endpoints.map((endpoint) => (typeof endpoint === 'string' ? { addresses: [endpoint] } : endpoint)),
    ports,
  };
}

function metadata(name: string, creationTimestamp: string, labels?: Record<string, string>): Service['metadata'] {
  return {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp,
    ...(labels && { labels }),
  };
}

interface NodeOptions {
  readonly zone?: string;
  readonly addresses?: NonNullable<Node['status']>['addresses'];
  readonly podCIDRs?: string[];
}

export function node(name: string, { zone, addresses = [], podCIDRs }: NodeOptions): Node {
  const { namespace: _, ...rest } = metadata(name, '2026-01-01T00:00:00Z', zone === undefined ? {} : zoneLabel(zone));
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: rest,
    spec: { ...(podCIDRs && { podCIDRs }) },
    status: { addresses },
  } as Node;
}

const zoneLabel = (zone: string) => ({ 'topology.kubernetes.io/zone': zone });

/** Nothing is known of any node, and the proxy does not wait for it. */
export function fakeInformers() {
  return {
    services: new FakeInformer<Service>(),
    slices: new FakeInformer<EndpointSlice>(),
    nodes: new FakeInformer<Node>().sync(),
  };
}
