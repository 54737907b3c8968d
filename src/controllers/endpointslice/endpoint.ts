import type { Endpoint, EndpointPort, Node, Pod, Service } from '../../kube/mod.ts';
import { isReady, isTerminating } from '../shared/pods.ts';
import {
  addressOf,
  hasEndpoint,
  hostnameIn,
  type IpFamily,
  referenceTo,
  targetPortOf,
} from '../shared/service-pods.ts';
import type { WantedEndpoint } from '../shared/slices.ts';
import { zoneLabel } from './hints.ts';

/** The node by its name, while it exists. */
export type NodeLookup = (name: string) => Node | undefined;

/** What the Service's slices of a family should hold, in the order of `pods`. */
export function wantedEndpoints(
  service: Service,
  pods: readonly Pod[],
  nodeOf: NodeLookup,
  family: IpFamily,
): WantedEndpoint[] {
  return pods
    .filter((pod) => hasEndpoint(pod, family, true) && isOnKnownNode(service, pod, nodeOf))
    .map((pod) => ({
      endpoint: endpointOf(service, pod, nodeOf, family),
      ports: portsOf(service, pod),
    }));
}

/** A Pod that its node has left behind would otherwise stay in the slices until it is collected (as upstream). */
const isOnKnownNode = ({ spec }: Service, pod: Pod, nodeOf: NodeLookup): boolean =>
  spec.publishNotReadyAddresses === true ||
  (pod.spec.nodeName !== undefined && nodeOf(pod.spec.nodeName) !== undefined);

/** KEP-1672: `serving` is the Pod's readiness, `ready` is that as long as it is not on its way out. */
function endpointOf(service: Service, pod: Pod, nodeOf: NodeLookup, family: IpFamily): Endpoint {
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = hostnameIn(service, pod);
  const { nodeName } = pod.spec;
  const zone = nodeName && nodeOf(nodeName)?.metadata.labels?.[zoneLabel];
  return {
    addresses: [addressOf(pod, family)!],
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: referenceTo(pod),
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
  };
}

/** The Service's ports as this Pod serves them; a named port that it does not have is left out. */
function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { name = '', protocol, appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}
