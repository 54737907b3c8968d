import type { AddressTypeMatch, ConntrackState, Family, Match, PortRange, Prefix, Rule, Target } from './model.ts';

/**
 * The rule as `iptables-save` shows it, without `-A CHAIN`. `iptables-restore` takes the same text, so two rules are the
 * same if their texts are.
 */
export function printRule(rule: Rule): string {
  let text = '';
  if (rule.source) text += ` ${option('-s', prefixText(rule.source), rule.source)}`;
  if (rule.destination) text += ` ${option('-d', prefixText(rule.destination), rule.destination)}`;
  if (rule.inInterface) text += ` ${option('-i', rule.inInterface.name, rule.inInterface)}`;
  if (rule.outInterface) text += ` ${option('-o', rule.outInterface.name, rule.outInterface)}`;
  if (rule.protocol) text += ` ${option('-p', rule.protocol.name, rule.protocol)}`;
  for (const match of rule.matches) text += ` ${printMatch(match)}`;
  if (rule.target) text += ` ${printTarget(rule.target)}`;
  return text.slice(1);
}

function printMatch(match: Match): string {
  switch (match.kind) {
    case 'comment':
      return `-m comment --comment ${quoted(match.text)}`;
    case 'ports': {
      const source = match.source ? ` ${option('--sport', rangeText(match.source), match.source)}` : '';
      const destination = match.destination
        ? ` ${option('--dport', rangeText(match.destination), match.destination)}`
        : '';
      return `-m ${match.protocol}${source}${destination}`;
    }
    case 'mark':
      return `-m mark ${option('--mark', markText(match), match)}`;
    case 'addrtype':
      return `-m addrtype${addressTypeText('--src-type', match.source)}${addressTypeText('--dst-type', match.destination)}`;
    case 'statistic':
      return `-m statistic --mode random ${option('--probability', probabilityText(match.probability), match)}`;
    case 'conntrack':
      return `-m conntrack ${option('--ctstate', sortedStates(match.states).join(), match)}`;
    case 'recent': {
      const seconds = match.seconds === undefined ? '' : ` --seconds ${match.seconds}`;
      const side = match.side === 'source' ? '--rsource' : '--rdest';
      const how = `${option(`--${match.do}`, undefined, match)}${seconds}${match.reap ? ' --reap' : ''}`;
      return `-m recent ${how} --name ${match.name} --mask ${match.mask} ${side}`;
    }
    case 'set':
      return `-m set ${option('--match-set', `${match.name} ${match.directions.join()}`, match)}`;
    case 'physdev':
      return `-m physdev${flagText('in', match.isIn)}${flagText('out', match.isOut)}${flagText('bridged', match.isBridged)}`;
    case 'foreign':
      return `-m ${match.name}${match.text && ` ${match.text}`}`;
  }
}

function printTarget(target: Target): string {
  switch (target.kind) {
    case 'jump':
      return `-j ${target.chain}`;
    case 'goto':
      return `-g ${target.chain}`;
    case 'MARK':
      return `-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case 'DNAT':
      return `-j DNAT --to-destination ${destinationText(target.address, target.port)}`;
    case 'MASQUERADE':
      return `-j MASQUERADE${target.randomFully ? ' --random-fully' : ''}`;
    case 'REDIRECT':
      return `-j REDIRECT --to-ports ${target.port}`;
    case 'REJECT':
      return `-j REJECT --reject-with ${target.with}`;
    case 'foreign':
      return `-j ${target.name}${target.text && ` ${target.text}`}`;
    default:
      return `-j ${target.kind}`;
  }
}

/** `10.96.0.1/32`. */
const prefixText = ({ address, length }: Prefix): string => `${address}/${length}`;

/** `10.244.1.7:9376` or `[fd00::7]:9376`. */
function destinationText(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** xt_statistic counts in parts of 2^31, and iptables prints eleven digits of it. */
export const probabilityOne = 2 ** 31;
const probabilityText = (probability: number): string => (probability / probabilityOne).toFixed(11);

/** A chance of one in `count`, written with ten digits by upstream and read by iptables as the nearest part of 2^31. */
export const oneIn = (count: number): number => Math.round(probabilityOne * Number((1 / count).toFixed(10)));

/** What REJECT sends unless it is told otherwise. */
export const portUnreachable = (family: Family): string =>
  family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';

const option = (name: string, value: string | undefined, { inverted }: { inverted?: true }): string =>
  `${inverted ? '! ' : ''}${name}${value === undefined ? '' : ` ${value}`}`;

const rangeText = ({ from, to }: PortRange): string => (from === to ? `${from}` : `${from}:${to}`);
const hex = (value: number): string => `0x${value.toString(16)}`;
const markText = ({ value, mask }: { value: number; mask: number }): string =>
  mask === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`;
const addressTypeText = (name: string, match: AddressTypeMatch | undefined): string =>
  match ? ` ${option(name, match.types.join(), match)}` : '';
const flagText = (name: string, is: boolean | undefined): string =>
  is === undefined ? '' : `${is ? '' : ' !'} --physdev-is-${name}`;

/** As iptables prints them, whatever order they were given in. */
export const conntrackStates: readonly ConntrackState[] = [
  'INVALID',
  'NEW',
  'RELATED',
  'ESTABLISHED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
];
const sortedStates = (states: readonly ConntrackState[]): ConntrackState[] =>
  states.length === 1 ? [...states] : conntrackStates.filter((state) => states.includes(state));

/** xtables_save_string: bare when it holds nothing but letters, digits, `_` and `-`. */
function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replace(/["\\']/g, '\\$&')}"`;
}
