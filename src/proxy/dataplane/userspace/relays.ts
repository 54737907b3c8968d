import { type Endpoint, type Family, type PortPlan, portNameText, type TrafficPolicy } from '../../plan/mod.ts';
import { Balancer } from './balancer.ts';
import type { PumpThread } from './pump-thread.ts';
import type { Target } from './target.ts';
import { TcpRelay } from './tcp-relay.ts';
import { UdpRelay, type UdpRelayContext } from './udp-relay.ts';

/** The relay of one group of endpoints. */
interface GroupRelay {
  readonly port: number;
  update(targets: readonly Target[], affinitySeconds: number | undefined): void;
  close(): void;
}

type PortRelays = Partial<Record<TrafficPolicy, GroupRelay>>;

export interface RelaysContext extends UdpRelayContext {
  readonly pump: PumpThread;
  readonly netns: string | undefined;
}

const policies = ['Cluster', 'Local'] as const;

/** The relays of all ports: one for each group that has endpoints. */
export class Relays {
  readonly #context: RelaysContext;
  readonly #ports = new Map<string, PortRelays>();
  /** No longer in use, and listening until no rule leads to them. */
  readonly #retired: GroupRelay[] = [];

  constructor(context: RelaysContext) {
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
      known[policy].update(endpoints, port.affinitySeconds);
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
    for (const relay of this.#retired.splice(0)) relay.close();
  }

  portOf({ name }: PortPlan, policy: TrafficPolicy): number | undefined {
    return this.#ports.get(portNameText(name))?.[policy]?.port;
  }

  /** Takes nothing more; TCP connections that are open go on to their end. */
  close(): void {
    this.retain([]);
    this.closeRetired();
    this.#context.pump.drain();
  }

  #open({ name, family }: PortPlan): GroupRelay {
    const { pump, netns } = this.#context;
    return name.protocol === 'TCP' ? new TcpRelay(pump, family, netns) : udpRelay(this.#context, family);
  }

  #retire(key: string): void {
    this.#retired.push(...Object.values(this.#ports.get(key) ?? {}));
    this.#ports.delete(key);
  }
}

/** SCTP cannot be relayed: Node.js has no such sockets. */
const endpointsOf = ({ name, cluster, local }: PortPlan, policy: TrafficPolicy): readonly Endpoint[] =>
  name.protocol === 'SCTP' ? [] : ((policy === 'Cluster' ? cluster : local)?.endpoints ?? []);

function udpRelay(context: UdpRelayContext, family: Family): GroupRelay {
  const balancer = new Balancer(context.clock);
  const relay = new UdpRelay(context, balancer, family);
  return {
    port: relay.port,
    update(targets, affinitySeconds) {
      balancer.update(targets, affinitySeconds);
      relay.retain(targets);
    },
    close: () => relay.close(),
  };
}
