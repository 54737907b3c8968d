import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type Client, createInformer, type Informer } from '../client/mod.ts';
import { EndpointSlice, type KubeObject, Namespace, Pod, Service } from '../kube/port.ts';
import { triggerTime } from './metrics/programming-latency.ts';
import { serviceNameLabel } from './zone/facts.ts';
import type { ClusterZone } from './zone/mod.ts';

/** The part of an informer that the zone follows: it keeps its own copy of what it needs. */
export type ChangeSource<S extends KubeObject> = Pick<Informer<S>, 'onChange' | 'synced'>;

/** The kinds that names are made from; Pods only where Pod records are verified, slices but for `noendpoints`. */
export interface DnsInformers {
  readonly services: ChangeSource<Service>;
  readonly endpointSlices?: ChangeSource<EndpointSlice>;
  readonly namespaces: ChangeSource<Namespace>;
  readonly pods?: ChangeSource<Pod>;
}

export interface DnsInformerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly withPods: boolean;
  readonly withEndpoints?: boolean;
  /** Only Services, EndpointSlices and Pods with these labels: `app=web,tier in (a,b)`. */
  readonly labels?: string;
  readonly namespaceLabels?: string;
}

/** An API server sends a bookmark about once a minute: whoever misses two of them is not heard any more. */
const longestSilenceMs = 150_000;

/** Informers of our own, not started yet. */
export function createDnsInformers(options: DnsInformerOptions) {
  const { withPods, withEndpoints = true, labels, namespaceLabels, client, clock, log } = options;
  const common = { client, clock, log };
  const selected = { ...common, ...(labels !== undefined && { labelSelector: labels }) };
  const services = createInformer({ ...selected, resource: Service, retain: identityOf });
  const namespaces = createInformer({
    ...common,
    resource: Namespace,
    retain: identityOf,
    ...(namespaceLabels !== undefined && { labelSelector: namespaceLabels }),
  });
  const endpointSlices = withEndpoints
    ? createInformer({ ...selected, resource: EndpointSlice, retain: ownerOf })
    : undefined;
  const pods = withPods ? createInformer({ ...selected, resource: Pod, retain: addressesOf }) : undefined;
  const startedMs = clock.monotonicMs();
  const all = [services, namespaces, ...(endpointSlices ? [endpointSlices] : []), ...(pods ? [pods] : [])];
  /** When the server was last heard about the kind that it has been silent about for the longest time. */
  const lastHeardMs = (): number => Math.min(...all.map((informer) => informer.lastHeardMs));
  return {
    informers: {
      services,
      namespaces,
      ...(endpointSlices && { endpointSlices }),
      ...(pods && { pods }),
    } as DnsInformers,
    lastHeardMs,
    /** When the server was last heard, or we began to ask, if that is so long ago that it must be away. */
    awaySince(): Date | undefined {
      const heardMs = lastHeardMs();
      const silentMs = clock.monotonicMs() - Math.max(heardMs, startedMs);
      const patienceMs = Number.isFinite(heardMs) ? longestSilenceMs : 0;
      return silentMs > patienceMs ? new Date(clock.now() - silentMs) : undefined;
    },
    start: (): void => {
      for (const informer of all) informer.start();
    },
    stop: async (): Promise<void> => {
      await Promise.all(all.map((informer) => informer.stop()));
    },
  };
}

/** All that an informer needs of an object whose facts are in the zone. */
const identityOf = <S extends KubeObject>({ metadata: { uid, resourceVersion } }: S): S =>
  ({ metadata: { uid, resourceVersion } }) as S;

/** That, and what says whose slice it was and when it last changed. */
function ownerOf({ metadata }: EndpointSlice): EndpointSlice {
  const { uid, resourceVersion, namespace, labels, annotations } = metadata;
  const of = labels?.[serviceNameLabel];
  const at = annotations?.[triggerTime];
  return {
    metadata: {
      uid,
      resourceVersion,
      namespace,
      ...(of !== undefined && { labels: { [serviceNameLabel]: of } }),
      ...(at !== undefined && { annotations: { [triggerTime]: at } }),
    },
  } as EndpointSlice;
}

/** That, and the addresses by which a Pod had names. */
const addressesOf = ({ metadata: { uid, resourceVersion, namespace, deletionTimestamp }, status = {} }: Pod): Pod =>
  ({
    metadata: { uid, resourceVersion, namespace, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    status: { phase: status.phase, podIP: status.podIP, podIPs: status.podIPs },
  }) as Pod;

/** Has the zone follow the informers; resolves when it holds everything that they listed first. */
export async function followCluster(zone: ClusterZone, informers: DnsInformers): Promise<void> {
  const { services, endpointSlices, namespaces, pods } = informers;
  services.onChange((change) => zone.applyService(change));
  endpointSlices?.onChange((change) => zone.applySlice(change));
  namespaces.onChange((change) => zone.applyNamespace(change));
  pods?.onChange((change) => zone.applyPod(change));
  await Promise.all([services.synced, endpointSlices?.synced, namespaces.synced, pods?.synced]);
}
