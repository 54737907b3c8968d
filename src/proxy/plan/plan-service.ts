import { isIPv4, isIPv6 } from 'node:net';
import type { EndpointSlice, Service, ServicePort } from '../../kube/mod.ts';
import { chooseEndpoints } from './choose-endpoints.ts';
import type { Family, Frontend, NodeFacts, PortDraft } from './model.ts';

/** Labels and types with which a Service says that no proxy, or another one, is to serve it. */
const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';

export const serviceNameLabel = 'kubernetes.io/service-name';

/** kube-proxy does not even watch objects with these labels, be they Services or EndpointSlices. */
function isForUs(object: Service | EndpointSlice): boolean {
  const labels = object.metadata.labels;
  return labels === undefined || !(serviceProxyNameLabel in labels || headlessLabel in labels);
}

/**
 * What a Service asks of this node: one draft per port, none when there is nothing to do for it (headless, ExternalName,
 * somebody else's, no VIP of this family).
 */
export function planService(service: Service, slices: Iterable<EndpointSlice>, node: NodeFacts): PortDraft[] {
  const vip = clusterIpOf(service, node.family);
  if (vip === undefined) return [];
  const own = [...slices].filter(isForUs);
  return (service.spec.ports ?? []).map((port) => ({
    name: {
      service: `${service.metadata.namespace}/${service.metadata.name}`,
      port: port.name ?? '',
      protocol: port.protocol,
    },
    since: service.metadata.creationTimestamp,
    frontends: frontendsOf(port, vip),
    ...chooseEndpoints(own, port, node),
  }));
}

function frontendsOf(port: ServicePort, vip: string): Frontend[] {
  const clusterIp: Frontend = { kind: 'cluster-ip', address: vip, port: port.port };
  return port.nodePort ? [clusterIp, { kind: 'node-port', port: port.nodePort }] : [clusterIp];
}

function clusterIpOf(service: Service, family: Family): string | undefined {
  if (!isForUs(service) || service.spec.type === 'ExternalName') return undefined;
  const { clusterIP, clusterIPs = [] } = service.spec;
  const isOfFamily = family === 'IPv4' ? isIPv4 : isIPv6;
  return [...clusterIPs, clusterIP ?? ''].find(isOfFamily);
}
