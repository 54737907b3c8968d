import type { InterfaceMatch, Match, Rule } from '../../wire/iptables/mod.ts';
import { UnevaluableError } from '../errors.ts';
import { AddressType, addressTypeOf, isInPrefix } from '../node-state.ts';
import { isRedirected, protocolNumbers, type Traveller } from '../packet.ts';
import type { Surroundings } from '../rules.ts';
import { matchRecent } from './recent.ts';

/** xt_statistic draws a number below this one. */
const statisticWhole = 2 ** 31;

/** Whether all of the rule's conditions hold. Throws UnevaluableError where the answer hangs on one that nobody knows. */
export function isMatchedBy(rule: Rule, packet: Traveller, surroundings: Surroundings): boolean {
  if (!isHeaderMatched(rule, packet)) return false;
  let unknown: Match | undefined;
  for (const match of rule.matches) {
    // Conditions behind an unknown one may still say no, whatever it says.
    if (isUnknown(match)) unknown ??= match;
    else if (!isMatched(match, packet, surroundings)) return false;
  }
  if (unknown) throw new UnevaluableError(`-m ${unknown.kind === 'foreign' ? unknown.name : unknown.kind}`);
  return true;
}

function isHeaderMatched(
  { source, destination, inInterface, outInterface, protocol }: Rule,
  packet: Traveller,
): boolean {
  const isIn = (address: string, prefix: NonNullable<Rule['source']>) =>
    isInPrefix(address, `${prefix.address}/${prefix.length}`) !== isInverted(prefix);
  return (
    (source === undefined || isIn(packet.source, source)) &&
    (destination === undefined || isIn(packet.destination, destination)) &&
    (inInterface === undefined || isInterface(packet.inInterface, inInterface)) &&
    (outInterface === undefined || isInterface(packet.outInterface, outInterface)) &&
    (protocol === undefined || isProtocol(packet, protocol.name) !== isInverted(protocol))
  );
}

/** A packet has no in-interface in output and no out-interface in prerouting: then its name is empty. */
function isInterface(name = '', match: InterfaceMatch): boolean {
  const same = match.name.endsWith('+') ? name.startsWith(match.name.slice(0, -1)) : name === match.name;
  return same !== isInverted(match);
}

function isProtocol({ protocol }: Traveller, wanted: string): boolean {
  const names: readonly string[] = [protocol.toLowerCase(), String(protocolNumbers[protocol])];
  return wanted === 'all' || names.includes(wanted) || (protocol === 'ICMPv6' && wanted === 'ipv6-icmp');
}

const isUnknown = ({ kind }: Match): boolean => kind === 'foreign' || kind === 'set' || kind === 'physdev';

function isMatched(match: Match, packet: Traveller, surroundings: Surroundings): boolean {
  switch (match.kind) {
    case 'comment':
      return true;
    case 'ports':
      return isPortsMatched(match, packet);
    case 'mark':
      return ((packet.mark & match.mask) >>> 0 === match.value >>> 0) !== isInverted(match);
    case 'addrtype':
      return isAddressTypeMatched(match, packet, surroundings);
    case 'statistic': {
      const chance = match.probability / statisticWhole;
      const isBelow = surroundings.choose(2, (way) => (way === 0 ? chance : 1 - chance)) === 0;
      return isBelow !== isInverted(match);
    }
    case 'conntrack':
      return conntrackStates(packet).some((state) => match.states.includes(state)) !== isInverted(match);
    case 'recent':
      return matchRecent(match, packet, surroundings.memory) !== isInverted(match);
    default:
      throw new UnevaluableError(`-m ${match.kind}`);
  }
}

function isPortsMatched(match: Extract<Match, { kind: 'ports' }>, packet: Traveller): boolean {
  if (packet.protocol.toLowerCase() !== match.protocol) return false;
  return isPortIn(packet.sourcePort, match.source) && isPortIn(packet.destinationPort, match.destination);
}

function isPortIn(port: number | undefined, range: Extract<Match, { kind: 'ports' }>['source']): boolean {
  if (range === undefined) return true;
  if (port === undefined) throw new UnevaluableError('the port, which the packet does not say');
  return (port >= range.from && port <= range.to) !== isInverted(range);
}

function isAddressTypeMatched(
  { source, destination }: Extract<Match, { kind: 'addrtype' }>,
  packet: Traveller,
  { node }: Surroundings,
): boolean {
  const isOf = (address: string, wanted: NonNullable<typeof source>) =>
    (wanted.types as readonly string[]).includes(typeNames.get(addressTypeOf(address, node)) ?? '') !==
    isInverted(wanted);
  return (
    (source === undefined || isOf(packet.source, source)) &&
    (destination === undefined || isOf(packet.destination, destination))
  );
}

const typeNames = new Map<AddressType, string>([
  [AddressType.unspecified, 'UNSPEC'],
  [AddressType.unicast, 'UNICAST'],
  [AddressType.local, 'LOCAL'],
  [AddressType.broadcast, 'BROADCAST'],
  [AddressType.multicast, 'MULTICAST'],
]);

type States = Extract<Match, { kind: 'conntrack' }>['states'];

/** xt_conntrack: besides its state a connection can have been given other addresses. */
function conntrackStates(packet: Traveller): States {
  if (packet.state === 'UNTRACKED') return ['UNTRACKED'];
  if (!packet.isTracked) return ['INVALID'];
  return [
    packet.state,
    ...(packet.masquerade ? (['SNAT'] as const) : []),
    ...(isRedirected(packet) ? (['DNAT'] as const) : []),
  ];
}

const isInverted = ({ inverted = false }: { readonly inverted?: boolean }): boolean => inverted;
