import { type Match, portText, portUnreachable, type Rule, type Target } from '../../../wire/iptables/mod.ts';
import { type Frontend, isInRange, type PortPlan, routeOf, type TrafficPolicy } from '../../plan/mod.ts';
import type { LocalDetector, TrafficSettings } from '../port.ts';
import { Chain, prefix } from './layout.ts';

/** A rule and the chain that it belongs to. */
export interface PlacedRule {
  readonly chain: Chain;
  readonly rule: Rule;
}

export interface PortContext {
  readonly settings: Pick<TrafficSettings, 'family' | 'localDetector'>;
  /** This node's address for connections of its own processes; without one they are redirected to a loopback address. */
  readonly hostAddress: string | undefined;
  /** Where our process listens for that group of the port; undefined where it does not. */
  readonly relayPortOf: (policy: TrafficPolicy) => number | undefined;
}

/** All rules of one port of a Service. */
export function compilePort(port: PortPlan, context: PortContext): PlacedRule[] {
  return [...port.frontends.flatMap((frontend) => compileFrontend(port, frontend, context)), ...guards(port, context)];
}

function compileFrontend(port: PortPlan, frontend: Frontend, context: PortContext): PlacedRule[] {
  const ways = waysIn(port, frontend, context);
  const isNodePort = frontend.kind === 'node-port';
  const place = (chain: Chain, target: (relayPort: number) => Target, { clients, relayPort }: WayIn): PlacedRule[] =>
    relayPort === undefined
      ? []
      : [{ chain, rule: { ...clients, ...destinationOf(port, frontend), target: target(relayPort) } }];
  const [container, host] = isNodePort
    ? [Chain.containerNodePorts, Chain.hostNodePorts]
    : [Chain.containerPortals, Chain.hostPortals];
  return [
    ...ways.fromOutside.flatMap((way) => place(container, (relayPort) => ({ kind: 'REDIRECT', port: relayPort }), way)),
    ...ways.fromHost.flatMap((way) => place(host, (relayPort) => hostTarget(relayPort, context), way)),
    ...refusals(port, frontend),
  ];
}

/** Some clients of a frontend, and the relay that takes them. */
interface WayIn {
  readonly clients: Clients;
  readonly relayPort: number | undefined;
}

/** By what a rule can tell them. */
type Clients = Pick<Rule, 'source' | 'inInterface'>;

/**
 * For external frontends with policy Local, Pods and the node itself are served by all endpoints; with a firewall, only
 * clients in its ranges come in, and of two ranges that overlap a rule can say the smaller.
 */
function waysIn(port: PortPlan, frontend: Frontend, { settings, relayPortOf }: PortContext) {
  const { policy, verdict } = routeOf(port, frontend);
  const relayPort = verdict === 'forward' ? relayPortOf(policy) : undefined;
  const isLocalOnly = frontend.kind !== 'cluster-ip' && policy === 'Local';
  const clusterPort = isLocalOnly ? relayPortOf('Cluster') : relayPort;
  const sources = admitted(port, frontend);
  const pods = isLocalOnly ? sources.flatMap((source) => podsIn(source, settings.localDetector)) : [];
  return {
    fromOutside: [
      ...pods.map((clients): WayIn => ({ clients, relayPort: clusterPort })),
      ...sources.map((source): WayIn => ({ clients: fromSource(source), relayPort })),
    ],
    fromHost: sources.map((source): WayIn => ({ clients: fromSource(source), relayPort: clusterPort })),
  };
}

/** Ranges of clients; undefined: everybody. */
function admitted({ firewall }: PortPlan, { kind, address }: Frontend): (string | undefined)[] {
  if (!firewall || kind !== 'load-balancer') return [undefined];
  return firewall.admitsNode ? [...firewall.ranges, `${address}/${bitsOf(address!)}`] : [...firewall.ranges];
}

function podsIn(source: string | undefined, detector: LocalDetector): Clients[] {
  switch (detector.kind) {
    case 'none':
      return [];
    case 'source-range': {
      const range = source === undefined ? detector.range : narrower(source, detector.range);
      return range === undefined ? [] : [fromSource(range)];
    }
    case 'bridge':
      return [{ ...fromSource(source), inInterface: { name: detector.interface } }];
    case 'interface-prefix':
      return [{ ...fromSource(source), inInterface: { name: `${detector.prefix}+` } }];
  }
}

function fromSource(range: string | undefined): Clients {
  const source = range === undefined ? undefined : prefix(range);
  return source ? { source } : {};
}

/** The smaller of two ranges, if one lies in the other. */
function narrower(one: string, other: string): string | undefined {
  if (isInRange(addressOf(one), other) && bitsIn(one) >= bitsIn(other)) return one;
  return isInRange(addressOf(other), one) ? other : undefined;
}

const addressOf = (range: string): string => range.split('/')[0]!;
const bitsIn = (range: string): number => Number(range.split('/')[1]);

/** What has not been redirected by a way in. SCTP never is: this process cannot relay it. */
function refusals(port: PortPlan, frontend: Frontend): PlacedRule[] {
  const { verdict } = routeOf(port, frontend);
  const rule = (target: Target, source: string | undefined): PlacedRule => ({
    chain: Chain.refused,
    rule: { ...fromSource(source), ...refusedDestination(port, frontend), target },
  });
  const reject = rejection(port);
  const isFirewalled = port.firewall !== undefined && frontend.kind === 'load-balancer';
  const isRejected = verdict === 'reject' || port.name.protocol === 'SCTP';
  const rejections = isRejected ? admitted(port, frontend).map((source) => rule(reject, source)) : [];
  return isFirewalled || (verdict === 'drop' && !isRejected)
    ? [...rejections, rule({ kind: 'DROP' }, undefined)]
    : rejections;
}

/**
 * A relay's port is for redirected connections only: who comes to it directly would pass by firewalls and policies. Those
 * to node ports are let through a firewall that is closed otherwise, as upstream does.
 */
function guards(port: PortPlan, { relayPortOf }: PortContext): PlacedRule[] {
  const ports = [...new Set([relayPortOf('Cluster'), relayPortOf('Local')])].filter((one) => one !== undefined);
  const hasNodePort = port.frontends.some(({ kind }) => kind === 'node-port');
  return ports.flatMap((relayPort) => {
    const redirected = { kind: 'conntrack', states: ['DNAT'] } as const;
    const guard = (match: Match, target: Target): PlacedRule => ({
      chain: Chain.nonLocalNodePorts,
      rule: { protocol: protocolOf(port), matches: [...portMatches(port, relayPort), match], target },
    });
    return [
      ...(hasNodePort ? [guard(redirected, { kind: 'ACCEPT' })] : []),
      guard({ ...redirected, inverted: true }, rejection(port)),
    ];
  });
}

const rejection = ({ name, family }: PortPlan): Target => ({
  kind: 'REJECT',
  with: name.protocol === 'TCP' ? 'tcp-reset' : portUnreachable(family),
});

function hostTarget(relayPort: number, { hostAddress }: PortContext): Target {
  if (hostAddress === undefined) return { kind: 'REDIRECT', port: relayPort };
  return { kind: 'DNAT', address: hostAddress, port: relayPort };
}

const destinationOf = (port: PortPlan, { address, port: number }: Frontend): Omit<Rule, 'target'> => ({
  ...(address && { destination: { address, length: bitsOf(address) } }),
  protocol: protocolOf(port),
  matches: portMatches(port, number),
});

/** Of a node port, the jump has not looked at the address yet. */
function refusedDestination(port: PortPlan, frontend: Frontend): Omit<Rule, 'target'> {
  const destination = destinationOf(port, frontend);
  if (frontend.address !== undefined) return destination;
  return { ...destination, matches: [...destination.matches, { kind: 'addrtype', destination: { types: ['LOCAL'] } }] };
}

const portMatches = (port: PortPlan, number: number): Match[] => [
  { kind: 'comment', text: portText(port.name) },
  { kind: 'ports', protocol: protocolOf(port).name, destination: { from: number, to: number } },
];

const protocolOf = ({ name: { protocol } }: PortPlan) => ({ name: protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp' });

const bitsOf = (address: string): number => (address.includes(':') ? 128 : 32);
