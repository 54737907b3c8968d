import { isIPv4, isIPv6 } from 'node:net';
import { controllerReference, type EndpointPort, type EndpointSlice, Endpoints, type Service } from '../../kube/mod.ts';
import { serviceNameLabel } from '../shared/indexes.ts';
import { hasManagedEndpoints, type IpFamily } from '../shared/service-pods.ts';
import {
  managedByLabel,
  planSlices,
  type SliceFrame,
  type SliceWrites,
  type WantedEndpoint,
} from '../shared/slices.ts';

export const managerName = 'endpointslicemirroring-controller.k8s.io';
/** Of one subset; a slice takes as many, so that a subset is one slice for each family. */
export const maxAddresses = 1000;

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** What speaks of the Endpoints object alone, and would double its size. */
const ownAnnotations: readonly string[] = [
  'endpoints.kubernetes.io/last-change-trigger-time',
  'kubectl.kubernetes.io/last-applied-configuration',
];

type Address = NonNullable<NonNullable<Endpoints['subsets']>[number]['addresses']>[number];

/** Whether the Endpoints were made by hand for a Service that has no selector. */
export const isMirrored = (endpoints: Endpoints, service: Service | undefined): boolean =>
  service !== undefined &&
  service.metadata.deletionTimestamp === undefined &&
  service.spec.type !== 'ExternalName' &&
  !hasManagedEndpoints(service) &&
  endpoints.metadata.deletionTimestamp === undefined &&
  endpoints.metadata.labels?.[skipLabel] !== 'true' &&
  endpoints.metadata.annotations?.[leaderAnnotation] === undefined;

export interface MirrorPlan {
  readonly writes: SliceWrites;
  /** Addresses that are none, and addresses that are too many in their subset. */
  readonly invalid: number;
  readonly excess: number;
}

/** The writes by which the slices say what the Endpoints say. */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorPlan {
  const wanted = new Map<IpFamily, WantedEndpoint[]>();
  let invalid = 0;
  let excess = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const all = [
      ...addresses.map((of) => ({ of, ready: true })),
      ...notReadyAddresses.map((of) => ({ of, ready: false })),
    ];
    let room = maxAddresses;
    for (const { of, ready } of all) {
      const family = isIPv4(of.ip) ? 'IPv4' : isIPv6(of.ip) ? 'IPv6' : undefined;
      if (!family) invalid++;
      else if (room-- <= 0) excess++;
      else {
        if (!wanted.has(family)) wanted.set(family, []);
        wanted.get(family)!.push({ endpoint: endpointOf(of, ready), ports: portsOf(ports) });
      }
    }
  }
  return { writes: planSlices(frameOf(endpoints), wanted, existing), invalid, excess };
}

const endpointOf = ({ ip, hostname, nodeName, targetRef }: Address, ready: boolean) => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname && { hostname }),
  ...(nodeName && { nodeName }),
  ...(targetRef && { targetRef }),
});

const portsOf = (ports: NonNullable<NonNullable<Endpoints['subsets']>[number]['ports']>): EndpointPort[] =>
  ports.map(({ name = '', protocol = 'TCP', port, appProtocol }) => ({
    name,
    protocol,
    port,
    ...(appProtocol !== undefined && { appProtocol }),
  }));

function frameOf(endpoints: Endpoints): SliceFrame {
  const { name, namespace, labels, annotations = {} } = endpoints.metadata;
  const kept = Object.fromEntries(Object.entries(annotations).filter(([key]) => !ownAnnotations.includes(key)));
  return {
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: managerName },
      ...(Object.keys(kept).length > 0 && { annotations: kept }),
      ownerReferences: [controllerReference(Endpoints, endpoints)],
    },
    maxEndpoints: maxAddresses,
    keepsOneEmpty: false,
  };
}
