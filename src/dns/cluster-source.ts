import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type Client, createInformer, type Informer } from '../client/mod.ts';
import { EndpointSlice, type KubeObject, Namespace, Pod, Service } from '../kube/mod.ts';
import { ExposedChanges, type Exposure } from './exposure.ts';
import type { ClusterZone } from './zone/mod.ts';

/** The part of an informer that the zone follows: it keeps its own copy of what it needs. */
export type ChangeSource<S extends KubeObject> = Pick<Informer<S>, 'onChange' | 'synced'>;

/** The kinds that names are made from; Pods only where Pod records are verified, no slices where endpoints have no names. */
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
  /** Default true. */
  readonly withEndpoints?: boolean;
  /** Only objects with such labels. */
  readonly labels?: string;
  /** Only what is in namespaces of these names, or of such labels. */
  readonly namespaces?: readonly string[];
  readonly namespaceLabels?: string;
}

/** Informers of our own, not started yet. */
export function createDnsInformers(options: DnsInformerOptions) {
  const { withPods, withEndpoints = true, labels, namespaces: names, namespaceLabels } = options;
  const { client, clock, log } = options;
  const common = { client, clock, log };
  const labelled = { ...common, ...(labels !== undefined && { labelSelector: labels }) };
  const services = createInformer({ ...labelled, resource: Service });
  const endpointSlices = withEndpoints ? createInformer({ ...labelled, resource: EndpointSlice }) : undefined;
  const namespaces = createInformer({
    ...common,
    resource: Namespace,
    ...(namespaceLabels !== undefined && { labelSelector: namespaceLabels }),
  });
  const pods = withPods ? createInformer({ ...labelled, resource: Pod }) : undefined;
  const all = [services, namespaces, ...(endpointSlices ? [endpointSlices] : []), ...(pods ? [pods] : [])];
  const exposure: Exposure | undefined = names
    ? { names: new Set(names) }
    : namespaceLabels !== undefined
      ? { namespaces }
      : undefined;
  const exposed = <S extends KubeObject>(informer: Informer<S>): ChangeSource<S> =>
    exposure ? new ExposedChanges(informer, exposure) : informer;
  return {
    informers: {
      services: exposed(services),
      namespaces: exposure && 'names' in exposure ? exposed(namespaces) : namespaces,
      ...(endpointSlices && { endpointSlices: exposed(endpointSlices) }),
      ...(pods && { pods: exposed(pods) }),
    } satisfies DnsInformers,
    /** When the server was last heard about the kind that it has been silent about for the longest time. */
    lastHeardMs: (): number => Math.min(...all.map((informer) => informer.lastHeardMs)),
    start: (): void => {
      for (const informer of all) informer.start();
    },
    stop: async (): Promise<void> => {
      await Promise.all(all.map((informer) => informer.stop()));
    },
  };
}

/** Has the zone follow the informers; resolves when it holds everything that they listed first. */
export async function followCluster(
  zone: ClusterZone,
  informers: DnsInformers,
  options: { readonly endpointPodNames?: boolean } = {},
): Promise<void> {
  const { services, endpointSlices, namespaces, pods } = informers;
  const named = options.endpointPodNames ? nameByPods : <S>(slice: S): S => slice;
  services.onChange((change) => zone.applyService(change));
  endpointSlices?.onChange(({ key, before, after }) =>
    zone.applySlice({ key, ...(before && { before: named(before) }), ...(after && { after: named(after) }) }),
  );
  namespaces.onChange((change) => zone.applyNamespace(change));
  pods?.onChange((change) => zone.applyPod(change));
  await Promise.all([services.synced, endpointSlices?.synced, namespaces.synced, pods?.synced]);
}

/** Endpoints without a hostname of their own go by the name of their Pod. */
const nameByPods = (slice: EndpointSlice): EndpointSlice => ({
  ...slice,
  endpoints: slice.endpoints.map((endpoint) => {
    const pod = endpoint.targetRef?.kind === 'Pod' ? endpoint.targetRef.name : undefined;
    return endpoint.hostname || !pod ? endpoint : { ...endpoint, hostname: pod };
  }),
});
