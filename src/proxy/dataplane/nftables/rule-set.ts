import type { Kernel, NetlinkWatch } from '../../../kernel/port.ts';
import { NftMessage } from '../../../wire/nftables/mod.ts';

/** NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h. */
const changesGroup = 7;

/**
 * While anybody listens, the kernel makes a message of its own for each object that a transaction changes: for tens of
 * thousands of elements that takes ten times as long as the change itself.
 */
const bulkBytes = 16 << 10;

/**
 * Who changes the rule set of one network namespace: this process or somebody else. The tables of the two families share
 * it, so that neither takes the other's work for a stranger's.
 */
export class RuleSet {
  /**
   * Transactions of this process. The kernel counts everybody's (the generation): when both counts have gone on by the
   * same, nobody else has changed anything.
   */
  ownCommits = 0;
  readonly #kernel: Kernel;
  readonly #netns: string | undefined;
  /** Our sockets' ports → whom to tell that a stranger may have changed something. */
  readonly #listeners = new Map<number, () => void>();
  #watch: NetlinkWatch | undefined;

  constructor(kernel: Kernel, netns: string | undefined) {
    this.#kernel = kernel;
    this.#netns = netns;
  }

  /** `port` is that of the socket by which the listener itself makes changes. */
  listen(port: number, onForeignChange: () => void): void {
    this.#listeners.set(port, onForeignChange);
    this.#reopen();
  }

  ignore(port: number): void {
    if (this.#listeners.delete(port)) this.#reopen();
  }

  /**
   * Runs one transaction of so many bytes. One that fails without an answer may have happened: then the counts differ,
   * and whoever compares them looks.
   */
  commit<T>(bytes: number, transaction: () => T): T {
    const deaf = this.#listeners.size > 0 && bytes >= bulkBytes;
    if (deaf) this.#close();
    try {
      const result = transaction();
      this.ownCommits += 1;
      return result;
    } finally {
      if (deaf) this.#reopenAndLook();
    }
  }

  /** Strangers may have come meanwhile. The counts tell, but only when our own caller has taken note of its commit. */
  #reopenAndLook(): void {
    setImmediate(() => this.#tell());
    try {
      this.#reopen();
    } catch {
      // Out of descriptors, say. The periodic look stands in until the next such transaction.
    }
  }

  #reopen(): void {
    this.#close();
    if (this.#listeners.size === 0) return;
    this.#watch = this.#kernel.watchNetlink?.('netfilter', changesGroup, () => this.#tell(), {
      // The last thing told of each transaction; the objects that it changed come before it.
      only: { messageType: NftMessage.newGeneration, notFromPorts: [...this.#listeners.keys()] },
      ...(this.#netns !== undefined && { netns: this.#netns }),
    });
  }

  #close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #tell(): void {
    for (const onForeignChange of this.#listeners.values()) onForeignChange();
  }
}

const byKernel = new WeakMap<Kernel, Map<string, RuleSet>>();

/** The one of that network namespace, by its path; default: the process's own. */
export function ruleSetOf(kernel: Kernel, netns?: string): RuleSet {
  const byNamespace = byKernel.get(kernel) ?? new Map<string, RuleSet>();
  byKernel.set(kernel, byNamespace);
  const known = byNamespace.get(netns ?? '') ?? new RuleSet(kernel, netns);
  byNamespace.set(netns ?? '', known);
  return known;
}
