import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type Client, createInformer, type Informer } from '../client/mod.ts';
import { EndpointSlice, Namespace, Pod, Service } from '../kube/mod.ts';
import type { ClusterZone } from './zone/mod.ts';

/** The kinds that names are made from; Pods only where Pod records are verified. */
export interface DnsInformers {
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly namespaces: Informer<Namespace>;
  readonly pods?: Informer<Pod>;
}

export function createDnsInformers(options: {
  client: Client;
  clock: Clock;
  log: Logger;
  withPods: boolean;
}): DnsInformers {
  const { withPods, ...common } = options;
  return {
    services: createInformer({ ...common, resource: Service }),
    endpointSlices: createInformer({ ...common, resource: EndpointSlice }),
    namespaces: createInformer({ ...common, resource: Namespace }),
    ...(withPods && { pods: createInformer({ ...common, resource: Pod }) }),
  };
}

/** Has the zone follow the informers; resolves when it holds everything that they listed first. */
export async function followCluster(zone: ClusterZone, informers: DnsInformers): Promise<void> {
  informers.services.onChange((change) => zone.applyService(change));
  informers.endpointSlices.onChange((change) => zone.applySlice(change));
  informers.namespaces.onChange((change) => zone.applyNamespace(change));
  informers.pods?.onChange((change) => zone.applyPod(change));
  await Promise.all(allOf(informers).map((informer) => informer.synced));
}

export const allOf = ({
  services,
  endpointSlices,
  namespaces,
  pods,
}: DnsInformers): Pick<Informer<Service>, 'start' | 'stop' | 'synced'>[] =>
  [services, endpointSlices, namespaces, pods].filter((informer) => informer !== undefined);
