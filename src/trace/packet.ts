/** A packet that meets a node's rules: the first of a connection unless `state` says otherwise. */
export interface Packet {
  /** In canonical text, as all addresses here; both of one family. */
  readonly source: string;
  readonly destination: string;
  readonly protocol: TraceProtocol;
  /** Absent for ICMP (which is then an echo request). */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Name of the interface that it came in by. Absent: a process of the node itself sends it. */
  readonly inInterface?: string;
  /** As it arrives; default 0. */
  readonly mark?: number;
  /** What conntrack says of it; default NEW. */
  readonly state?: PacketState;
}

export type TraceProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';
export type PacketState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';
export type TraceFamily = 'IPv4' | 'IPv6';

/** IPPROTO_*. */
export const protocolNumbers: Readonly<Record<TraceProtocol, number>> = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  ICMPv6: 58,
  SCTP: 132,
};

export const familyOf = (address: string): TraceFamily => (address.includes(':') ? 'IPv6' : 'IPv4');

/** The packet on its way: rules and NAT change it. */
export interface Traveller {
  readonly family: TraceFamily;
  readonly protocol: TraceProtocol;
  readonly state: PacketState;
  source: string;
  destination: string;
  readonly sourcePort: number | undefined;
  destinationPort: number | undefined;
  mark: number;
  inInterface: string | undefined;
  outInterface: string | undefined;
  /** Before any rule changed it, as conntrack remembers it. */
  readonly original: { readonly source: string; readonly destination: string; readonly destinationPort?: number };
  /** conntrack knows the connection: from priority -200 on (NF_IP_PRI_CONNTRACK), and not with state UNTRACKED. */
  isTracked: boolean;
  /** Behind the hook in which the destination, or the source, is settled (IPS_DST_NAT_DONE, IPS_SRC_NAT_DONE). */
  isDestinationSettled: boolean;
  isSourceSettled: boolean;
  masquerade: Masquerade | undefined;
}

/** The packet leaves with another source. */
export interface Masquerade {
  readonly source: string;
  /** The port is chosen at random, instead of kept where it can be (`--random-fully`). */
  readonly randomFully: boolean;
}

export function startTravel(packet: Packet): Traveller {
  const { source, destination, protocol, sourcePort, destinationPort, inInterface, mark = 0, state = 'NEW' } = packet;
  return {
    family: familyOf(destination),
    protocol,
    state,
    source,
    destination,
    sourcePort,
    destinationPort,
    mark,
    inInterface,
    outInterface: undefined,
    original: { source, destination, ...(destinationPort !== undefined && { destinationPort }) },
    isTracked: false,
    isDestinationSettled: false,
    isSourceSettled: false,
    masquerade: undefined,
  };
}

/** Given another destination by a rule. */
export const isRedirected = ({ original, destination, destinationPort }: Traveller): boolean =>
  destination !== original.destination || destinationPort !== original.destinationPort;

/** Begins a connection, be it one that another has announced; an ICMP error that is RELATED belongs to that other one. */
export const isFirst = ({ state, protocol }: Pick<Traveller, 'state' | 'protocol'>): boolean =>
  state === 'NEW' || (state === 'RELATED' && !protocol.startsWith('ICMP'));
