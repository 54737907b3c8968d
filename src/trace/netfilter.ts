import { AddressType, addressTypeOf, interfaceTo, isLoopback, masqueradeSource, type NodeState } from './node-state.ts';
import { isFirst, type Packet, startTravel, type Traveller } from './packet.ts';
import type { BaseChain, Hook, PassedRule, Surroundings, Verdict } from './rules.ts';

/** One thing that happens to the packet on its way. */
export type Step =
  | ({ readonly kind: 'rule'; readonly hook: Hook } & PassedRule)
  | { readonly kind: 'event'; readonly text: string };

/** Where the packet ends, as far as this node is concerned. */
export type End =
  /** Leaves the node. */
  | { readonly kind: 'sent'; readonly interface: string }
  /** To a process of this node. */
  | { readonly kind: 'delivered' }
  | { readonly kind: 'rejected'; readonly with: string }
  | { readonly kind: 'dropped'; readonly by: string }
  /** No route: the kernel answers with ICMP, or refuses the process. */
  | { readonly kind: 'unroutable' };

export interface Walk {
  readonly end: End;
  readonly packet: Traveller;
}

/** NF_IP_PRI_CONNTRACK, _NAT_DST and _NAT_SRC of linux/netfilter_ipv4.h; the same in IPv6. */
const conntrackPriority = -200;
const natPriority: Readonly<Record<Hook, number>> = {
  prerouting: -100,
  output: -100,
  input: 100,
  postrouting: 100,
  forward: 0,
};

/**
 * Takes a packet through the hooks as the kernel does (Documentation: the packet flow of netfilter): what comes in is
 * routed behind prerouting, what the node sends before output and, if it has a new destination, again behind it; what it
 * sends to itself comes back by `lo`, with the connection's NAT settled already.
 */
export function walkHooks(
  packet: Packet,
  chains: readonly BaseChain[],
  surroundings: Omit<Surroundings, 'hook' | 'passed'>,
  note: (step: Step) => void,
): Walk {
  return new HookWalk(packet, chains, surroundings, note).run();
}

class HookWalk {
  readonly #chains: readonly BaseChain[];
  readonly #surroundings: Omit<Surroundings, 'hook' | 'passed'>;
  readonly #note: (step: Step) => void;
  readonly #packet: Traveller;

  constructor(
    packet: Packet,
    chains: readonly BaseChain[],
    surroundings: Omit<Surroundings, 'hook' | 'passed'>,
    note: (step: Step) => void,
  ) {
    this.#packet = startTravel(packet);
    this.#chains = chains;
    this.#surroundings = surroundings;
    this.#note = note;
  }

  run(): Walk {
    const end = this.#packet.inInterface === undefined ? this.#send() : this.#receive();
    return { end, packet: this.#packet };
  }

  get #node(): NodeState {
    return this.#surroundings.node;
  }

  #receive(): End {
    const end = this.#hook('prerouting');
    if (end) return end;
    const { destination, inInterface } = this.#packet;
    if (isLoopback(destination) && inInterface !== 'lo' && !this.#node.routesLoopback) {
      return { kind: 'dropped', by: 'the kernel: a loopback address came in from outside (route_localnet is off)' };
    }
    if (addressTypeOf(destination, this.#node) === AddressType.local) return this.#deliver();
    return this.#route() ?? this.#hook('forward') ?? this.#leave();
  }

  #deliver(): End {
    this.#event('routed to this node');
    this.#packet.outInterface = undefined;
    return this.#hook('input') ?? { kind: 'delivered' };
  }

  #send(): End {
    return this.#route() ?? this.#hook('output') ?? this.#leave();
  }

  /** Behind postrouting the packet is on the wire, or back at the node itself. */
  #leave(): End {
    const end = this.#hook('postrouting');
    if (end) return end;
    const name = this.#packet.outInterface!;
    if (name !== 'lo') return { kind: 'sent', interface: name };
    this.#event('comes back by lo');
    this.#packet.inInterface = name;
    this.#packet.outInterface = undefined;
    return this.#hook('prerouting') ?? this.#deliver();
  }

  /** Undefined: there is a route. */
  #route(): End | undefined {
    const packet = this.#packet;
    const name = interfaceTo(packet.destination, this.#node);
    packet.outInterface = name;
    if (name === undefined) return { kind: 'unroutable' };
    if (isLoopback(packet.source) && name !== 'lo' && !this.#node.routesLoopback) {
      return { kind: 'dropped', by: 'the kernel: a loopback address would leave the node (route_localnet is off)' };
    }
    this.#event(`routed to ${name}`);
    return undefined;
  }

  /** All chains of one hook in their order. Undefined: the packet goes on. */
  #hook(hook: Hook): End | undefined {
    const here = this.#chains.filter((chain) => chain.hook === hook);
    const filters = here.filter(({ translates }) => !translates).sort(byPriority);
    const isEarly = ({ priority }: BaseChain) => priority < natPriority[hook];
    return (
      this.#evaluate(filters.filter(isEarly), hook) ??
      this.#translate(here.filter(({ translates }) => translates).sort(byPriority), hook) ??
      this.#evaluate(
        filters.filter((chain) => !isEarly(chain)),
        hook,
      )
    );
  }

  #evaluate(chains: readonly BaseChain[], hook: Hook): End | undefined {
    for (const chain of chains) {
      this.#track(chain.priority);
      const end = this.#endOf(this.#ask(chain, hook), chain);
      if (end) return end;
    }
    return undefined;
  }

  /** Only a connection's first packet asks for NAT: later ones do as it did. */
  #translate(chains: readonly BaseChain[], hook: Hook): End | undefined {
    this.#track(natPriority[hook]);
    const packet = this.#packet;
    const isSource = hook === 'postrouting' || hook === 'input';
    if (hook === 'forward' || !packet.isTracked || !isFirst(packet)) return undefined;
    if (isSource ? packet.isSourceSettled : packet.isDestinationSettled) return undefined;
    for (const chain of chains) {
      const verdict = this.#ask(chain, hook);
      if (verdict.kind === 'redirect') return this.#redirect(verdict, hook);
      if (verdict.kind === 'masquerade') return this.#masquerade(verdict);
      const end = this.#endOf(verdict, chain);
      if (end) return end;
    }
    this.#settle(isSource);
    return undefined;
  }

  #redirect({ address, port }: Extract<Verdict, { kind: 'redirect' }>, hook: Hook): End | undefined {
    const packet = this.#packet;
    const before = packet.destination;
    packet.destination = address ?? packet.destination;
    packet.destinationPort = port ?? packet.destinationPort;
    this.#settle(false);
    this.#event(`destination becomes ${socketText(packet.destination, packet.destinationPort)}`);
    return hook === 'output' && packet.destination !== before ? this.#route() : undefined;
  }

  #masquerade({ randomFully }: Extract<Verdict, { kind: 'masquerade' }>): End | undefined {
    const packet = this.#packet;
    const source = masqueradeSource(packet.outInterface!, packet.destination, this.#node);
    if (source === undefined) return { kind: 'dropped', by: 'masquerade: the node has no address to masquerade with' };
    packet.source = source;
    packet.masquerade = { source, randomFully };
    this.#settle(true);
    this.#event(`source becomes ${source}`);
    return undefined;
  }

  #settle(isSource: boolean): void {
    if (isSource) this.#packet.isSourceSettled = true;
    else this.#packet.isDestinationSettled = true;
  }

  #track(priority: number): void {
    if (priority > conntrackPriority) this.#packet.isTracked = this.#packet.state !== 'UNTRACKED';
  }

  #ask(chain: BaseChain, hook: Hook): Verdict {
    const passed = (rule: PassedRule) => this.#note({ kind: 'rule', hook, ...rule });
    return chain.evaluate(this.#packet, { ...this.#surroundings, hook, passed });
  }

  #endOf(verdict: Verdict, chain: BaseChain): End | undefined {
    if (verdict.kind === 'drop') return { kind: 'dropped', by: chain.name };
    if (verdict.kind === 'reject') return { kind: 'rejected', with: verdict.with };
    return undefined;
  }

  #event(text: string): void {
    this.#note({ kind: 'event', text });
  }
}

const byPriority = (a: BaseChain, b: BaseChain): number => a.priority - b.priority;

export const socketText = (address: string, port: number | undefined): string => {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
};
