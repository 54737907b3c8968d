import type { Match, Prefix, Rule, TableName } from '../../../wire/iptables/mod.ts';
import { isInRange } from '../../plan/mod.ts';
import type { TrafficSettings } from '../port.ts';
import { Chain } from './chains.ts';
import { comment, prefixOf } from './parts.ts';
import type { FixedProgram, OwnChain, SharedChain, SharedRule } from './program.ts';

/** Everything but the rules of Services: chains, and the ways into them with upstream's comments. */
export function compileFixed(settings: TrafficSettings): FixedProgram {
  return { chains: ownChains(settings), sharedChains: sharedChains(settings), hooks: hooks(settings) };
}

function ownChains(settings: TrafficSettings): OwnChain[] {
  const mark = settings.masqueradeMark;
  return [
    ...(['mangle', 'nat', 'filter'] as const).map((table) => ({ table, name: Chain.canary, rules: [] })),
    {
      table: 'nat',
      name: Chain.markMasquerade,
      rules: [{ matches: [], target: { kind: 'MARK', value: mark, mask: mark } }],
    },
    { table: 'nat', name: Chain.postrouting, rules: postroutingRules(settings) },
    { table: 'filter', name: Chain.forward, rules: forwardRules(settings) },
    ...(opensLocalhost(settings) ? [{ table: 'filter', name: Chain.firewall, rules: firewallRules } as const] : []),
  ];
}

/** The mark is taken off, lest a packet that passes the network stack again be masqueraded again. */
const postroutingRules = ({ masqueradeMark: mark, randomFully }: TrafficSettings): Rule[] => [
  { matches: [{ kind: 'mark', value: mark, mask: mark, inverted: true }], target: { kind: 'RETURN' } },
  { matches: [], target: { kind: 'MARK', value: mark, mask: 0 } },
  {
    matches: [comment('kubernetes service traffic requiring SNAT')],
    target: { kind: 'MASQUERADE', ...(randomFully && { randomFully }) },
  },
];

/** Traffic of node ports is forwarded even where the FORWARD policy is DROP. */
const forwardRules = ({ masqueradeMark: mark, dropInvalid }: TrafficSettings): Rule[] => [
  ...(dropInvalid
    ? [{ matches: [{ kind: 'conntrack', states: ['INVALID'] } as const], target: { kind: 'DROP' } as const }]
    : []),
  {
    matches: [comment('kubernetes forwarding rules'), { kind: 'mark', value: mark, mask: mark }],
    target: { kind: 'ACCEPT' },
  },
  {
    matches: [
      comment('kubernetes forwarding conntrack rule'),
      { kind: 'conntrack', states: ['RELATED', 'ESTABLISHED'] },
    ],
    target: { kind: 'ACCEPT' },
  },
];

const loopback = { address: '127.0.0.0', length: 8 } as const;

/** route_localnet lets neighbours reach loopback addresses (CVE-2020-8558): only answers and node ports may. */
const firewallRules: readonly Rule[] = [
  {
    source: { ...loopback, inverted: true },
    destination: loopback,
    matches: [
      comment('block incoming localnet connections'),
      { kind: 'conntrack', states: ['RELATED', 'ESTABLISHED', 'DNAT'], inverted: true },
    ],
    target: { kind: 'DROP' },
  },
];

/** IPv6 has no route_localnet: node ports on ::1 cannot work. */
export const opensLocalhost = ({ family, nodePorts }: TrafficSettings): boolean =>
  family === 'IPv4' && nodePorts.localhost;

function sharedChains(settings: TrafficSettings): SharedChain[] {
  return [
    { table: 'nat', name: Chain.nodePorts, tail: [] },
    { table: 'nat', name: Chain.services, tail: nodePortRules(settings) },
    { table: 'filter', name: Chain.services, tail: [] },
    { table: 'filter', name: Chain.externalServices, tail: [] },
    { table: 'filter', name: Chain.nodePorts, tail: [] },
    { table: 'filter', name: Chain.proxyFirewall, tail: [] },
  ];
}

/**
 * Where ranges are given, upstream lists the node's addresses in them, one rule each; here the kernel looks whether an
 * address in the range is the node's own, so that addresses may come and go.
 */
function nodePortRules(settings: TrafficSettings): Rule[] {
  const { family, nodePorts } = settings;
  const loopbackRange = family === 'IPv4' ? loopback : { address: '::1', length: 128 };
  const inLoopback = (range: Prefix) => isInRange(range.address, `${loopbackRange.address}/${loopbackRange.length}`);
  if (nodePorts.ranges === undefined) {
    return [nodePortRule(opensLocalhost(settings) ? undefined : { ...loopbackRange, inverted: true })];
  }
  const ranges = nodePorts.ranges.map(prefixOf).filter((range) => opensLocalhost(settings) || !inLoopback(range));
  const overlaps = ranges.some((range) => isInRange(loopbackRange.address, `${range.address}/${range.length}`));
  const exclusion: Rule = { destination: loopbackRange, matches: [], target: { kind: 'RETURN' } };
  return [...(overlaps && !opensLocalhost(settings) ? [exclusion] : []), ...ranges.map(nodePortRule)];
}

const nodePortRule = (destination: Prefix | undefined): Rule => ({
  ...(destination && destination.length > 0 && { destination }),
  matches: [
    comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain'),
    { kind: 'addrtype', destination: { types: ['LOCAL'] } },
  ],
  target: { kind: 'jump', chain: Chain.nodePorts },
});

function hooks(settings: TrafficSettings): SharedRule[] {
  const portals = 'kubernetes service portals';
  const external = 'kubernetes externally-visible service portals';
  const firewall = 'kubernetes load balancer firewall';
  return [
    hook('filter', 'INPUT', Chain.externalServices, external, isNew),
    hook('filter', 'FORWARD', Chain.externalServices, external, isNew),
    // Upstream has no such rule: the node's own connections to external addresses without endpoints wait there in vain.
    hook('filter', 'OUTPUT', Chain.externalServices, external, isNew),
    hook('filter', 'INPUT', Chain.nodePorts, 'kubernetes health check service ports'),
    hook('filter', 'FORWARD', Chain.services, portals, isNew),
    hook('filter', 'OUTPUT', Chain.services, portals, isNew),
    hook('filter', 'FORWARD', Chain.forward, 'kubernetes forwarding rules'),
    hook('filter', 'INPUT', Chain.proxyFirewall, firewall, isNew),
    hook('filter', 'OUTPUT', Chain.proxyFirewall, firewall, isNew),
    hook('filter', 'FORWARD', Chain.proxyFirewall, firewall, isNew),
    hook('nat', 'OUTPUT', Chain.services, portals),
    hook('nat', 'PREROUTING', Chain.services, portals),
    hook('nat', 'POSTROUTING', Chain.postrouting, 'kubernetes postrouting rules'),
    ...(opensLocalhost(settings)
      ? [hook('filter', 'INPUT', Chain.firewall), hook('filter', 'OUTPUT', Chain.firewall)]
      : []),
  ];
}

const isNew: Match = { kind: 'conntrack', states: ['NEW'] };

const hook = (table: TableName, chain: string, to: string, text?: string, ...conditions: Match[]): SharedRule => ({
  table,
  chain,
  rule: {
    matches: text === undefined ? conditions : [...conditions, comment(text)],
    target: { kind: 'jump', chain: to },
  },
});
