import type { EndpointSlice, Node, Service } from '../../src/kube/mod.ts';
import type { TrafficSettings } from '../../src/proxy/dataplane/port.ts';
import { type Family, Ledger, type PortPlan, planService } from '../../src/proxy/plan/mod.ts';
import { readSettings } from '../../src/proxy/settings.ts';
import { addresses } from '../../src/proxy/testing/network.ts';
import { service, slice } from '../../src/proxy/testing/objects.ts';
import { factsOf, nodeView } from '../../src/proxy/track/mod.ts';
import { type EndpointPlace, endpointPort, type Scenario, type ScenarioSlice, targets } from './scenario.ts';

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
  const update = (one: Service, ...slices: EndpointSlice[]) =>
    ledger.update(`default/${one.metadata.name}`, planService(one, slices, factsOf(view, family)).ports);
  const { endpoints, slicePorts, moreSlices = [], neighbour } = scenario;
  const slices = [{ endpoints, ...(slicePorts && { ports: slicePorts }) }, ...moreSlices];
  update(
    serviceObject(scenario, family),
    ...slices.map((one, i) => sliceObject('web', scenario, one, family, `web-${i + 1}`)),
  );
  if (neighbour) update(neighbourObject(family), sliceObject('neighbour', scenario, { endpoints: neighbour }, family));
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

function serviceObject(scenario: Scenario, family: Family): Service {
  const { spec, labels, ports, protocol = 'TCP', ipMode = 'VIP' } = scenario;
  const { ingress = ipMode === 'VIP' ? 'lb' : 'balancer' } = scenario;
  const at = targets[family];
  const web = service('web', at.vip, {
    ports: ports ? [...ports] : [{ protocol, port: 80, targetPort: endpointPort, nodePort: 30080 }],
    ...(labels && { labels }),
    spec: { type: 'LoadBalancer', externalIPs: [at.external], ...spec?.(at) },
  });
  return { ...web, status: { loadBalancer: { ingress: [{ ip: at[ingress], ipMode }] } } };
}

function neighbourObject(family: Family): Service {
  const { external, lb } = targets[family];
  const neighbour = service('neighbour', family === 'IPv4' ? '10.96.0.11' : 'fd00:10:96::11', {
    ports: [{ protocol: 'TCP', port: 81, targetPort: endpointPort }],
    spec: { type: 'LoadBalancer', externalIPs: [external] },
  });
  return { ...neighbour, status: { loadBalancer: { ingress: [{ ip: lb }] } } };
}

function sliceObject(
  name: string,
  { protocol = 'TCP' }: Scenario,
  { endpoints, ports = [{ name: '', protocol, port: endpointPort }], labels }: ScenarioSlice,
  family: Family,
  sliceName = `${name}-1`,
): EndpointSlice {
  const list = endpoints.map((endpoint) => {
    const { at, ...more } = typeof endpoint === 'string' ? { at: endpoint } : endpoint;
    return { addresses: [addresses[at][family]], nodeName: nodeOf(at), ...more };
  });
  return slice(name, list, { name: sliceName, addressType: family, ports, ...(labels && { labels }) });
}

const nodeOf = (place: EndpointPlace): string => (place === 'remote' ? 'node2' : 'node1');
