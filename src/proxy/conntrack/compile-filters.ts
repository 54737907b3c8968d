import {
  Family as FamilyNumber,
  type Flow,
  type FlowFilter,
  FlowStatus,
  type FlowTuple,
  IpProtocol,
  matchesFilter,
} from '../../wire/conntrack/mod.ts';
import { endpointText, type Family, type Frontend, frontendText, type Protocol, type StaleFlow } from '../plan/mod.ts';

/** One request to the kernel about flows of one frontend. */
export interface StaleFilter {
  readonly family: Family;
  readonly protocol: Protocol;
  /** The frontend's: all flows in question are to this port. */
  readonly port: number;
  /** What is asked of the kernel: as narrow as it can be told. */
  readonly kernelFilter: FlowFilter;
  /** The kernel's filter says all that is meant: whatever passes it may go unseen. */
  readonly isExact: boolean;
  /** Of a flow that passed the kernel's filter. */
  readonly isStale: (flow: Flow) => boolean;
}

/** So many endpoints at once are one list of the frontend's flows and not a walk through the table for each. */
const endpointsLimit = 4;

/** The requests that it takes to find all flows of one frontend that have turned stale. */
export function compileFilters(stale: readonly StaleFlow[]): StaleFilter[] {
  return [...Map.groupBy(stale, keyOf).values()].flatMap(compileFrontend);
}

/** All flows of a family and protocol, of which `isStale` picks: for whoever has more to ask than the table is long. */
export const everyFlow = (family: Family, protocol: Protocol): FlowFilter => ({
  family: familyNumber(family),
  original: { protocol: protocolNumber[protocol] },
});

/** Those of them that nobody has answered yet; `redirected`: only the ones that were given another destination. */
export function unansweredFlows(
  family: Family,
  protocol: Protocol,
  { redirected }: { redirected: boolean },
): FlowFilter {
  const { destinationNat, seenReply } = FlowStatus;
  const status = redirected
    ? { value: destinationNat, mask: destinationNat | seenReply }
    : { value: 0, mask: seenReply };
  return { ...everyFlow(family, protocol), status };
}

/** UDP flows to one frontend. */
export const flowsTo = (family: Family, frontend: Frontend): FlowFilter =>
  flowsWhere({ family, protocol: 'UDP', frontend }, {});

/** The kernel is told no IPv6 address: it would take it for one that is not meant (see `encodeDumpFlows`). */
export function forKernel(filter: FlowFilter): FlowFilter {
  const { family, original, reply, ...rest } = filter;
  if (family === FamilyNumber.ipv4) return filter;
  return { family, ...rest, ...(original && { original: portsOf(original) }), ...(reply && { reply: portsOf(reply) }) };
}

/** Whose flows. */
type Place = Pick<StaleFlow, 'family' | 'protocol' | 'frontend'>;

const keyOf = ({ family, protocol, frontend }: StaleFlow): string => `${family} ${frontendText(frontend, protocol)}`;

function compileFrontend(stale: readonly StaleFlow[]): StaleFilter[] {
  const place: Place = stale[0]!;
  if (stale.some(({ endpoint }) => endpoint === 'any')) return [exact(place, translated(place))];
  const filters = stale.some(({ endpoint }) => endpoint === 'none') ? [exact(place, untranslated(place))] : [];
  const gone = stale.map(({ endpoint }) => endpoint).filter((endpoint) => typeof endpoint !== 'string');
  if (gone.length > endpointsLimit) return [...filters, listed(place, new Set(gone.map(endpointText)))];
  const toEndpoints = gone.map(({ address, port }) => ({ source: address, sourcePort: port }));
  return [...filters, ...toEndpoints.map((reply) => exact(place, flowsWhere(place, { reply })))];
}

/**
 * A node port is known by its number alone, and so may be a port of any host that the node forwards packets to: those
 * flows are not translated and nobody's business.
 */
function translated(place: Place): FlowFilter {
  const { destinationNat } = FlowStatus;
  const isNodePort = place.frontend.address === undefined;
  return flowsWhere(place, isNodePort ? { status: { value: destinationNat, mask: destinationNat } } : {});
}

/**
 * The answers come from where the packets went. Of a node port's number, flows with no translation at all: one that was
 * forwarded and masqueraded would come back with another port.
 */
function untranslated(place: Place): FlowFilter {
  const { address, port } = place.frontend;
  const { sourceNat, destinationNat } = FlowStatus;
  const mask = address === undefined ? sourceNat | destinationNat : destinationNat;
  const reply = { sourcePort: port, ...(address && { source: address }) };
  return flowsWhere(place, { status: { value: 0, mask }, reply });
}

function flowsWhere(
  { family, protocol: name, frontend: { address, port } }: Place,
  { status, reply }: Pick<FlowFilter, 'status' | 'reply'>,
): FlowFilter {
  const protocol = protocolNumber[name];
  return {
    family: familyNumber(family),
    original: { protocol, destinationPort: port, ...(address && { destination: address }) },
    ...(reply && { reply: { protocol, ...reply } }),
    ...(status && { status }),
  };
}

function exact({ family, protocol, frontend }: Place, filter: FlowFilter): StaleFilter {
  const kernelFilter = forKernel(filter);
  return {
    family,
    protocol,
    port: frontend.port,
    kernelFilter,
    isExact: kernelFilter === filter,
    isStale: (flow) => matchesFilter(filter, flow),
  };
}

function listed(place: Place, endpoints: ReadonlySet<string>): StaleFilter {
  const { family, protocol, frontend } = place;
  const filter = flowsWhere(place, {});
  return {
    family,
    protocol,
    port: frontend.port,
    kernelFilter: forKernel(filter),
    isExact: false,
    isStale: (flow) => matchesFilter(filter, flow) && endpoints.has(answererOf(flow)),
  };
}

/** Who answers the flow: its endpoint, where it was translated. */
export const answererOf = ({ reply: { source, sourcePort = 0 } }: Flow): string =>
  endpointText({ address: source, port: sourcePort });

const protocolNumber = { TCP: IpProtocol.tcp, UDP: IpProtocol.udp, SCTP: IpProtocol.sctp } as const satisfies Record<
  Protocol,
  number
>;

const familyNumber = (family: Family) => (family === 'IPv4' ? FamilyNumber.ipv4 : FamilyNumber.ipv6);

const portsOf = ({ source: _, destination: __, ...ports }: Partial<FlowTuple>): Partial<FlowTuple> => ports;
