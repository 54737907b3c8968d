import { type Endpoint, type PortPlan, portNameText, type TrafficPolicy } from '../../plan/mod.ts';
import { Balancer } from './balancer.ts';
import type { Target } from './sockets.ts';
import { type RelayContext, TcpRelay } from './tcp-relay.ts';
import { UdpRelay } from './udp-relay.ts';

/** The relay of one group of endpoints. */
interface GroupRelay {
  readonly balancer: Balancer;
  readonly relay: TcpRelay | UdpRelay;
}

type PortRelays = Partial<Record<TrafficPolicy, GroupRelay>>;

const policies = ['Cluster', 'Local'] as const;

/** The relays of all ports: one for each group that has endpoints. */
export class Relays {
  readonly #context: RelayContext;
  readonly #ports = new Map<string, PortRelays>();
  /** No longer in use, and listening until no rule leads to them. */
  readonly #retired: GroupRelay[] = [];
  /** Closed, with connections that have not ended yet. */
  readonly #finishing = new Set<TcpRelay>();

  constructor(context: RelayContext) {
    this.#context = context;
  }

  /** Opens and updates what the port needs; what it no longer needs goes on until `closeRetired`. Throws OperatingError. */
  update(port: PortPlan): void {
    const key = portNameText(port.name);
    const known = this.#ports.get(key) ?? {};
    const relays: PortRelays = {};
    // What was opened before a failure is found again by the next attempt.
    this.#ports.set(key, known);
    for (const policy of policies) {
      const endpoints = endpointsOf(port, policy);
      if (endpoints.length === 0) continue;
      known[policy] ??= this.#open(port);
      this.#feed(known[policy], endpoints, port.affinitySeconds);
      relays[policy] = known[policy];
    }
    for (const policy of policies) if (known[policy] && !relays[policy]) this.#retired.push(known[policy]);
    this.#ports.set(key, relays);
  }

  remove(port: PortPlan): void {
    this.#retire(portNameText(port.name));
  }

  /** All ports but these. */
  retain(ports: Iterable<PortPlan>): void {
    const kept = new Set([...ports].map(({ name }) => portNameText(name)));
    for (const key of this.#ports.keys()) if (!kept.has(key)) this.#retire(key);
  }

  /** To be called when no rule leads to them any more; connections that are open may finish. */
  closeRetired(): void {
    for (const { relay } of this.#retired.splice(0)) {
      relay.close();
      if (relay instanceof TcpRelay && relay.connections > 0) this.#finishing.add(relay);
    }
    for (const relay of this.#finishing) if (relay.connections === 0) this.#finishing.delete(relay);
  }

  portOf({ name }: PortPlan, policy: TrafficPolicy): number | undefined {
    return this.#ports.get(portNameText(name))?.[policy]?.relay.port;
  }

  /** Ends everything, open connections too. */
  close(): void {
    for (const key of [...this.#ports.keys()]) this.#retire(key);
    for (const { relay } of this.#retired.splice(0)) {
      if (relay instanceof TcpRelay) relay.abort();
      else relay.close();
    }
    for (const relay of this.#finishing) relay.abort();
  }

  #open({ name, family }: PortPlan): GroupRelay {
    const balancer = new Balancer(this.#context.clock);
    const relay =
      name.protocol === 'TCP' ? new TcpRelay(this.#context, balancer) : new UdpRelay(this.#context, balancer, family);
    return { balancer, relay };
  }

  #feed({ balancer, relay }: GroupRelay, targets: readonly Target[], affinitySeconds: number | undefined): void {
    balancer.update(targets, affinitySeconds);
    if (relay instanceof UdpRelay) relay.retain(targets);
  }

  #retire(key: string): void {
    this.#retired.push(...Object.values(this.#ports.get(key) ?? {}));
    this.#ports.delete(key);
  }
}

/** SCTP cannot be relayed: Node.js has no such sockets. */
const endpointsOf = ({ name, cluster, local }: PortPlan, policy: TrafficPolicy): readonly Endpoint[] =>
  name.protocol === 'SCTP' ? [] : ((policy === 'Cluster' ? cluster : local)?.endpoints ?? []);
