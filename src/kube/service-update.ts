import { isDeepStrictEqual } from 'node:util';
import { isExternal } from './defaults/service.ts';
import type { Service, ServiceSpec } from './kinds/service.ts';

/**
 * What an update of a Service means for the fields that the server allocated (upstream's patchAllocatedValues and
 * dropTypeDependentFields): left out, they stay; unchanged and of no use to the new type, they go. Returns a fresh copy
 * of `after`; call it after `applyDefaults` and before `validateUpdate`.
 */
export function carryServiceOver(before: Service, after: Service): Service {
  const carried = structuredClone(after);
  keepAllocations(before.spec, carried.spec);
  syncClusterIps(before.spec, carried.spec);
  dropUseless(before.spec, carried.spec);
  return carried;
}

const needsClusterIp = ({ type }: ServiceSpec) => type !== 'ExternalName';

const needsNodePorts = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec) =>
  type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);

const needsHealthCheck = ({ type, externalTrafficPolicy }: ServiceSpec) =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

function keepAllocations(before: ServiceSpec, after: ServiceSpec): void {
  if (needsClusterIp(before) && needsClusterIp(after)) {
    if (!after.clusterIP && !after.clusterIPs?.length) {
      if (before.clusterIP) after.clusterIP = before.clusterIP;
      if (before.clusterIPs) after.clusterIPs = [...before.clusterIPs];
    }
    if (!after.ipFamilies?.length && before.ipFamilies) after.ipFamilies = [...before.ipFamilies];
    if (!after.ipFamilyPolicy && before.ipFamilyPolicy) after.ipFamilyPolicy = before.ipFamilyPolicy;
  }
  if (needsNodePorts(before) && needsNodePorts(after)) keepNodePorts(before, after);
  if (needsHealthCheck(before) && needsHealthCheck(after) && before.healthCheckNodePort) {
    after.healthCheckNodePort ||= before.healthCheckNodePort;
  }
}

/** A port keeps its node port by its name, unless another port of the new Service has taken it. */
function keepNodePorts(before: ServiceSpec, after: ServiceSpec): void {
  const taken = new Set((after.ports ?? []).map(({ nodePort }) => nodePort).filter(Boolean));
  const byName = new Map((before.ports ?? []).map(({ name, nodePort }) => [name ?? '', nodePort]));
  for (const port of after.ports ?? []) {
    const former = byName.get(port.name ?? '');
    if (port.nodePort || !former || taken.has(former)) continue;
    port.nodePort = former;
    taken.add(former);
  }
}

/** Who changes only one of the two fields for the same thing means both. */
function syncClusterIps(before: ServiceSpec, after: ServiceSpec): void {
  const single = after.clusterIP !== before.clusterIP;
  const plural = !isDeepStrictEqual(after.clusterIPs, before.clusterIPs);
  if (single && !plural && after.clusterIP) after.clusterIPs = [after.clusterIP, ...(after.clusterIPs ?? []).slice(1)];
  else if (single && !plural) delete after.clusterIPs;
  else if (plural && !single && after.clusterIPs?.[0]) after.clusterIP = after.clusterIPs[0];
}

function dropUseless(before: ServiceSpec, after: ServiceSpec): void {
  if (needsClusterIp(before) && !needsClusterIp(after)) {
    dropUnchanged(before, after, 'clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy');
  }
  if (needsNodePorts(before) && !needsNodePorts(after) && isDeepStrictEqual(nodePortsOf(before), nodePortsOf(after))) {
    for (const port of after.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheck(before) && !needsHealthCheck(after)) dropUnchanged(before, after, 'healthCheckNodePort');
  if (before.type === 'LoadBalancer' && after.type !== 'LoadBalancer') {
    dropUnchanged(before, after, 'allocateLoadBalancerNodePorts', 'loadBalancerClass');
  }
  if (isExternal(before) && !isExternal(after)) dropUnchanged(before, after, 'externalTrafficPolicy');
}

function dropUnchanged(before: ServiceSpec, after: ServiceSpec, ...names: (keyof ServiceSpec)[]): void {
  for (const name of names) if (isDeepStrictEqual(before[name], after[name])) delete after[name];
}

const nodePortsOf = ({ ports }: ServiceSpec) => (ports ?? []).map(({ nodePort }) => nodePort ?? 0);
