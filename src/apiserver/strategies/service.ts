import { isDeepStrictEqual } from 'node:util';
import type { Service, ServiceSpec } from '../../kube/mod.ts';
import { claimForService, type ServiceAllocation } from '../allocation/service-allocation.ts';
import { hasClusterIp, hasHealthCheckPort, hasNodePorts } from '../allocation/service-needs.ts';
import type { Strategy } from '../registry/strategy.ts';
import { settleFamilies } from './ip-families.ts';

export function serviceStrategy(allocation: ServiceAllocation): Strategy<Service> {
  return {
    createsOnUpdate: true,
    prepareCreate(draft) {
      draft.status = { loadBalancer: {} };
      alignAddresses(draft.spec);
      settleFamilies(draft, undefined, allocation.ranges);
    },
    prepareUpdate(draft, before) {
      keepAllocated(draft.spec, before.spec);
      dropUnneeded(draft.spec, before.spec);
      alignAddresses(draft.spec);
      settleFamilies(draft, before.spec, allocation.ranges);
    },
    claim: (draft, before) => claimForService(allocation, draft, before),
  };
}

/** A writer who knows nothing of what was allocated (an apply, a PUT without it) keeps it (patchAllocatedValues). */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (hasClusterIp(spec) && hasClusterIp(before)) {
    spec.clusterIP ||= before.clusterIP;
    // Who writes the older field alone means both (NormalizeClusterIPs).
    const meansBoth = spec.clusterIP !== before.clusterIP && isDeepStrictEqual(spec.clusterIPs, before.clusterIPs);
    if (meansBoth) spec.clusterIPs = [spec.clusterIP!];
    if (!spec.clusterIPs?.length && spec.clusterIP === before.clusterIP) spec.clusterIPs = before.clusterIPs!.slice();
  }
  if (hasNodePorts(spec) && hasNodePorts(before)) keepNodePorts(spec, before);
  if (hasHealthCheckPort(spec) && hasHealthCheckPort(before)) spec.healthCheckNodePort ||= before.healthCheckNodePort;
}

function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const given = new Set(spec.ports?.map(({ protocol, nodePort }) => `${protocol}/${nodePort}`));
  for (const port of spec.ports ?? []) {
    const old = before.ports?.find((other) => other.protocol === port.protocol && other.port === port.port);
    if (!port.nodePort && old?.nodePort && !given.has(`${port.protocol}/${old.nodePort}`)) port.nodePort = old.nodePort;
  }
}

/** What the new type has no use for goes, unless the writer just set it (dropTypeDependentFields). */
function dropUnneeded(spec: ServiceSpec, before: ServiceSpec): void {
  if (hasNodePorts(before) && !hasNodePorts(spec) && sameNodePorts(spec, before))
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (
    hasHealthCheckPort(before) &&
    !hasHealthCheckPort(spec) &&
    spec.healthCheckNodePort === before.healthCheckNodePort
  )
    delete spec.healthCheckNodePort;
  if (hasNodePorts(before) && !hasNodePorts(spec) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy;
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (spec.type === 'ExternalName' && before.type !== 'ExternalName') dropAddresses(spec, before);
}

function dropAddresses(spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.clusterIP !== undefined && spec.clusterIP !== before.clusterIP) return;
  delete spec.clusterIP;
  delete spec.clusterIPs;
  delete spec.ipFamilies;
  delete spec.ipFamilyPolicy;
}

const nodePortsOf = (spec: ServiceSpec) => new Set(spec.ports?.flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])));
const sameNodePorts = (spec: ServiceSpec, before: ServiceSpec) =>
  isDeepStrictEqual(nodePortsOf(spec), nodePortsOf(before));

/** `clusterIP` is the older field; who sets only that one means both. */
function alignAddresses(spec: ServiceSpec): void {
  if (spec.type === 'ExternalName') return;
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  if (spec.clusterIP === '') delete spec.clusterIP;
}
