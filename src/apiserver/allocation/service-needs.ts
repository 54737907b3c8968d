import type { ServicePort, ServiceSpec } from '../../kube/mod.ts';
import { canonicalAddress } from './address-range.ts';

/** Whether a Service has a virtual address at all. */
export const hasClusterIp = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName' && spec.clusterIP !== 'None';

/** Whether its ports are open on the nodes' own addresses. */
export const hasNodePorts = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';

/** Whether ports that give no node port get one. */
export const wantsNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);

/** KEP-1138: load balancers ask every node on this port whether it has endpoints of its own. */
export const hasHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

export const portName = (protocol: string, port: number): string => `${protocol.toLowerCase()}/${port}`;
const healthCheckName = (port: number) => portName('TCP', port);

/** What a Service holds, as the names of the pools' entries. */
export interface Holdings {
  readonly addresses: ReadonlySet<string>;
  readonly ports: ReadonlySet<string>;
}

export function holdingsOf(spec: ServiceSpec | undefined): Holdings {
  if (!spec) return { addresses: new Set(), ports: new Set() };
  const given = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const addresses = hasClusterIp(spec) ? given.map((address) => canonicalAddress(address) ?? address) : [];
  const ports = (spec.ports ?? []).filter((port) => port.nodePort).map((port) => nodePortName(port));
  if (spec.healthCheckNodePort) ports.push(healthCheckName(spec.healthCheckNodePort));
  return { addresses: new Set(addresses), ports: new Set(hasNodePorts(spec) ? ports : []) };
}

const nodePortName = (port: ServicePort) => portName(port.protocol, port.nodePort!);
