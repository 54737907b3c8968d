import type { PortChange } from '../diff/mod.ts';
import type { Family, FoundGroups, PortPlan } from '../plan/mod.ts';

/**
 * What every dataplane offers: a way to put the plan into the kernel. All calls are synchronous, as netlink is; a
 * dataplane that has to run a tool blocks until it has ended. All throw KernelError, and then nothing or anything may have
 * happened in the kernel: `read` and `converge` set it right.
 */
export interface Dataplane {
  readonly name: 'nftables' | 'iptables' | 'ipvs' | 'ebpf' | 'userspace';

  /** From the next `converge` on: what the node's operator and its Node object say. */
  configure(settings: TrafficSettings): void;

  /** Looks at everything that is ours in the kernel, whoever wrote it. */
  read(): Found;

  /**
   * Makes the kernel hold exactly these ports, writing only what differs from what was found: nothing at all when
   * nothing does. As one transaction where the kernel has them.
   */
  converge(found: Found, ports: Iterable<PortPlan>): Written;

  /**
   * Carries out changes to what `converge` and `apply` have written so far; costs what the changes cost. A frontend that
   * one of them removes another one may add, in either order.
   */
  apply(changes: readonly PortChange[]): Written;

  /** False when nobody can have touched the kernel's state since our last write. Cheap enough to ask often. */
  mayHaveDrifted(): boolean;

  /**
   * Calls back when somebody else may have changed the kernel's state, so that the repair need not wait for the next
   * periodic look; ends with `close`. Absent: the kernel does not tell.
   */
  watch?(onForeignChange: () => void): void;

  /** Removes everything that is ours from the kernel. Harmless when there is nothing. */
  cleanup(): void;

  /** What `converge` would put into the kernel for these ports, for people. */
  describe(ports: Iterable<PortPlan>): string;

  close(): void;

  /** Absent: the kernel forwards everything. */
  readonly relaying?: Relaying;
}

/** What this process relays for a dataplane. It may go on when nothing is written any more, until a successor serves. */
export interface Relaying {
  /** Closes the dataplane: takes nobody new. TCP connections that are open go on to their end. */
  drain(): void;
  /** Resets what is left. Resolves when the thread that relays is gone, which a process should wait for. */
  end(): Promise<void>;
}

/** What is the same for all Services of one family on this node. Addresses and ranges are of that family, in canonical text. */
export interface TrafficSettings {
  readonly family: Family;
  /** One bit of the packet mark, as a number. */
  readonly masqueradeMark: number;
  /** Masquerade every connection to a cluster IP. */
  readonly masqueradeAll: boolean;
  /** Choose masqueraded source ports at random (`--random-fully`). */
  readonly randomFully: boolean;
  readonly localDetector: LocalDetector;
  readonly nodePorts: NodePortScope;
  /** Drop packets that conntrack calls INVALID before they are forwarded (kubernetes/kubernetes issue 74839). */
  readonly dropInvalid: boolean;
  /** Addresses that can be cluster IPs: a packet to one that no Service has is dropped instead of routed on. */
  readonly serviceRanges: readonly string[];
}

/**
 * How to tell Pods from everybody else by a packet's looks. With `none` nobody can: then no connection to a cluster IP is
 * masqueraded as coming from off the cluster, and no connection to an external frontend is taken for a Pod's.
 */
export type LocalDetector =
  | { readonly kind: 'none' }
  /** Modes ClusterCIDR and NodeCIDR. */
  | { readonly kind: 'source-range'; readonly range: string }
  | { readonly kind: 'bridge'; readonly interface: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string };

/** On which of the node's addresses node ports answer: those that are local and, where ranges are given, in one of them. */
export interface NodePortScope {
  /** Absent: every local address. Empty: none. */
  readonly ranges?: readonly string[];
  /** Also on loopback addresses (IPv4 and the iptables dataplane only: it takes net.ipv4.conf.all.route_localnet). */
  readonly localhost: boolean;
}

/** What `read` saw; the rest of it is the dataplane's own. */
export interface Found {
  /** False: the kernel holds nothing of ours. */
  readonly exists: boolean;
  /** Ids and slots to go on with, so that a restart moves no packet. */
  readonly groups: FoundGroups;
}

/** The cost of a write. No messages: there was nothing to write. */
export interface Written {
  readonly messages: number;
  readonly bytes: number;
  /** Of a dataplane whose Services are rules. */
  readonly rules?: readonly RuleCount[];
}

export interface RuleCount {
  readonly table: string;
  /** With this write. */
  readonly written: number;
  /** There now. */
  readonly total: number;
}

export const nothingWritten: Written = { messages: 0, bytes: 0 };
