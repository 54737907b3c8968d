import { readFileSync } from 'node:fs';
import { OperatingError } from '../../../base/errors.ts';
import { isKernelError } from '../../../kernel/errors.ts';
import { runTool, setSysctl, ToolError, withNetns } from '../../../kernel/mod.ts';
import type { Kernel } from '../../../kernel/port.ts';
import { printRule } from '../../../wire/iptables/mod.ts';
import type { PortChange } from '../../diff/mod.ts';
import type { Family, PortPlan } from '../../plan/mod.ts';
import { type Dataplane, type Found, nothingWritten, type TrafficSettings, type Written } from '../port.ts';
import { Chain, kubeletCanary } from './chains.ts';
import { chooseInterface } from './choose-interface.ts';
import { compareAll, comparePorts, deletions, type Program, targetOf } from './compare.ts';
import { compileFixed, opensLocalhost } from './compile-fixed.ts';
import { type CompileOptions, compilePort } from './compile-port.ts';
import { LegacyRuleTable } from './legacy-rule-table.ts';
import { NftRuleTable } from './nft-rule-table.ts';
import { readGroups } from './read-groups.ts';
import { type Edit, type FoundRules, isOurs, type KernelInterface, type RuleTable } from './rule-table.ts';

export interface IptablesOptions {
  readonly family: Family;
  /** Path of the network namespace to program; default: the process's own. */
  readonly netns?: string;
  /** Default: the one that the host's own tools use. */
  readonly interface?: KernelInterface;
}

/** As upstream: with more endpoints than this, the chains of endpoints go without comments. */
const commentedEndpointsLimit = 1000;

/**
 * Throws OperatingError: `EPERM` without the right to program the kernel, `unsupported` where neither interface can be
 * had. The legacy interface needs the tools of the system (`iptables-legacy-restore` and its kin); nft needs none.
 */
export function createIptablesDataplane(kernel: Kernel, options: IptablesOptions): Dataplane {
  return new IptablesDataplane(openRuleTable(kernel, options), options);
}

class IptablesDataplane implements Dataplane {
  readonly name = 'iptables';
  readonly #table: RuleTable;
  readonly #netns: string | undefined;
  #configured: TrafficSettings | undefined;
  /** What the rules in the kernel were compiled with. */
  #settings: TrafficSettings | undefined;
  #compileOptions: CompileOptions = { endpointComments: true };

  constructor(table: RuleTable, { netns }: IptablesOptions) {
    this.#table = table;
    this.#netns = netns;
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
    return this.#table.write(compareAll(rules, this.#compile(plans, this.#settings, this.#compileOptions)), rules);
  }

  apply(changes: readonly PortChange[]): Written {
    const compile = (plan: PortPlan | undefined) => plan && compilePort(plan, this.#settings!, this.#compileOptions);
    const edits = changes.flatMap(({ before, after }) => comparePorts(compile(before), compile(after)));
    return edits.length === 0 ? nothingWritten : this.#table.write(inOrder(edits));
  }

  mayHaveDrifted(): boolean {
    return this.#table.mayHaveDrifted();
  }

  cleanup(): void {
    const rules = this.#table.read();
    const edits = removeAll(rules);
    if (edits.length > 0) this.#table.write(edits, rules);
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

/** Everything that a proxy makes. What kubelet looks after, where there is one, stays with it. */
function removeAll({ tables }: FoundRules): Edit[] {
  const hasKubelet = tables.get('mangle')?.has(kubeletCanary) ?? false;
  const goes = (chain: string) => isOurs(chain) && !isKubelets(chain, hasKubelet);
  const removals: Edit[] = [];
  const chains: { table: Edit['table']; name: string }[] = [];
  for (const [table, content] of tables) {
    for (const [chain, rules] of content) {
      if (goes(chain)) chains.push({ table, name: chain });
      else if (!isOurs(chain)) {
        const ours = rules.filter((text) => goes(targetOf(text) ?? ''));
        for (const text of ours) removals.push({ do: 'remove', table, chain, text });
      }
    }
  }
  return [...removals, ...deletions(chains)];
}

const isKubelets = (chain: string, hasKubelet: boolean): boolean =>
  chain === kubeletCanary || chain === 'KUBE-IPTABLES-HINT' || (hasKubelet && chain === Chain.firewall);

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

function openRuleTable(kernel: Kernel, options: IptablesOptions): RuleTable {
  const { family, netns } = options;
  const run = (file: string, args: readonly string[], input?: string) =>
    runTool(file, args, { ...(netns !== undefined && { netns }), ...(input !== undefined && { input }) });
  const nft = () => new NftRuleTable(kernel.openNetlink('netfilter', netns === undefined ? {} : { netns }), family);
  const legacy = () => new LegacyRuleTable(run, family);
  return explained(() => {
    const choice =
      options.interface ??
      chooseInterface(
        () => readNft(nft),
        () => readLegacy(legacy, netns, family),
      );
    return choice === 'nft' ? nft() : legacy();
  });
}

/** nfnetlink answers EINVAL for a subsystem that it does not have, and there may be no nfnetlink either. */
const unsupportedCodes = ['EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT'];

function readNft(open: () => RuleTable): FoundRules | undefined {
  try {
    return readOnce(open);
  } catch (error) {
    if (isKernelError(error, ...unsupportedCodes)) return undefined;
    throw error;
  }
}

/** Looking into a table of x_tables makes it: only those that are there already are looked into. */
function readLegacy(open: () => RuleTable, netns: string | undefined, family: Family): FoundRules | undefined {
  try {
    return legacyTables(netns, family).length > 0 ? readOnce(open) : undefined;
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

function readOnce(open: () => RuleTable): FoundRules {
  const table = open();
  try {
    return table.read();
  } finally {
    table.close();
  }
}

function legacyTables(netns: string | undefined, family: Family): string[] {
  const path = `/proc/thread-self/net/${family === 'IPv4' ? 'ip' : 'ip6'}_tables_names`;
  const read = () => {
    try {
      return readFileSync(path, 'utf8').split('\n').filter(Boolean);
    } catch {
      // The kernel has no x_tables at all.
      return [];
    }
  };
  return netns === undefined ? read() : withNetns(netns, read);
}

function explained<T>(open: () => T): T {
  const operation = 'Open iptables';
  try {
    return open();
  } catch (error) {
    if (isKernelError(error, 'EPERM') || (error instanceof ToolError && /you must be root/i.test(error.stderr))) {
      throw new OperatingError(operation, 'EPERM', 'it takes root, or the capability CAP_NET_ADMIN', error);
    }
    if (isKernelError(error, ...unsupportedCodes)) {
      throw new OperatingError(operation, 'unsupported', 'this kernel has no nf_tables (CONFIG_NF_TABLES)', error);
    }
    if (error instanceof ToolError) {
      const state = error.code === 'ENOENT' ? 'the command iptables-legacy is not installed' : error.message;
      throw new OperatingError(operation, 'unsupported', state, error);
    }
    throw error;
  }
}
