import { messageOf, OperatingError } from '../../../base/errors.ts';
import { type Logger, silentLogger } from '../../../base/log.ts';
import { type RunTool, setSysctl } from '../../../kernel/mod.ts';
import type { Kernel } from '../../../kernel/port.ts';
import { isServiceChain, printRule } from '../../../wire/iptables/mod.ts';
import type { PortChange } from '../../diff/mod.ts';
import type { Family, PortPlan } from '../../plan/mod.ts';
import { type Dataplane, type Found, nothingWritten, type TrafficSettings, type Written } from '../port.ts';
import { Chain, kubeletCanary } from './chains.ts';
import { compareAll, comparePorts, deletions, type Program, targetOf } from './compare.ts';
import { compileFixed, opensLocalhost } from './compile-fixed.ts';
import { type CompileOptions, compilePort } from './compile-port.ts';
import { explained, kernelInterfaces } from './kernel-interfaces.ts';
import { readGroups } from './read-groups.ts';
import { RuleCounter } from './rule-counter.ts';
import type { Edit, FoundRules, KernelInterface, RuleTable } from './rule-table.ts';

export interface IptablesOptions {
  readonly family: Family;
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
  /** Default: the one that the host's own tools use. */
  readonly interface?: KernelInterface;
  /** Runs the tools of the legacy interface; default: the real one. */
  readonly runTool?: RunTool;
  /** Default: silent. */
  readonly log?: Logger;
}

/** As upstream: with more endpoints than this, the chains of endpoints go without comments. */
const commentedEndpointsLimit = 1000;

/**
 * Throws OperatingError: `EPERM` without the right to program the kernel, `unsupported` where neither interface can be
 * had. The legacy interface needs the tools of the system (`iptables-legacy-restore` and its kin); nft needs none.
 */
export function createIptablesDataplane(kernel: Kernel, options: IptablesOptions): Dataplane {
  const interfaces = kernelInterfaces(kernel, options);
  const table = explained(() => interfaces.open(options.interface ?? interfaces.choose()));
  // An earlier run may have chosen otherwise.
  const openOther = () => (options.interface ? undefined : interfaces.openOther(table.interface));
  return new IptablesDataplane(table, openOther, options);
}

class IptablesDataplane implements Dataplane {
  readonly name = 'iptables';
  readonly #table: RuleTable;
  readonly #openOther: () => RuleTable | undefined;
  readonly #netns: string | undefined;
  #configured: TrafficSettings | undefined;
  /** What the rules in the kernel were compiled with. */
  #settings: TrafficSettings | undefined;
  #compileOptions: CompileOptions = { endpointComments: true };
  readonly #log: Logger;
  #hasLeftOther = false;
  #counter = new RuleCounter();

  constructor(table: RuleTable, openOther: () => RuleTable | undefined, options: IptablesOptions) {
    this.#table = table;
    this.#openOther = openOther;
    this.#netns = options.netns;
    this.#log = options.log ?? silentLogger;
  }

  configure(settings: TrafficSettings): void {
    this.#configured = settings;
  }

  read(): FoundIptables {
    const rules = this.#table.read();
    return new FoundIptables(rules);
  }

  converge(found: Found, ports: Iterable<PortPlan>): Written {
    const plans = [...ports];
    this.#settings = this.#configured!;
    this.#compileOptions = optionsFor(plans);
    if (opensLocalhost(this.#settings)) this.#routeLocalnet();
    const { rules } = found as FoundIptables;
    this.#counter = new RuleCounter();
    const program = this.#counter.counting(this.#compile(plans, this.#settings, this.#compileOptions));
    const written = this.#table.write(this.#counter.passing(compareAll(rules, program)), rules);
    this.#leaveOther();
    return { ...written, rules: this.#counter.take() };
  }

  apply(changes: readonly PortChange[]): Written {
    const compile = (plan: PortPlan | undefined) => plan && compilePort(plan, this.#settings!, this.#compileOptions);
    const edits = changes.flatMap((change) => {
      const [before, after] = [compile(change.before), compile(change.after)];
      this.#counter.replaced(before, after);
      return comparePorts(before, after);
    });
    const written = edits.length === 0 ? nothingWritten : this.#table.write(this.#counter.passing(inOrder(edits)));
    return { ...written, rules: this.#counter.take() };
  }

  mayHaveDrifted(): boolean {
    return this.#table.mayHaveDrifted();
  }

  cleanup(): void {
    removeFrom(this.#table);
    this.#removeFromOther();
  }

  /** As `iptables-save` shows it. */
  describe(ports: Iterable<PortPlan>): string {
    const plans = [...ports];
    const program = this.#compile(plans, this.#configured!, optionsFor(plans));
    return describeProgram(program);
  }

  close(): void {
    this.#table.close();
  }

  #compile(plans: readonly PortPlan[], settings: TrafficSettings, options: CompileOptions): Program {
    const ports = function* () {
      for (const plan of plans) yield compilePort(plan, settings, options);
    };
    return { fixed: compileFixed(settings), ports: ports() };
  }

  /** Once our rules are here, those of an earlier run over there would send packets to endpoints that have long gone. */
  #leaveOther(): void {
    if (this.#hasLeftOther) return;
    this.#hasLeftOther = true;
    try {
      this.#removeFromOther();
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      // Ours serve all the same; the next start tries again.
      this.#log.warn('Cannot remove the rules of an earlier run from the other kernel interface of iptables', {
        chosen: this.#table.interface,
        error: messageOf(error),
      });
    }
  }

  #removeFromOther(): void {
    const other = this.#openOther();
    if (other === undefined) return;
    try {
      removeFrom(other);
    } finally {
      other.close();
    }
  }

  /** Lets packets to 127.0.0.0/8 leave for the endpoints that node ports send them to. */
  #routeLocalnet(): void {
    setSysctl(this.#netns ?? ownNetns, 'net.ipv4.conf.all.route_localnet', '1');
  }
}

const ownNetns = '/proc/thread-self/ns/net';

class FoundIptables implements Found {
  readonly rules: FoundRules;

  constructor(rules: FoundRules) {
    this.rules = rules;
  }

  get exists(): boolean {
    return this.rules.tables.get('nat')?.has(Chain.services) ?? false;
  }

  /** Worked out on demand: only the start needs it. */
  get groups(): Found['groups'] {
    return readGroups(this.rules);
  }
}

function optionsFor(plans: readonly PortPlan[]): CompileOptions {
  const count = plans.reduce((sum, { cluster, local }) => sum + (cluster ?? local)!.endpoints.length, 0);
  return { endpointComments: count <= commentedEndpointsLimit };
}

/** Of several ports: new chains and changed ones, ways into them, and then what goes, in an order that leaves no gap. */
function inOrder(edits: readonly Edit[]): Edit[] {
  const rank = (edit: Edit) => editRanks[edit.do];
  const gone = edits.filter((edit) => edit.do === 'delete').map(({ table, chain }) => ({ table, name: chain }));
  const others = edits.filter((edit) => edit.do !== 'delete');
  return [...others.sort((a, b) => rank(a) - rank(b)), ...deletions(gone)];
}

const editRanks: Readonly<Record<Edit['do'], number>> = { create: 0, change: 1, insert: 2, remove: 3, delete: 4 };

/**
 * Everything that this mode makes, here or in an upstream kube-proxy, and nothing else: another mode's chains may be at work
 * already. What kubelet looks after, where there is one, stays with it.
 */
function removeAll({ tables }: FoundRules): Edit[] {
  const hasKubelet = tables.get('mangle')?.has(kubeletCanary) ?? false;
  const goes = (chain: string) =>
    isServiceChain(chain) || (ownChains.has(chain) && !(hasKubelet && chain === Chain.firewall));
  const removals: Edit[] = [];
  const chains: { table: Edit['table']; name: string }[] = [];
  for (const [table, content] of tables) {
    for (const [chain, rules] of content) {
      if (goes(chain)) {
        chains.push({ table, name: chain });
        continue;
      }
      const ways = rules.filter((text) => goes(targetOf(text) ?? ''));
      for (const text of ways) removals.push({ do: 'remove', table, chain, text });
    }
  }
  return [...removals, ...deletions(chains)];
}

const ownChains = new Set<string>(Object.values(Chain));

function describeProgram({ fixed, ...program }: Program): string {
  const ports = [...program.ports];
  const lines: string[] = [];
  for (const table of ['filter', 'nat'] as const) {
    lines.push(`*${table}`);
    for (const { table: at, chain, rule } of fixed.hooks)
      if (at === table) lines.push(`-A ${chain} ${printRule(rule)}`);
    for (const chain of fixed.sharedChains) {
      if (chain.table !== table) continue;
      const shared = ports
        .flatMap((port) => port.shared)
        .filter((one) => one.table === table && one.chain === chain.name);
      for (const rule of [...shared.map((one) => one.rule), ...chain.tail])
        lines.push(`-A ${chain.name} ${printRule(rule)}`);
    }
    for (const { table: at, name, rules } of [...fixed.chains, ...ports.flatMap((port) => port.chains)]) {
      if (at === table) for (const rule of rules) lines.push(`-A ${name} ${printRule(rule)}`);
    }
    lines.push('COMMIT');
  }
  return `${lines.join('\n')}\n`;
}

function removeFrom(table: RuleTable): void {
  const rules = table.read();
  const edits = removeAll(rules);
  if (edits.length > 0) table.write(edits, rules);
}
