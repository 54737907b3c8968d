import type { Match, Rule, TableName } from '../../../wire/iptables/mod.ts';
import type { TrafficSettings } from '../port.ts';
import { Chain, prefix } from './layout.ts';

/** The way from a built-in chain to one of ours. */
export interface Jump {
  readonly table: TableName;
  readonly from: string;
  readonly rule: Rule;
  /** Before everybody else's rules, or behind them. */
  readonly first: boolean;
}

/**
 * Portals come first and node ports last, because those match broadly: any local address. Of the filter table's rules
 * only new connections need to know.
 */
export function compileJumps(settings: TrafficSettings): Jump[] {
  const portals = comment('handle ClusterIPs; NOTE: this must be before the NodePort rules');
  const nonLocal = comment('Ensure that non-local NodePort traffic can flow');
  const refused = [
    { kind: 'conntrack', states: ['NEW'] } as const,
    comment('kubernetes service portals that nobody answers'),
  ];
  return [
    jump('nat', 'PREROUTING', { matches: [portals] }, Chain.containerPortals),
    jump('nat', 'OUTPUT', { matches: [portals] }, Chain.hostPortals),
    ...nodePortScopes(settings).flatMap((scope) => [
      last(jump('nat', 'PREROUTING', scope, Chain.containerNodePorts)),
      last(jump('nat', 'OUTPUT', scope, Chain.hostNodePorts)),
    ]),
    jump('filter', 'INPUT', { matches: refused }, Chain.refused),
    jump('filter', 'FORWARD', { matches: refused }, Chain.refused),
    jump('filter', 'OUTPUT', { matches: refused }, Chain.refused),
    jump('filter', 'INPUT', { matches: [nonLocal] }, Chain.nonLocalNodePorts),
  ];
}

/** Addresses on which node ports answer. */
function nodePortScopes({ family, nodePorts: { ranges, localhost } }: TrafficSettings): Rule[] {
  const matches: Match[] = [
    { kind: 'addrtype', destination: { types: ['LOCAL'] } },
    comment('handle service NodePorts; NOTE: this must be the last rule in the chain'),
  ];
  if (ranges) return ranges.map((range) => ({ ...within(range), matches }));
  const loopback = family === 'IPv4' ? { address: '127.0.0.0', length: 8 } : { address: '::1', length: 128 };
  return [localhost ? { matches } : { destination: { ...loopback, inverted: true }, matches }];
}

function within(range: string): Pick<Rule, 'destination'> {
  const destination = prefix(range);
  return destination ? { destination } : {};
}

const jump = (table: TableName, from: string, rule: Rule, chain: Chain): Jump => ({
  table,
  from,
  rule: { ...rule, target: { kind: 'jump', chain } },
  first: true,
});

const last = (jump: Jump): Jump => ({ ...jump, first: false });

const comment = (text: string): Match => ({ kind: 'comment', text });
