import {
  endpointChain,
  type Match,
  oneIn,
  portText,
  portUnreachable,
  type Rule,
  rememberedEndpointChain,
  serviceChain,
  type Target,
} from '../../../wire/iptables/mod.ts';
import {
  type Endpoint,
  type EndpointGroup,
  endpointText,
  type Frontend,
  type PortPlan,
  type Route,
} from '../../plan/mod.ts';
import type { TrafficSettings } from '../port.ts';
import { Chain } from './chains.ts';
import { comment, prefixOf } from './parts.ts';
import type { OwnChain, PortProgram, SharedRule } from './program.ts';

/** The chains and rules of one Service port: upstream's, name by name and rule by rule. */
export function compilePort(plan: PortPlan, settings: TrafficSettings, options: CompileOptions): PortProgram {
  return new PortCompiler(plan, settings, options).compile();
}

export interface CompileOptions {
  /** Comments in the chains of endpoints, which upstream leaves out where there are very many. */
  readonly endpointComments: boolean;
}

/** From so many endpoints on it is worth while to remember the names of their chains. */
const manyEndpoints = 100;

const jump = (chain: string): Target => ({ kind: 'jump', chain });

/** Its rules are made when they are asked for: of 10,000 endpoints one changes. */
class EndpointChain implements OwnChain {
  readonly table = 'nat';
  readonly name: string;
  readonly origin: string;
  readonly #rulesOf: (chain: string) => Rule[];

  constructor(name: string, origin: string, rulesOf: (chain: string) => Rule[]) {
    this.name = name;
    this.origin = origin;
    this.#rulesOf = rulesOf;
  }

  get rules(): readonly Rule[] {
    return this.#rulesOf(this.name);
  }
}

class PortCompiler {
  readonly #plan: PortPlan;
  readonly #settings: TrafficSettings;
  readonly #options: CompileOptions;
  readonly #text: string;
  readonly #protocol: 'tcp' | 'udp' | 'sctp';
  readonly #origin: string;
  readonly #chains: OwnChain[] = [];
  readonly #shared: SharedRule[] = [];
  /** Chain of each endpoint, by `endpointText`. */
  readonly #endpointChains = new Map<string, string>();

  constructor(plan: PortPlan, settings: TrafficSettings, options: CompileOptions) {
    this.#plan = plan;
    this.#settings = settings;
    this.#options = options;
    this.#text = portText(plan.name);
    this.#protocol = plan.name.protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp';
    this.#origin = `${options.endpointComments} ${plan.affinitySeconds !== undefined}`;
  }

  compile(): PortProgram {
    const { internal, external, frontends } = this.#plan;
    const inside = frontends.filter(({ kind }) => kind === 'cluster-ip');
    const outside = frontends.filter(({ kind }) => kind !== 'cluster-ip');
    this.#groups(inside, outside);
    if (external && outside.length > 0 && external.verdict !== 'reject') this.#external(external);
    if (this.#usesFirewall) this.#firewall();
    for (const frontend of inside) this.#insideFrontend(frontend, internal);
    for (const frontend of outside) this.#outsideFrontend(frontend, external!);
    if (this.#plan.healthCheckNodePort !== undefined) this.#healthCheck(this.#plan.healthCheckNodePort);
    return { chains: this.#chains, shared: this.#shared };
  }

  get #usesFirewall(): boolean {
    const { external, firewall, frontends } = this.#plan;
    return (
      firewall !== undefined && external?.verdict !== 'reject' && frontends.some(({ kind }) => kind === 'load-balancer')
    );
  }

  #chain(kind: Parameters<typeof serviceChain>[0]): string {
    return serviceChain(kind, this.#plan.name);
  }

  /** The chains of the groups that something jumps to, after those of their endpoints. */
  #groups(inside: readonly Frontend[], outside: readonly Frontend[]): void {
    const { internal, external, cluster, local } = this.#plan;
    const isUsed = (route: Route | undefined, frontends: readonly Frontend[], policy: Route['policy']) =>
      frontends.length > 0 && route?.policy === policy && route.verdict === 'forward';
    // With policy Local, Pods and the node itself are served by all endpoints.
    const usesCluster =
      isUsed(internal, inside, 'Cluster') ||
      (outside.length > 0 && external !== undefined && external.verdict !== 'reject');
    const usesLocal = isUsed(internal, inside, 'Local') || isUsed(external, outside, 'Local');
    if (cluster && cluster.endpoints.length > 0 && usesCluster) this.#group('Cluster', cluster, inside);
    if (local && local.endpoints.length > 0 && usesLocal) this.#group('Local', local, inside);
  }

  #group(policy: Route['policy'], { endpoints }: EndpointGroup, inside: readonly Frontend[]): void {
    const nameOf = endpoints.length < manyEndpoints ? endpointChain : rememberedEndpointChain;
    const chains = endpoints.map((endpoint) => this.#endpoint(endpoint, nameOf));
    const rules: Rule[] = [];
    if (policy === this.#plan.internal.policy) rules.push(...this.#masqueradeRules(inside));
    // The last slot first: then the chance of each does not depend on how many come before it.
    const { affinitySeconds } = this.#plan;
    if (affinitySeconds !== undefined) {
      for (let slot = endpoints.length - 1; slot >= 0; slot--) {
        rules.push(this.#affinityRule(endpoints[slot]!, chains[slot]!, affinitySeconds));
      }
    }
    for (let slot = endpoints.length - 1; slot >= 0; slot--) {
      rules.push(this.#choiceRule(endpoints[slot]!, chains[slot]!, slot + 1));
    }
    this.#chains.push({ table: 'nat', name: this.#chain(policy === 'Cluster' ? 'cluster' : 'local'), rules });
  }

  /** Connections to the VIP from off the cluster may leave for another node, whose answers must come back here. */
  #masqueradeRules(inside: readonly Frontend[]): Rule[] {
    const { masqueradeAll } = this.#settings;
    const notLocal = masqueradeAll ? {} : this.#ifLocal(true);
    if (notLocal === undefined || this.#plan.internal.verdict !== 'forward') return [];
    return inside.map((frontend) => ({
      ...notLocal,
      ...this.#to(frontend, `${this.#text} cluster IP`),
      target: jump(Chain.markMasquerade),
    }));
  }

  #affinityRule(endpoint: Endpoint, chain: string, seconds: number): Rule {
    return { matches: [...this.#choiceComment(endpoint), this.#recent('rcheck', chain, seconds)], target: jump(chain) };
  }

  #choiceRule(endpoint: Endpoint, chain: string, left: number): Rule {
    const chance: Match[] = left > 1 ? [{ kind: 'statistic', probability: oneIn(left) }] : [];
    return { matches: [...this.#choiceComment(endpoint), ...chance], target: jump(chain) };
  }

  #choiceComment(endpoint: Endpoint): Match[] {
    return this.#options.endpointComments ? [comment(`${this.#text} -> ${endpointText(endpoint)}`)] : [];
  }

  /** Returns the name of the endpoint's chain, which both groups may share. */
  #endpoint(endpoint: Endpoint, nameOf: typeof endpointChain): string {
    const key = endpointText(endpoint);
    let name = this.#endpointChains.get(key);
    if (name === undefined) {
      name = nameOf(this.#plan.name, key);
      this.#endpointChains.set(key, name);
      this.#chains.push(new EndpointChain(name, this.#origin, (chain) => this.#endpointRules(endpoint, chain)));
    }
    return name;
  }

  #endpointRules({ address, port }: Endpoint, chain: string): Rule[] {
    const about = this.#options.endpointComments ? [comment(this.#text)] : [];
    const recent = this.#plan.affinitySeconds === undefined ? [] : [this.#recent('set', chain)];
    return [
      // Hairpin: the endpoint would answer itself directly, and wonder.
      { source: prefixOf(address), matches: about, target: jump(Chain.markMasquerade) },
      {
        protocol: { name: this.#protocol },
        matches: [...about, ...recent, { kind: 'ports', protocol: this.#protocol }],
        target: { kind: 'DNAT', address, port },
      },
    ];
  }

  #recent(action: 'rcheck' | 'set', name: string, seconds?: number): Match {
    return {
      kind: 'recent',
      do: action,
      ...(seconds !== undefined && { seconds, reap: true }),
      name,
      mask: this.#plan.family === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      side: 'source',
    };
  }

  /** KUBE-EXT: what is the same for all ways in from outside of the cluster. */
  #external({ policy, verdict }: Route): void {
    const name = this.#chain('external');
    const rules: Rule[] = policy === 'Cluster' ? [this.#masqueradeExternal()] : this.#localShortCuts();
    if (verdict === 'forward')
      rules.push({ matches: [], target: jump(this.#chain(policy === 'Cluster' ? 'cluster' : 'local')) });
    this.#chains.push({ table: 'nat', name, rules });
  }

  /** The endpoint may be on another node. */
  #masqueradeExternal(): Rule {
    return {
      matches: [comment(`masquerade traffic for ${this.#text} external destinations`)],
      target: jump(Chain.markMasquerade),
    };
  }

  /** Pods and the node itself reach external addresses as if they had gone out and come back: policy Local is not for them. */
  #localShortCuts(): Rule[] {
    if (!this.#plan.cluster || this.#plan.cluster.endpoints.length === 0) return [];
    const fromNode: Match = { kind: 'addrtype', source: { types: ['LOCAL'] } };
    const about = (what: string): Match => comment(`${what} traffic for ${this.#text} external destinations`);
    const ifLocal = this.#ifLocal(false);
    const toCluster = jump(this.#chain('cluster'));
    return [
      ...(ifLocal ? [{ ...ifLocal, matches: [about('pod')], target: toCluster }] : []),
      { matches: [about('masquerade LOCAL'), fromNode], target: jump(Chain.markMasquerade) },
      { matches: [about('route LOCAL'), fromNode], target: toCluster },
    ];
  }

  #firewall(): void {
    const { firewall, frontends } = this.#plan;
    const about = comment(`${this.#text} loadbalancer IP`);
    const vips = frontends.filter(({ kind }) => kind === 'load-balancer').map(({ address }) => address!);
    const admitted = [...firewall!.ranges, ...(firewall!.admitsNode ? vips : [])].map(prefixOf);
    const rules: Rule[] = admitted.map((source) => ({
      ...(source.length > 0 && { source }),
      matches: [about],
      target: jump(this.#chain('external')),
    }));
    rules.push({ matches: [comment(`other traffic to ${this.#text} will be dropped by ${Chain.proxyFirewall}`)] });
    this.#chains.push({ table: 'nat', name: this.#chain('firewall'), rules });
  }

  #insideFrontend(frontend: Frontend, { policy, verdict }: Route): void {
    if (verdict === 'forward') {
      const chain = this.#chain(policy === 'Cluster' ? 'cluster' : 'local');
      this.#share('nat', Chain.services, { ...this.#to(frontend, `${this.#text} cluster IP`), target: jump(chain) });
    } else this.#share('filter', Chain.services, this.#refusal(frontend, verdict));
  }

  #outsideFrontend(frontend: Frontend, { verdict }: Route): void {
    if (verdict !== 'reject') this.#shareExternal(frontend);
    if (verdict !== 'forward') this.#share('filter', Chain.externalServices, this.#refusal(frontend, verdict));
  }

  #shareExternal(frontend: Frontend): void {
    const external = jump(this.#chain('external'));
    switch (frontend.kind) {
      case 'node-port':
        // Source ranges are for load balancer addresses only.
        this.#share('nat', Chain.nodePorts, { ...this.#to(frontend, this.#text), target: external });
        return;
      case 'external-ip':
        this.#share('nat', Chain.services, { ...this.#to(frontend, `${this.#text} external IP`), target: external });
        return;
      default: {
        const firewall = this.#chain('firewall');
        const target = this.#usesFirewall ? jump(firewall) : external;
        this.#share('nat', Chain.services, { ...this.#to(frontend, `${this.#text} loadbalancer IP`), target });
        if (!this.#usesFirewall) return;
        const dropped = this.#to(frontend, `${this.#text} traffic not accepted by ${firewall}`);
        this.#share('filter', Chain.proxyFirewall, { ...dropped, target: { kind: 'DROP' } });
      }
    }
  }

  #refusal(frontend: Frontend, verdict: 'reject' | 'drop'): Rule {
    const text = `${this.#text} has no ${verdict === 'reject' ? '' : 'local '}endpoints`;
    const target: Target =
      verdict === 'reject' ? { kind: 'REJECT', with: portUnreachable(this.#plan.family) } : { kind: 'DROP' };
    return { ...this.#to(frontend, text), target };
  }

  #healthCheck(port: number): void {
    this.#share('filter', Chain.nodePorts, {
      protocol: { name: 'tcp' },
      matches: [
        comment(`${this.#text} health check node port`),
        { kind: 'ports', protocol: 'tcp', destination: { from: port, to: port } },
      ],
      target: { kind: 'ACCEPT' },
    });
  }

  /** A packet to the frontend, in upstream's order of matches. */
  #to({ kind, address, port }: Frontend, text: string): Rule {
    const isRefusedNodePort = kind === 'node-port' && text !== this.#text;
    return {
      ...(address !== undefined && { destination: prefixOf(address) }),
      protocol: { name: this.#protocol },
      matches: [
        comment(text),
        // In nat it is KUBE-SERVICES that looks whether the address is the node's own.
        ...(isRefusedNodePort ? [{ kind: 'addrtype', destination: { types: ['LOCAL'] } } as const] : []),
        { kind: 'ports', protocol: this.#protocol, destination: { from: port, to: port } },
      ],
    };
  }

  /** The condition that a packet comes from a Pod of this node, or does not; undefined: nobody can tell. */
  #ifLocal(inverted: boolean): Partial<Rule> | undefined {
    const { localDetector } = this.#settings;
    const not = inverted ? ({ inverted: true } as const) : {};
    switch (localDetector.kind) {
      case 'none':
        return undefined;
      case 'source-range':
        return { source: { ...prefixOf(localDetector.range), ...not } };
      case 'bridge':
        return { inInterface: { name: localDetector.interface, ...not } };
      case 'interface-prefix':
        return { inInterface: { name: `${localDetector.prefix}+`, ...not } };
    }
  }

  #share(table: SharedRule['table'], chain: string, rule: Rule): void {
    this.#shared.push({ table, chain, rule });
  }
}
