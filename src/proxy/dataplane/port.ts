import type { PortChange } from '../diff/mod.ts';
import type { FoundGroups, PortPlan } from '../plan/mod.ts';

/**
 * What every dataplane offers: a way to put the plan into the kernel. All calls are synchronous, as netlink is; a
 * dataplane that has to run a tool blocks until it has ended. All throw KernelError, and then nothing or anything may have
 * happened in the kernel: `read` and `converge` set it right.
 */
export interface Dataplane {
  readonly name: 'nftables' | 'iptables' | 'ipvs' | 'ebpf' | 'userspace';

  /** Looks at everything that is ours in the kernel, whoever wrote it. */
  read(): Found;

  /**
   * Makes the kernel hold exactly these ports, writing only what differs from what was found: nothing at all when
   * nothing does. As one transaction where the kernel has them.
   */
  converge(found: Found, ports: Iterable<PortPlan>): Written;

  /** Carries out changes to what `converge` and `apply` have written so far; costs what the changes cost. */
  apply(changes: readonly PortChange[]): Written;

  /** False when nobody can have touched the kernel's state since our last write. Cheap enough to ask often. */
  mayHaveDrifted(): boolean;

  /** Removes everything that is ours from the kernel. Harmless when there is nothing. */
  cleanup(): void;

  /** What `converge` would put into the kernel for these ports, for people. */
  describe(ports: Iterable<PortPlan>): string;

  close(): void;
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
}

export const nothingWritten: Written = { messages: 0, bytes: 0 };
