/**
 * The plan: what the proxy wants the kernel to do, in Kubernetes' own terms and without any dataplane in it.
 *
 * One PortPlan stands for one port of one Service. Room that the next semantics take: a second EndpointGroup beside
 * `endpoints` for traffic policy Local, with `Frontend.kind` telling which one it uses; affinity, source ranges and
 * health check ports as further fields of PortPlan.
 */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type Family = 'IPv4' | 'IPv6';

/** What the plan needs to know about the node that it is made for. */
export interface NodeFacts {
  readonly name: string;
  readonly family: Family;
}

/** One port of one Service. */
export interface PortName {
  /** `namespace/name`. */
  readonly service: string;
  /** Empty for the only, unnamed port. */
  readonly port: string;
  readonly protocol: Protocol;
}

/** Where clients connect to. */
export interface Frontend {
  readonly kind: 'cluster-ip' | 'node-port';
  /** Absent: every address of the node itself (node ports). */
  readonly address?: string;
  readonly port: number;
}

/** A target that takes new connections. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** On this node, or nobody says where: its own packets may pass through this node's rules. */
  readonly local: boolean;
}

export type LeftOutReason =
  | 'not ready'
  | 'not serving'
  | 'terminating while others are ready'
  | 'no port of that name'
  | 'port without a number'
  | 'wrong address family'
  | 'invalid address';

/** An endpoint that gets no connections, and why. */
export interface LeftOut {
  readonly address: string;
  readonly reason: LeftOutReason;
}

/** What one Service asks for, before ids, slots and conflicts are settled. */
export interface PortDraft {
  readonly name: PortName;
  /** When the Service was created, RFC 3339: of two that want the same frontend, the older one has it. */
  readonly since: string;
  readonly frontends: readonly Frontend[];
  /** Distinct by address and port. */
  readonly endpoints: readonly Endpoint[];
  readonly leftOut: readonly LeftOut[];
}

export interface PortPlan {
  readonly name: PortName;
  readonly since: string;
  /** Stable as long as the port exists, also over a restart of the proxy; no two ports share one. */
  readonly id: number;
  readonly frontends: readonly Frontend[];
  /** Frontends that another Service has already: they are this port's when the other one gives them up. */
  readonly refused: readonly Frontend[];
  /** By slot: an endpoint keeps its slot until it goes, and the slots are always 0 to n-1. */
  readonly endpoints: readonly Endpoint[];
  readonly leftOut: readonly LeftOut[];
}

/** `default/hostnames:http/TCP`. */
export const portNameText = ({ service, port, protocol }: PortName): string => `${service}:${port}/${protocol}`;

/** `10.96.0.1:443/TCP`, or `*:30080/TCP` for a node port. */
export const frontendText = ({ address, port }: Frontend, protocol: Protocol): string =>
  `${address ?? '*'}:${port}/${protocol}`;

export const endpointText = ({ address, port }: Endpoint): string => `${address}:${port}`;

/** What a dataplane found in the kernel of an earlier run, by `frontendText`: whoever has that frontend now goes on with it. */
export type FoundGroups = ReadonlyMap<string, FoundGroup>;
export interface FoundGroup {
  readonly id: number;
  /** By slot. */
  readonly endpoints: readonly Endpoint[];
}
