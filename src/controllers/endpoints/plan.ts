import { isDeepStrictEqual } from 'node:util';
import { controllerReference, type Endpoints, type Pod, Service } from '../../kube/mod.ts';
import { isReady } from '../shared/pods.ts';
import {
  addressOf,
  familiesOf,
  hasEndpoint,
  hostnameIn,
  isHeadless,
  referenceTo,
  targetPortOf,
} from '../shared/service-pods.ts';

type Subset = NonNullable<Endpoints['subsets']>[number];
type Address = NonNullable<Subset['addresses']>[number];
type Port = NonNullable<Subset['ports']>[number];

/** Upstream's limit for one object; the rest is left out, and the annotation says so. */
export const maxAddresses = 1000;
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

export type EndpointsWrite =
  | { readonly type: 'create'; readonly endpoints: ReturnType<typeof newEndpoints> }
  | { readonly type: 'update'; readonly endpoints: Endpoints };

/** The write that makes the Service's Endpoints object say what its Pods are; undefined when it does already. */
export function planEndpoints(
  service: Service,
  pods: readonly Pod[],
  existing: Endpoints | undefined,
): EndpointsWrite | undefined {
  const { subsets, isCut } = cut(subsetsOf(service, pods));
  if (!existing) return { type: 'create', endpoints: newEndpoints(service, subsets, isCut) };
  const { [overCapacityAnnotation]: _before, ...others } = existing.metadata.annotations ?? {};
  const annotations = { ...others, ...annotationsOf(isCut) };
  const { subsets: _subsets, ...rest } = existing;
  const { annotations: _annotations, ...metadata } = existing.metadata;
  const endpoints: Endpoints = {
    ...rest,
    metadata: {
      ...metadata,
      labels: labelsOf(service),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    ...(subsets.length > 0 ? { subsets } : {}),
  };
  return isDeepStrictEqual(endpoints, existing) ? undefined : { type: 'update', endpoints };
}

function newEndpoints(service: Service, subsets: Subset[], isCut: boolean) {
  const { name, namespace } = service.metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(service),
      ...(isCut ? { annotations: annotationsOf(true) } : {}),
      ownerReferences: [controllerReference(Service, service)],
    },
    ...(subsets.length > 0 ? { subsets } : {}),
  };
}

const annotationsOf = (isCut: boolean): Record<string, string> =>
  isCut ? { [overCapacityAnnotation]: 'truncated' } : {};

const labelsOf = (service: Service): Record<string, string> => ({
  ...service.metadata.labels,
  ...(isHeadless(service) ? { 'service.kubernetes.io/headless': '' } : {}),
  'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
});

/** Pods with the same ports share a subset. */
function subsetsOf(service: Service, pods: readonly Pod[]): Subset[] {
  const publishAll = service.spec.publishNotReadyAddresses === true;
  const groups = new Map<string, { ports: Port[]; ready: Address[]; notReady: Address[] }>();
  for (const pod of pods) {
    if (!hasEndpoint(pod, familiesOf(service)[0]!, publishAll)) continue;
    const ports = portsOf(service, pod);
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (publishAll || isReady(pod) ? group.ready : group.notReady).push(addressFor(service, pod));
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => subsetOf(group));
}

const subsetOf = ({ ports, ready, notReady }: { ports: Port[]; ready: Address[]; notReady: Address[] }): Subset => ({
  ...(ready.length > 0 ? { addresses: ready.sort(byAddress) } : {}),
  ...(notReady.length > 0 ? { notReadyAddresses: notReady.sort(byAddress) } : {}),
  ...(ports.length > 0 ? { ports } : {}),
});

const byAddress = (a: Address, b: Address) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);

function addressFor(service: Service, pod: Pod): Address {
  const hostname = hostnameIn(service, pod);
  return {
    ip: addressOf(pod, familiesOf(service)[0]!)!,
    ...(hostname ? { hostname } : {}),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: referenceTo(pod),
  };
}

function portsOf(service: Service, pod: Pod): Port[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { name, protocol, appProtocol } = port;
    return [{ ...(name ? { name } : {}), port: number, protocol, ...(appProtocol ? { appProtocol } : {}) }];
  });
}

/** Keeps the first `maxAddresses`, ready ones before others. */
function cut(subsets: Subset[]): { subsets: Subset[]; isCut: boolean } {
  const count = subsets.reduce((sum, s) => sum + (s.addresses?.length ?? 0) + (s.notReadyAddresses?.length ?? 0), 0);
  if (count <= maxAddresses) return { subsets, isCut: false };
  let room = maxAddresses;
  const keep = (addresses: Address[] = []) => {
    const kept = addresses.slice(0, room);
    room -= kept.length;
    return kept;
  };
  const ready = subsets.map(({ addresses }) => keep(addresses));
  const notReady = subsets.map(({ notReadyAddresses }) => keep(notReadyAddresses));
  const left = subsets.map(({ ports = [] }, i) => subsetOf({ ports, ready: ready[i]!, notReady: notReady[i]! }));
  return { subsets: left.filter((subset) => subset.addresses || subset.notReadyAddresses), isCut: true };
}
