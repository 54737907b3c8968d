import ipaddr from 'ipaddr.js';
import type { Endpoint, EndpointPort, EndpointSlice, Pod, Service, ServicePort } from '../../kube/mod.ts';
import { encodeAddress } from '../../wire/dns/mod.ts';

/** What DNS needs to know of a Service, an EndpointSlice or a Pod; the rest of the object is let go. */

/** Four or sixteen bytes as one character each: a Map's key, and a quarter of a Uint8Array's memory. */
export type Address = string;

export interface PortFacts {
  /** Empty: the port has no SRV record of its own. */
  readonly name: string;
  /** In lower case, as it stands in a name: `tcp`. */
  readonly protocol: string;
  readonly port: number;
}

export type ServiceFacts =
  | { readonly kind: 'cluster-ip'; readonly addresses: readonly Address[]; readonly ports: readonly PortFacts[] }
  | { readonly kind: 'headless'; readonly publishNotReady: boolean }
  | { readonly kind: 'external-name'; readonly target: string }
  /** There, but without anything to answer with: its address is not allocated yet, or its external name is an address. */
  | { readonly kind: 'addressless'; readonly reason: string };

export class EndpointFacts {
  readonly address: Address;
  readonly ready: boolean;
  /** Undefined for what nearly every endpoint is called: it is spelled out when somebody asks. */
  readonly #named: string | undefined;

  /** @param named undefined: as its IPv4 address */
  constructor(named: string | undefined, address: Address, ready: boolean) {
    this.address = address;
    this.ready = ready;
    this.#named = named;
  }

  /** The endpoint's hostname or, without one, its Pod's name or its address with dashes; in lower case. */
  get hostname(): string {
    return this.#named ?? withDashes(this.address);
  }
}

export interface SliceFacts {
  /** `namespace/name` of the Service. */
  readonly service: string;
  readonly endpoints: readonly EndpointFacts[];
  readonly ports: readonly PortFacts[];
}

export const serviceNameLabel = 'kubernetes.io/service-name';

export function serviceFacts({ spec }: Service): ServiceFacts {
  if (spec.type === 'ExternalName') return externalName(spec.externalName ?? '');
  if (spec.clusterIP === 'None') return { kind: 'headless', publishNotReady: spec.publishNotReadyAddresses === true };
  const given = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  const addresses = trimmed(given.flatMap((text) => addressOf(text) ?? []));
  if (addresses.length === 0) return { kind: 'addressless', reason: 'it has no cluster IP yet' };
  return { kind: 'cluster-ip', addresses, ports: portsFacts(spec.ports) };
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
  const found = (slice.endpoints ?? []).flatMap((endpoint) =>
    endpoint.addresses.flatMap((text) => endpointFacts(endpoint, text, podNames)),
  );
  return { service, endpoints: trimmed(found), ports: portsFacts(slice.ports) };
}

function endpointFacts(endpoint: Endpoint, text: string, podNames: boolean): EndpointFacts[] {
  const plain = plainIPv4(text);
  const address = plain ?? addressOf(text);
  if (address === undefined) return [];
  const given = endpoint.hostname || (podNames && podName(endpoint)) || undefined;
  // The text of other addresses has many forms, and this one is the name.
  const named = given ?? (plain === undefined ? text.replaceAll(/[.:]/g, '-') : undefined);
  return [new EndpointFacts(named?.toLowerCase(), address, endpoint.conditions?.ready !== false)];
}

/** A Pod's name may be longer than a label, and may have dots in it: such a one is no endpoint's. */
function podName({ targetRef }: Endpoint): string | undefined {
  const name = targetRef?.kind === 'Pod' ? targetRef.name : undefined;
  return name && /^[^.]{1,63}$/.test(name) ? name : undefined;
}

/** Clusters have few different lists of ports, and many Services: each is kept once. */
const knownPorts = new Map<string, readonly PortFacts[]>();
const mostKnownPorts = 1000;

function portsFacts(ports: readonly (ServicePort | EndpointPort)[] | undefined): readonly PortFacts[] {
  const facts = (ports ?? []).flatMap(portFacts);
  const text = JSON.stringify(facts);
  const known = knownPorts.get(text);
  if (known) return known;
  if (knownPorts.size < mostKnownPorts) knownPorts.set(text, facts);
  return facts;
}

function portFacts({ name, protocol, port }: ServicePort | EndpointPort): PortFacts[] {
  if (port === undefined) return [];
  return [{ name: (name ?? '').toLowerCase(), protocol: (protocol ?? 'TCP').toLowerCase(), port }];
}

/** Addresses under which a Pod may be asked for by name; none once it is going or has ended. */
export function podAddresses(pod: Pod): Address[] {
  const { phase, podIP, podIPs } = pod.status ?? {};
  if (pod.metadata.deletionTimestamp || phase === 'Succeeded' || phase === 'Failed') return [];
  const texts = podIPs?.length ? podIPs.map(({ ip }) => ip) : [podIP];
  return texts.flatMap((text) => (text && addressOf(text)) || []);
}

/** Undefined for text that is no address. */
function addressOf(text: string): Address | undefined {
  const known = plainIPv4(text);
  if (known !== undefined) return known;
  const bytes = encodeAddress(text);
  return bytes && addressKey(bytes);
}

const [dot, zero, nine] = [0x2e, 0x30, 0x39];

/**
 * What nearly every address of a cluster is, `10.244.1.7`, read in a fifth of the time; there are hundreds of thousands when a
 * large one is listed. Undefined: something else, or not written like that.
 */
function plainIPv4(text: string): Address | undefined {
  const bytes: number[] = [];
  let value = -1;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : dot;
    if (code === dot) {
      if (value < 0 || bytes.length === 4) return undefined;
      bytes.push(value);
      value = -1;
    } else {
      // A zero that leads is read as octal by some and as nothing by others.
      if (code < zero || code > nine || value === 0) return undefined;
      value = Math.max(value, 0) * 10 + code - zero;
      if (value > 255) return undefined;
    }
  }
  return bytes.length === 4 ? String.fromCharCode(bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!) : undefined;
}

/** An array that has grown has room for seventeen; its copy has what it holds. */
const trimmed = <Item>(items: readonly Item[]): readonly Item[] => items.slice();

export const addressBytes = (address: Address): Uint8Array => Buffer.from(address, 'latin1');

export const addressText = (address: Address): string => ipaddr.fromByteArray([...addressBytes(address)]).toString();

/** `10-244-1-7` */
const withDashes = (address: Address): string => Array.from(address, (byte) => byte.charCodeAt(0)).join('-');

export const addressKey = (address: Uint8Array): Address =>
  Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1');
