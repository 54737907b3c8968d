import { OperatingError } from '../../../base/errors.ts';
import { isKernelError } from '../../../kernel/errors.ts';
import type { Kernel } from '../../../kernel/port.ts';
import type { PortChange } from '../../diff/mod.ts';
import type { Family, PortPlan } from '../../plan/mod.ts';
import { type Dataplane, type Found, nothingWritten, type TrafficSettings, type Written } from '../port.ts';
import { compileChanges } from './compile-changes.ts';
import { compileTable, formatProgram, type TableState } from './compile-table.ts';
import { converge, reshape } from './converge.ts';
import { type FamilyFacts, families } from './family.ts';
import { foundRows } from './found-groups.ts';
import { chainsOf } from './layout.ts';
import { NftLink } from './link.ts';
import { type EarlierRows, Numbers } from './numbers.ts';
import { type FoundTable, isOurLayout, readTable } from './read-table.ts';
import { type RuleSet, ruleSetOf } from './rule-set.ts';
import { dynamicSets } from './sets.ts';
import type { Shape } from './shape.ts';
import { Shared } from './shared.ts';

export interface NftablesOptions {
  readonly family: Family;
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
}

const operation = 'Open nftables';

/** Throws OperatingError: `EPERM` without the right to program the kernel, `unsupported` where it has no nf_tables. */
export function createNftablesDataplane(kernel: Kernel, { family, netns }: NftablesOptions): Dataplane {
  let link: NftLink | undefined;
  try {
    const socket = kernel.openNetlink('netfilter', netns === undefined ? {} : { netns });
    link = new NftLink(socket, families[family].number);
    // The socket alone proves nothing: rights and nf_tables itself are looked at with the first request.
    link.generation();
    return new NftablesDataplane(link, families[family], ruleSetOf(kernel, netns));
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
  readonly #family: FamilyFacts;
  readonly #ruleSet: RuleSet;
  #settings: TrafficSettings | undefined;
  #state: TableState = { shared: new Shared(), numbers: new Numbers() };
  /** When we last knew what is in our table; undefined when we cannot tell. */
  #inStep: { readonly generation: number; readonly ownCommits: number } | undefined;

  constructor(link: NftLink, family: FamilyFacts, ruleSet: RuleSet) {
    this.#link = link;
    this.#family = family;
    this.#ruleSet = ruleSet;
  }

  configure(settings: TrafficSettings): void {
    this.#settings = settings;
  }

  read(): FoundTable {
    return readTable(this.#link, this.#family);
  }

  converge(found: Found, ports: Iterable<PortPlan>): Written {
    this.#inStep = undefined;
    const table = found as FoundTable;
    const program = compileTable(ports, this.#configured, this.#earlierRows(table));
    const batch = this.#link.batch(table.generation);
    converge(table, program, this.#family, batch);
    const { ownCommits } = this.#ruleSet;
    const written = batch.isEmpty ? nothingWritten : this.#commit(batch);
    this.#state = program;
    this.#inStep = { generation: table.generation, ownCommits };
    return written;
  }

  apply(changes: readonly PortChange[]): Written {
    const inStep = this.#inStep;
    this.#inStep = undefined;
    const { delta, reshaped } = compileChanges(changes, this.#state);
    const batch = this.#link.batch();
    const writeElements = () => delta.write(batch, this.#family);
    if (reshaped) reshape(this.#structure(reshaped.before), this.#wanted(reshaped.after), writeElements, batch);
    else writeElements();
    const written = batch.isEmpty ? nothingWritten : this.#commit(batch);
    this.#inStep = inStep;
    return written;
  }

  mayHaveDrifted(): boolean {
    if (this.#inStep === undefined) return true;
    const { generation, ownCommits } = this.#inStep;
    // In 32 bits, leaving out 0: once in four thousand million commits this sees one that was not there, which only costs a look.
    return (this.#link.generation() - generation) >>> 0 !== this.#ruleSet.ownCommits - ownCommits;
  }

  /** The other family's transactions may be told as well; the count of generations knows them. */
  watch(onForeignChange: () => void): void {
    this.#ruleSet.listen(this.#link.portId, () => {
      if (this.#inStep !== undefined && this.#seemsDrifted()) onForeignChange();
    });
  }

  /** When we cannot ask, whoever is called back finds out. */
  #seemsDrifted(): boolean {
    try {
      return this.mayHaveDrifted();
    } catch {
      return true;
    }
  }

  cleanup(): void {
    const batch = this.#link.batch();
    batch.deleteTable();
    try {
      this.#commit(batch);
    } catch (error) {
      if (!isKernelError(error, 'ENOENT')) throw error;
    }
  }

  describe(ports: Iterable<PortPlan>): string {
    return formatProgram(compileTable(ports, this.#configured), this.#configured);
  }

  close(): void {
    this.#ruleSet.ignore(this.#link.portId);
    this.#link.close();
  }

  get #configured(): TrafficSettings {
    if (this.#settings === undefined) throw new TypeError('The nftables dataplane was not configured');
    return this.#settings;
  }

  /** Of this run, else of an earlier one. */
  #earlierRows(table: FoundTable): EarlierRows {
    const { numbers } = this.#state;
    const found = table.exists && isOurLayout(table, this.#family) && foundRows(this.#family, table.elements);
    return (port, policy) => {
      const known = numbers.of(port, policy);
      return known.length > 0 || !found ? known : found(port, policy);
    };
  }

  #commit(batch: Parameters<NftLink['commit']>[0]): Written {
    return this.#ruleSet.commit(batch.bytes, () => this.#link.commit(batch));
  }

  #wanted(shape: Shape) {
    return { sets: dynamicSets(shape, this.#family), chains: chainsOf(this.#configured, shape) };
  }

  #structure(shape: Shape) {
    const { sets, chains } = this.#wanted(shape);
    return {
      sets: new Map(sets.map((set) => [set.name as string, set])),
      chains: new Map(chains.map(({ chain, rules }) => [chain.name, { rules }])),
    };
  }
}
