import ipaddr from 'ipaddr.js';
import type { Endpoint, EndpointPort, EndpointSlice, Pod, Service, ServicePort } from '../../kube/mod.ts';
import { encodeAddress } from '../../wire/dns/mod.ts';

/** What DNS needs to know of a Service, an EndpointSlice or a Pod; the rest of the object is let go. */

export interface PortFacts {
  /** Empty: the port has no SRV record of its own. */
  readonly name: string;
  /** In lower case, as it stands in a name: `tcp`. */
  readonly protocol: string;
  readonly port: number;
}

export type ServiceFacts =
  | { readonly kind: 'cluster-ip'; readonly addresses: readonly Uint8Array[]; readonly ports: readonly PortFacts[] }
  | { readonly kind: 'headless'; readonly publishNotReady: boolean }
  | { readonly kind: 'external-name'; readonly target: string }
  /** There, but without anything to answer with: its address is not allocated yet, or its external name is an address. */
  | { readonly kind: 'addressless'; readonly reason: string };

export interface EndpointFacts {
  /** The endpoint's hostname or, without one, its Pod's name or its address with dashes; in lower case. */
  readonly hostname: string;
  readonly address: Uint8Array;
  readonly ready: boolean;
}

export interface SliceFacts {
  /** `namespace/name` of the Service. */
  readonly service: string;
  readonly endpoints: readonly EndpointFacts[];
  readonly ports: readonly PortFacts[];
}

const serviceNameLabel = 'kubernetes.io/service-name';

export function serviceFacts({ spec }: Service): ServiceFacts {
  if (spec.type === 'ExternalName') return externalName(spec.externalName ?? '');
  if (spec.clusterIP === 'None') return { kind: 'headless', publishNotReady: spec.publishNotReadyAddresses === true };
  const given = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  const addresses = given.flatMap((text) => encodeAddress(text) ?? []);
  if (addresses.length === 0) return { kind: 'addressless', reason: 'it has no cluster IP yet' };
  return { kind: 'cluster-ip', addresses, ports: (spec.ports ?? []).flatMap(portFacts) };
}

function externalName(target: string): ServiceFacts {
  if (target === '') return { kind: 'addressless', reason: 'without an external name' };
  if (encodeAddress(target)) {
    return {
      kind: 'addressless',
      reason: `its external name ${target} is an address, and an alias can only lead to a name`,
    };
  }
  return { kind: 'external-name', target };
}

/** `namespace/name` of the Service that the slice belongs to; undefined when it belongs to none. */
export function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name ? `${metadata.namespace}/${name}` : undefined;
}

/** Undefined for a slice that belongs to no Service. With `podNames` endpoints without a hostname have their Pod's name. */
export function sliceFacts(slice: EndpointSlice, podNames: boolean): SliceFacts | undefined {
  const service = serviceOf(slice);
  if (service === undefined) return undefined;
  const endpoints = (slice.endpoints ?? []).flatMap((endpoint): EndpointFacts[] =>
    endpoint.addresses.flatMap((text) => {
      const address = encodeAddress(text);
      const hostname = endpoint.hostname || (podNames && podName(endpoint)) || text.replaceAll(/[.:]/g, '-');
      return address
        ? [{ hostname: hostname.toLowerCase(), address, ready: endpoint.conditions?.ready !== false }]
        : [];
    }),
  );
  return { service, endpoints, ports: (slice.ports ?? []).flatMap(portFacts) };
}

/** A Pod's name may be longer than a label, and may have dots in it: such a one is no endpoint's. */
function podName({ targetRef }: Endpoint): string | undefined {
  const name = targetRef?.kind === 'Pod' ? targetRef.name : undefined;
  return name && /^[^.]{1,63}$/.test(name) ? name : undefined;
}

function portFacts({ name, protocol, port }: ServicePort | EndpointPort): PortFacts[] {
  if (port === undefined) return [];
  return [{ name: (name ?? '').toLowerCase(), protocol: (protocol ?? 'TCP').toLowerCase(), port }];
}

/** Addresses under which a Pod may be asked for by name; none once it is going or has ended. */
export function podAddresses(pod: Pod): Uint8Array[] {
  const { phase, podIP, podIPs } = pod.status ?? {};
  if (pod.metadata.deletionTimestamp || phase === 'Succeeded' || phase === 'Failed') return [];
  const texts = podIPs?.length ? podIPs.map(({ ip }) => ip) : [podIP];
  return texts.flatMap((text) => (text && encodeAddress(text)) || []);
}

export const addressText = (address: Uint8Array): string => ipaddr.fromByteArray([...address]).toString();

/** Addresses as Map keys: one character a byte. */
export const addressKey = (address: Uint8Array): string =>
  Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1');
