import type { EndpointSlice, Node, Service } from '../../src/kube/mod.ts';
import type { TrafficSettings } from '../../src/proxy/dataplane/port.ts';
import { type Family, Ledger, type PortPlan, planService } from '../../src/proxy/plan/mod.ts';
import { readSettings } from '../../src/proxy/settings.ts';
import { addresses } from '../../src/proxy/testing/network.ts';
import { service, slice } from '../../src/proxy/testing/objects.ts';
import { factsOf, nodeView } from '../../src/proxy/track/mod.ts';
import { type EndpointPlace, endpointPort, type Scenario, targets } from './scenario.ts';

export interface PlannedScenario {
  readonly ports: readonly PortPlan[];
  readonly settings: TrafficSettings;
}

/** From Kubernetes objects, as the proxy itself would. */
export function planScenario(scenario: Scenario, family: Family): PlannedScenario {
  const view = nodeView('node1', nodeObject(scenario));
  const defaults = { clusterCidr: '10.244.0.0/16,fd00:10:244::/48', serviceCidr: '10.96.0.0/16,fd00:10:96::/112' };
  const settings = readSettings({ ...defaults, ...scenario.settings })(view, family);
  const ledger = new Ledger();
  const { ports } = planService(
    serviceObject(scenario, family),
    [sliceObject(scenario, family)],
    factsOf(view, family),
  );
  ledger.update('default/web', ports);
  return { ports: [...ledger.ports()], settings };
}

function nodeObject({ zone }: Scenario): Node {
  const node = [addresses.node.IPv4, addresses.node.IPv6];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: 'node1',
      uid: 'uid-node1',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(zone !== undefined && { labels: { 'topology.kubernetes.io/zone': zone } }),
    },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] },
    status: { addresses: node.map((address) => ({ type: 'InternalIP', address })) },
  } as Node;
}

function serviceObject({ spec, protocol = 'TCP' }: Scenario, family: Family): Service {
  const at = targets[family];
  const web = service('web', at.vip, {
    ports: [{ protocol, port: 80, targetPort: endpointPort, nodePort: 30080 }],
    spec: { type: 'LoadBalancer', externalIPs: [at.external], ...spec?.(at) },
  });
  return { ...web, status: { loadBalancer: { ingress: [{ ip: at.lb, ipMode: 'VIP' }] } } };
}

function sliceObject({ endpoints, protocol = 'TCP' }: Scenario, family: Family): EndpointSlice {
  const list = endpoints.map((endpoint) => {
    const { at, ...more } = typeof endpoint === 'string' ? { at: endpoint } : endpoint;
    return { addresses: [addresses[at][family]], nodeName: nodeOf(at), ...more };
  });
  return slice('web', list, { addressType: family, ports: [{ name: '', protocol, port: endpointPort }] });
}

const nodeOf = (place: EndpointPlace): string => (place === 'remote' ? 'node2' : 'node1');
