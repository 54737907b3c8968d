import type { Change, SharedInformers } from '../../client/mod.ts';
import { keyOf, matchesLabels, Pod, requirementsOfMap, Service, type ServicePort } from '../../kube/mod.ts';
import { labelKeysOf } from './indexes.ts';
import { isFinished, isReady, isTerminating } from './pods.ts';

/** Whether a controller keeps the Service's endpoints; without a selector its user does, by hand. */
export const hasManagedEndpoints = ({ spec }: Service): boolean =>
  spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None';

/** The Pods that the Service's selector selects, in the order of their names. */
export function podsOf(informers: SharedInformers, service: Service): Pod[] {
  const { selector } = service.spec;
  const [key] = labelKeysOf(service.metadata.namespace, selector);
  if (key === undefined) return [];
  const requirements = requirementsOfMap(selector ?? {});
  return [...informers.of(Pod).byIndex('label', key)]
    .filter((pod) => matchesLabels(requirements, pod.metadata.labels))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Keys of the Services whose endpoints a change of a Pod can touch: by its labels before and after. */
export function servicesTouched(informers: SharedInformers, { before, after }: Change<Pod>): Set<string> {
  if (before && after && !concernsEndpoints(before, after)) return new Set();
  const keys = new Set<string>();
  for (const pod of [before, after]) {
    if (!pod) continue;
    for (const label of labelKeysOf(pod.metadata.namespace, pod.metadata.labels)) {
      for (const service of informers.of(Service).byIndex('selector', label)) {
        if (matchesLabels(requirementsOfMap(service.spec.selector ?? {}), pod.metadata.labels))
          keys.add(keyOf(service));
      }
    }
  }
  return keys;
}

/** Everything that an endpoint is made of; most changes of a Pod's status are not among it. */
function concernsEndpoints(before: Pod, after: Pod): boolean {
  return (
    isReady(before) !== isReady(after) ||
    isTerminating(before) !== isTerminating(after) ||
    isFinished(before) !== isFinished(after) ||
    JSON.stringify(addressesOf(before)) !== JSON.stringify(addressesOf(after)) ||
    before.spec.nodeName !== after.spec.nodeName ||
    before.metadata.uid !== after.metadata.uid ||
    JSON.stringify(before.metadata.labels) !== JSON.stringify(after.metadata.labels)
  );
}

export type IpFamily = 'IPv4' | 'IPv6';

const addressesOf = ({ status }: Pod): (string | undefined)[] => [
  ...(status?.podIPs?.map(({ ip }) => ip) ?? []),
  status?.podIP,
];

/** The Pod's address of a family, once it has one. */
export const addressOf = (pod: Pod, family: IpFamily): string | undefined =>
  addressesOf(pod).find((ip) => ip?.includes(family === 'IPv4' ? '.' : ':'));

/** The first one is the family of its older, single-valued fields, and of its Endpoints. */
export const familiesOf = ({ spec }: Service): readonly IpFamily[] =>
  spec.ipFamilies?.length ? spec.ipFamilies : ['IPv4'];

/** Upstream's ShouldPodBeInEndpoints (staging/src/k8s.io/endpointslice/util). */
export const hasEndpoint = (pod: Pod, family: IpFamily, includeTerminating: boolean): boolean =>
  !isFinished(pod) && addressOf(pod, family) !== undefined && (includeTerminating || !isTerminating(pod));

/** Under the DNS name `hostname.service.namespace.svc`, when the Pod asks for it. */
export const hostnameIn = ({ metadata }: Service, { spec }: Pod): string | undefined =>
  spec.hostname && spec.subdomain === metadata.name ? spec.hostname : undefined;

/** The number behind a Service port on this Pod; undefined when the Pod has no port of that name and protocol. */
export function targetPortOf({ spec }: Pod, { targetPort, protocol, port }: ServicePort): number | undefined {
  if (typeof targetPort === 'number') return targetPort || port;
  // Init containers that are sidecars (restartPolicy Always) serve as containers do.
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...spec.containers, ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .find((candidate) => candidate.name === targetPort && candidate.protocol === protocol)?.containerPort;
}

export const referenceTo = ({ metadata }: Pod) => ({
  kind: 'Pod',
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  name: metadata.name,
  uid: metadata.uid,
});
