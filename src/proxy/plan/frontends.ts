import type { Service, ServicePort } from '../../kube/mod.ts';
import { canonicalAddress } from './addresses.ts';
import type { Family, Frontend } from './model.ts';

/**
 * Where a Service port is reached. An address that is there in two ways counts once, in this order, which is that of
 * kube-proxy's rules: a load balancer's address that is an external IP as well is not behind the source ranges.
 */
export function frontendsOf(service: Service, port: ServicePort, clusterIp: string, family: Family): Frontend[] {
  const frontends: Frontend[] = [{ kind: 'cluster-ip', address: clusterIp, port: port.port }];
  const add = (kind: Frontend['kind'], text: string) => {
    const address = canonicalAddress(text, family);
    if (address === undefined || frontends.some((one) => one.address === address)) return;
    frontends.push({ kind, address, port: port.port });
  };
  for (const address of service.spec.externalIPs ?? []) add('external-ip', address);
  for (const { ip = '', ipMode } of service.status?.loadBalancer?.ingress ?? []) {
    // KEP-1860: a proxying load balancer sends to the node port, so that its own address must not be short-circuited.
    if (ipMode !== 'Proxy') add('load-balancer', ip);
  }
  if (port.nodePort) frontends.push({ kind: 'node-port', port: port.nodePort });
  return frontends;
}
