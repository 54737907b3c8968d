import type { EndpointSlice, Service, ServicePort } from '../../kube/mod.ts';
import { canonicalAddress } from './addresses.ts';
import { clusterGroup, hasUsable, localGroup, readyHere } from './choose-endpoints.ts';
import { type Collect, collect } from './collect.ts';
import { firewallOf, type Problem } from './firewall.ts';
import { frontendsOf } from './frontends.ts';
import type { NodeFacts, PortDraft, Route, TrafficPolicy } from './model.ts';
import { dependsOnZone } from './topology.ts';

/** Labels and types with which a Service says that no proxy, or another one, is to serve it. */
const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';

export const serviceNameLabel = 'kubernetes.io/service-name';

/** What one Service asks of this node in one address family. */
export interface ServiceDraft {
  readonly ports: readonly PortDraft[];
  /** Absent: no load balancer asks for the endpoints of this node. */
  readonly healthCheck?: {
    readonly nodePort: number;
    /** Distinct, ready, and on this node. */
    readonly localEndpoints: number;
  };
  /** What is wrong with the Service; the rest of it is served. */
  readonly problems: readonly Problem[];
}

const nothing: ServiceDraft = { ports: [], problems: [] };

/** kube-proxy does not even watch objects with these labels, be they Services or EndpointSlices. */
function isForUs(object: Service | EndpointSlice): boolean {
  const labels = object.metadata.labels;
  return labels === undefined || !(serviceProxyNameLabel in labels || headlessLabel in labels);
}

/**
 * No ports when there is nothing to do: headless, ExternalName, somebody else's, no cluster IP of this family. `gather` may
 * remember what it has read before (`Collector`).
 */
export function planService(
  service: Service,
  slices: Iterable<EndpointSlice>,
  node: NodeFacts,
  gather: Collect = collect,
): ServiceDraft {
  const clusterIp = clusterIpOf(service, node);
  if (clusterIp === undefined) return nothing;
  const own = [...slices].filter(isForUs);
  const key = `${service.metadata.namespace}/${service.metadata.name}`;
  const { firewall, problems } = firewallOf(service, node);
  const nodePort = healthCheckNodePortOf(service);
  const common = {
    family: node.family,
    since: service.metadata.creationTimestamp,
    ...affinityOf(service),
    ...(firewall && { firewall }),
    ...(nodePort !== undefined && { healthCheckNodePort: nodePort }),
  };
  const local = new Set<string>();
  const ports = (service.spec.ports ?? []).map((port): PortDraft => {
    const frontends = frontendsOf(service, port, clusterIp, node.family);
    const isExternal = frontends.some(({ kind }) => kind !== 'cluster-ip');
    const candidates = gather(key, own, port, node);
    const policies = policiesOf(service, isExternal);
    const groups = {
      // Policy Local for clients outside of the cluster sends those inside to all endpoints all the same.
      ...((policies.internal === 'Cluster' || isExternal) && { cluster: clusterGroup(candidates, node) }),
      ...((policies.internal === 'Local' || policies.external === 'Local') && { local: localGroup(candidates, node) }),
    };
    if (nodePort !== undefined) for (const address of readyHere(candidates, node)) local.add(address);
    const route = (policy: TrafficPolicy): Route => {
      const { endpoints } = policy === 'Local' ? groups.local! : groups.cluster!;
      const verdict =
        endpoints.length > 0 ? 'forward' : policy === 'Local' && hasUsable(candidates) ? 'drop' : 'reject';
      return routes[policy][verdict];
    };
    return {
      name: nameOf(service, port),
      ...common,
      frontends,
      internal: route(policies.internal),
      ...(policies.external && { external: route(policies.external) }),
      ...groups,
    };
  });
  const healthCheck = nodePort === undefined ? {} : { healthCheck: { nodePort, localEndpoints: local.size } };
  return { ports, problems, ...healthCheck };
}

/** Whether this Service's plan could be another one if the node's zone or address changed from one to the other. */
export function dependsOnNode(
  service: Service,
  slices: Iterable<EndpointSlice>,
  before: NodeFacts,
  after: NodeFacts,
): boolean {
  const isMoved = before.zone !== after.zone && dependsOnZone(slices);
  return isMoved || (before.address !== after.address && (service.spec.loadBalancerSourceRanges?.length ?? 0) > 0);
}

/** There are but five, shared by all ports. */
const routes = {
  Cluster: {
    forward: { policy: 'Cluster', verdict: 'forward' },
    reject: { policy: 'Cluster', verdict: 'reject' },
    drop: { policy: 'Cluster', verdict: 'drop' },
  },
  Local: {
    forward: { policy: 'Local', verdict: 'forward' },
    reject: { policy: 'Local', verdict: 'reject' },
    drop: { policy: 'Local', verdict: 'drop' },
  },
} as const satisfies Record<TrafficPolicy, Record<Route['verdict'], Route>>;

const nameOf = ({ metadata }: Service, { name = '', protocol }: ServicePort): PortDraft['name'] => ({
  service: `${metadata.namespace}/${metadata.name}`,
  port: name,
  protocol,
});

function policiesOf({ spec }: Service, isExternal: boolean): { internal: TrafficPolicy; external?: TrafficPolicy } {
  return {
    internal: spec.internalTrafficPolicy ?? 'Cluster',
    ...(isExternal && { external: spec.externalTrafficPolicy ?? 'Cluster' }),
  };
}

/** The default is the API server's, too (v1.DefaultClientIPServiceAffinitySeconds). */
const defaultAffinitySeconds = 10_800;

function affinityOf({ spec }: Service): { affinitySeconds?: number } {
  if (spec.sessionAffinity !== 'ClientIP') return {};
  return { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds };
}

function healthCheckNodePortOf({ spec }: Service): number | undefined {
  if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return undefined;
  return spec.healthCheckNodePort || undefined;
}

function clusterIpOf(service: Service, { family }: NodeFacts): string | undefined {
  if (!isForUs(service) || service.spec.type === 'ExternalName') return undefined;
  const { clusterIP = '', clusterIPs = [] } = service.spec;
  for (const text of [...clusterIPs, clusterIP]) {
    const address = canonicalAddress(text, family);
    if (address !== undefined) return address;
  }
  return undefined;
}
