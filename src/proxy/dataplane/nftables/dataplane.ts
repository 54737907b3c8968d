import { OperatingError } from '../../../base/errors.ts';
import { isKernelError } from '../../../kernel/errors.ts';
import type { Kernel } from '../../../kernel/port.ts';
import type { PortChange } from '../../diff/mod.ts';
import type { Family, PortPlan } from '../../plan/mod.ts';
import { type Dataplane, type Found, nothingWritten, type TrafficSettings, type Written } from '../port.ts';
import { compileChanges } from './compile-changes.ts';
import { compileTable, formatProgram } from './compile-table.ts';
import { addRules, converge } from './converge.ts';
import { choosers, countedSetDefinition, type LayoutOptions } from './layout.ts';
import { NftLink } from './link.ts';
import { type FoundTable, readTable } from './read-table.ts';
import { layoutOptions } from './settings.ts';
import { Shared } from './shared.ts';

export interface NftablesOptions {
  readonly family: Family;
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
}

const operation = 'Open nftables';

/** Throws OperatingError: `EPERM` without the right to program the kernel, `unsupported` where it has no nf_tables. */
export function createNftablesDataplane(kernel: Kernel, options: NftablesOptions): Dataplane {
  const { family, netns } = options;
  if (family !== 'IPv4') throw new OperatingError(operation, 'unsupported', `${family} is not there yet`);
  let link: NftLink | undefined;
  try {
    link = new NftLink(kernel.openNetlink('netfilter', netns === undefined ? {} : { netns }));
    // The socket alone proves nothing: rights and nf_tables itself are looked at with the first request.
    link.generation();
    return new NftablesDataplane(link);
  } catch (error) {
    link?.close();
    if (isKernelError(error, 'EPERM')) {
      throw new OperatingError(operation, 'EPERM', 'it takes root, or the capability CAP_NET_ADMIN', error);
    }
    // nfnetlink answers EINVAL for a subsystem that it does not have, and there may be no nfnetlink either.
    if (isKernelError(error, 'EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT')) {
      throw new OperatingError(operation, 'unsupported', 'this kernel has no nf_tables (CONFIG_NF_TABLES)', error);
    }
    throw error;
  }
}

class NftablesDataplane implements Dataplane {
  readonly name = 'nftables';
  readonly #link: NftLink;
  #options: LayoutOptions = { masqueradeMark: 0 };
  #shared = new Shared();
  /** Of the rule set when only we had changed it; undefined when we cannot tell. */
  #generation: number | undefined;

  constructor(link: NftLink) {
    this.#link = link;
  }

  configure(settings: TrafficSettings): void {
    this.#options = layoutOptions(settings);
  }

  read(): FoundTable {
    return readTable(this.#link);
  }

  converge(found: Found, ports: Iterable<PortPlan>): Written {
    this.#generation = undefined;
    const table = found as FoundTable;
    const program = compileTable(ports, this.#options);
    const batch = this.#link.batch(table.generation);
    converge(table, program, batch);
    const written = batch.isEmpty ? nothingWritten : this.#link.commit(batch);
    this.#shared = program.shared;
    this.#generation = batch.isEmpty ? table.generation : following(table.generation);
    return written;
  }

  apply(changes: readonly PortChange[]): Written {
    const generation = this.#generation;
    this.#generation = undefined;
    const { delta, setsAdded, setsRemoved } = compileChanges(changes, this.#shared);
    const batch = this.#link.batch();
    for (const name of setsAdded) batch.addSet(countedSetDefinition(name));
    delta.write(batch);
    if (setsAdded.length + setsRemoved.length > 0) {
      const chains = choosers(this.#shared.counts);
      for (const { chain } of chains) batch.flushChain(chain.name);
      addRules(chains, batch);
    }
    for (const name of setsRemoved) batch.deleteSet(name);
    const written = batch.isEmpty ? nothingWritten : this.#link.commit(batch);
    this.#generation = batch.isEmpty || generation === undefined ? generation : following(generation);
    return written;
  }

  mayHaveDrifted(): boolean {
    return this.#generation === undefined || this.#link.generation() !== this.#generation;
  }

  cleanup(): void {
    const batch = this.#link.batch();
    batch.deleteTable();
    try {
      this.#link.commit(batch);
    } catch (error) {
      if (!isKernelError(error, 'ENOENT')) throw error;
    }
  }

  describe(ports: Iterable<PortPlan>): string {
    return formatProgram(compileTable(ports, this.#options));
  }

  close(): void {
    this.#link.close();
  }
}

/** The kernel counts in 32 bits and leaves out 0. */
const following = (generation: number): number => (generation + 1) >>> 0 || 1;
