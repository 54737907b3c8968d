import type { serviceSpec } from '../kinds/service.ts';
import type { GivenOf } from '../schema.ts';
import { setDefaults } from './set-default.ts';

type ServiceSpec = GivenOf<typeof serviceSpec>;

/** Three hours: how long a client keeps its endpoint under ClientIP affinity unless the Service says otherwise. */
const affinityTimeoutSeconds = 10_800;

/** Addresses, node ports and address families are the allocator's to fill in. */
export function defaultServiceSpec(spec: ServiceSpec): void {
  setDefaults(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
  defaultAffinity(spec);
  for (const port of spec.ports ?? []) {
    setDefaults(port, { protocol: 'TCP' });
    if (!port.targetPort) port.targetPort = port.port;
  }
  if (spec.type !== 'ExternalName') setDefaults(spec, { internalTrafficPolicy: 'Cluster' });
  if (isExternal(spec)) setDefaults(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec.type === 'LoadBalancer') setDefaults(spec, { allocateLoadBalancerNodePorts: true });
  // Writers may give only the older single field; readers find both.
  if (spec.clusterIP && !spec.clusterIPs) spec.clusterIPs = [spec.clusterIP];
}

function defaultAffinity(spec: ServiceSpec): void {
  if (spec.sessionAffinity === 'ClientIP') {
    const timeoutSeconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinityTimeoutSeconds;
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds } };
  } else {
    delete spec.sessionAffinityConfig;
  }
}

/** Whether traffic may come from outside the cluster: by node port, load balancer or an external address. */
export const isExternal = (spec: Pick<ServiceSpec, 'type' | 'externalIPs'>): boolean =>
  spec.type === 'NodePort' ||
  spec.type === 'LoadBalancer' ||
  (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
