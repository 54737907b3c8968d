/**
 * The plan: what the proxy wants the kernel to do, in Kubernetes' own terms and without any dataplane in it.
 *
 * One PortPlan stands for one port of one Service in one address family. README.md tells in a table what becomes of a
 * packet by frontend, policy and client.
 */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type Family = 'IPv4' | 'IPv6';

/** What the plan needs to know about the node that it is made for. */
export interface NodeFacts {
  readonly name: string;
  readonly family: Family;
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
  /** The node's own, primary address of this family. */
  readonly address?: string;
}

/** One port of one Service. */
export interface PortName {
  /** `namespace/name`. */
  readonly service: string;
  /** Empty for the only, unnamed port. */
  readonly port: string;
  readonly protocol: Protocol;
}

/**
 * Where clients connect to. `cluster-ip` is internal, the others are external: which of the port's two routes a packet
 * takes. A load balancer's address is a frontend only when packets arrive here still addressed to it (ipMode VIP).
 */
export interface Frontend {
  readonly kind: 'cluster-ip' | 'external-ip' | 'load-balancer' | 'node-port';
  /** In canonical text. Absent: addresses of the node itself (node ports). */
  readonly address?: string;
  readonly port: number;
}

/** A target that takes new connections. */
export interface Endpoint {
  /** In canonical text. */
  readonly address: string;
  readonly port: number;
  /** On this node, or nobody says where: its own packets may pass through this node's rules, and hairpin. */
  readonly local: boolean;
}

export type LeftOutReason =
  | 'not ready'
  | 'not serving'
  | 'terminating while others are ready'
  | 'no port of that name'
  | 'port without a number'
  | 'wrong address family'
  | 'invalid address'
  | 'on another node'
  | 'nobody says on which node'
  | `hinted to node ${string}`
  | `hinted to zone ${string}`;

/** An endpoint that gets no new connections, and why. */
export interface LeftOut {
  readonly address: string;
  /** Absent where the reason is that there is none. */
  readonly port?: number;
  readonly reason: LeftOutReason;
  /** It serves those that it has: only flows to endpoints that do not are stale. */
  readonly serving: boolean;
}

/** Which endpoints: all that there are (after topology), or those on this node. */
export type TrafficPolicy = 'Cluster' | 'Local';

/** The endpoints of one traffic policy, before ids and slots are settled. */
export interface GroupDraft {
  /** Distinct by address and port. */
  readonly endpoints: readonly Endpoint[];
  readonly leftOut: readonly LeftOut[];
}

export interface EndpointGroup {
  /** Stable as long as the port has the group, also over a restart of the proxy; no two groups of a family share one. */
  readonly id: number;
  /** By slot: an endpoint keeps its slot until it goes, and the slots are always 0 to n-1. */
  readonly endpoints: readonly Endpoint[];
  readonly leftOut: readonly LeftOut[];
}

/** What becomes of new connections that come in by some of a port's frontends. */
export interface Route {
  /** Whose group takes them. */
  readonly policy: TrafficPolicy;
  /**
   * `forward`: the group has endpoints. `reject` at once: there is no usable endpoint anywhere. `drop`: there are some,
   * but policy Local asks for one on this node, so that a load balancer may look elsewhere without anybody being told.
   */
  readonly verdict: 'forward' | 'reject' | 'drop';
}

/** Who may connect to the port's load balancer addresses; everybody else is dropped. */
export interface Firewall {
  /** `10.0.0.0/8`, without host bits, distinct; never empty. */
  readonly ranges: readonly string[];
  /**
   * This node may: then connections from the load balancer's own address may as well, because a node that has the VIP as
   * a local address uses it as its source.
   */
  readonly admitsNode: boolean;
}

/** What the two have in common: what a Service asks for. */
interface PortBase {
  readonly name: PortName;
  readonly family: Family;
  /** When the Service was created, RFC 3339: of two that want the same frontend, the older one has it. */
  readonly since: string;
  readonly frontends: readonly Frontend[];
  /** For `cluster-ip` frontends. */
  readonly internal: Route;
  /**
   * For all other frontends. With policy Local it is for clients outside of the cluster only: Pods (as far as the local
   * detector can tell) and the node itself are served by the `cluster` group, whatever the verdict says, and the node's
   * own connections are masqueraded. Absent: there are no such frontends.
   */
  readonly external?: Route;
  /** sessionAffinity ClientIP: for so many seconds after its last connection a client comes back to its endpoint. */
  readonly affinitySeconds?: number;
  /** For `load-balancer` frontends. Absent: everybody may connect. */
  readonly firewall?: Firewall;
  /** Where load balancers ask this node whether it has endpoints of this Service (TCP, answered by the proxy itself). */
  readonly healthCheckNodePort?: number;
}

/** What one Service asks for, before ids, slots and conflicts are settled. */
export interface PortDraft extends PortBase {
  /** Absent: no frontend ever sends anything to it. */
  readonly cluster?: GroupDraft;
  readonly local?: GroupDraft;
}

export interface PortPlan extends PortBase {
  /** Frontends that another Service has already: they are this port's when the other one gives them up. */
  readonly refused: readonly Frontend[];
  /** All usable endpoints. Absent: only policy Local is ever asked for. */
  readonly cluster?: EndpointGroup;
  /** Usable endpoints on this node. Absent: no policy is Local. */
  readonly local?: EndpointGroup;
}

/** The route that packets to this frontend take. */
export const routeOf = ({ internal, external }: PortBase, { kind }: Frontend): Route =>
  kind === 'cluster-ip' ? internal : external!;

/** `default/hostnames:http/TCP`. */
export const portNameText = ({ service, port, protocol }: PortName): string => `${service}:${port}/${protocol}`;

/** `10.96.0.1:443/TCP`, `[fd00::1]:443/TCP`, or `*:30080/TCP` for a node port. */
export const frontendText = ({ address, port }: Pick<Frontend, 'address' | 'port'>, protocol: Protocol): string =>
  `${hostText(address ?? '*')}:${port}/${protocol}`;

/** `10.244.1.2:9376` or `[fd00::2]:9376`. */
export const endpointText = ({ address, port }: Pick<Endpoint, 'address' | 'port'>): string =>
  `${hostText(address)}:${port}`;

const hostText = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** What a dataplane found in the kernel of an earlier run, by `frontendText`: whoever has that frontend now goes on with it. */
export type FoundGroups = ReadonlyMap<string, FoundPort>;
export interface FoundPort {
  readonly cluster?: FoundGroup;
  readonly local?: FoundGroup;
}
export interface FoundGroup {
  readonly id: number;
  /** By slot. */
  readonly endpoints: readonly Endpoint[];
}
