import type {
  AddressType,
  AddressTypeMatch,
  ConntrackState,
  Family,
  Match,
  PortRange,
  RecentMatch,
  Target,
} from '../iptables/model.ts';
import { addressBytes, addressText } from './addresses.ts';

/**
 * The C structures behind `-m` and `-j`, byte for byte as iptables 1.8.9 fills them in and the kernel gives them back.
 * All are padded to eight bytes (XT_ALIGN).
 */
export interface Extension {
  readonly name: string;
  readonly revision: number;
  readonly info: Uint8Array;
}

/** Undefined for a match that has nftables expressions of its own. */
export function encodeMatch(match: Match): Extension | undefined {
  switch (match.kind) {
    case 'comment':
      return { name: 'comment', revision: 0, info: textInfo(match.text, commentLength) };
    case 'ports':
      return encodePorts(match);
    case 'addrtype':
      return { name: 'addrtype', revision: 1, info: addressTypeInfo(match.source, match.destination) };
    case 'statistic':
      return { name: 'statistic', revision: 0, info: statisticInfo(match.probability, match.inverted) };
    case 'conntrack':
      return { name: 'conntrack', revision: 3, info: conntrackInfo(match.states, match.inverted) };
    case 'recent':
      return { name: 'recent', revision: 1, info: recentInfo(match) };
    case 'mark':
      return undefined;
    default:
      throw new TypeError(`Cannot encode match ${match.kind}`);
  }
}

/** Undefined for a form that this program does not know. */
export function decodeMatch({ name, revision, info }: Extension, family: Family): Match | undefined {
  const reader = matchReaders[`${name}/${revision}`];
  const bytes = name === 'recent' && family === 'IPv4' ? withWholeMask(info) : bufferOf(info);
  const match = reader && bytes.length === reader.length ? reader.read(bytes, family) : undefined;
  // Whatever was not understood makes other bytes than were read.
  const again = match && encodeMatch(match);
  return again && sameInfo(again.info, bytes) ? match : undefined;
}

export type ExtensionTarget = Extract<Target, { kind: 'MARK' | 'DNAT' | 'MASQUERADE' | 'REDIRECT' | 'REJECT' }>;

export function encodeTarget(target: ExtensionTarget, family: Family): Extension {
  switch (target.kind) {
    case 'MARK':
      return { name: 'MARK', revision: 2, info: words(target.value, target.mask) };
    case 'DNAT':
      return { name: 'DNAT', revision: 2, info: destinationInfo(target.address, target.port) };
    case 'MASQUERADE':
      return {
        name: 'MASQUERADE',
        revision: 0,
        info: rangeInfo(family, target.randomFully ? RangeFlag.randomFully : 0, 0),
      };
    case 'REDIRECT':
      return { name: 'REDIRECT', revision: 0, info: rangeInfo(family, RangeFlag.ports, target.port) };
    case 'REJECT': {
      const code = rejectCodes[family].indexOf(target.with);
      if (code < 0) throw new TypeError(`Cannot encode REJECT --reject-with ${target.with} for ${family}`);
      return { name: 'REJECT', revision: 0, info: words(code, 0) };
    }
  }
}

export function decodeTarget({ name, revision, info }: Extension, family: Family): ExtensionTarget | undefined {
  const reader = targetReaders[`${name}/${revision}`];
  const bytes = bufferOf(info);
  const target = reader && bytes.length >= reader.length ? reader.read(bytes, family) : undefined;
  const again = target && encodeTarget(target, family);
  return again && sameInfo(again.info, bytes) ? target : undefined;
}

interface Reader<Result> {
  readonly length: number;
  read(bytes: Buffer, family: Family): Result | undefined;
}

const bufferOf = (info: Uint8Array): Buffer => Buffer.from(info.buffer, info.byteOffset, info.length);
const sameInfo = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** XT_MAX_COMMENT_LEN, XT_RECENT_NAME_LEN. */
const commentLength = 256;
const recentNameLength = 200;

function textInfo(text: string, length: number): Buffer {
  const info = Buffer.alloc(length);
  // The last byte stays zero; longer texts are cut as iptables refuses them.
  info.write(text, 0, length - 1, 'utf8');
  return info;
}

const textAt = (bytes: Buffer, start: number, length: number): string => {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end < 0 || end > start + length ? start + length : end);
};

function words(first: number, second: number): Buffer {
  const info = Buffer.alloc(8);
  info.writeUInt32LE(first >>> 0, 0);
  info.writeUInt32LE(second >>> 0, 4);
  return info;
}

type PortsMatch = Extract<Match, { kind: 'ports' }>;
const anyPort: PortRange = { from: 0, to: 0xffff };

/** iptables-nft writes TCP and UDP ports as expressions; without any ports the bare match stays. */
function encodePorts({ protocol, source, destination }: PortsMatch): Extension | undefined {
  if (protocol === 'sctp') return { name: 'sctp', revision: 0, info: sctpInfo(source, destination) };
  if (source ?? destination) return undefined;
  const info = Buffer.alloc(16);
  info.writeUInt16LE(anyPort.to, 2);
  info.writeUInt16LE(anyPort.to, 6);
  return { name: protocol, revision: 0, info };
}

/**
 * struct xt_sctp_info: the ports, destination first; 64 words of chunk types; how they match; four chunk flags of three
 * bytes, whose chunk types iptables sets to 255; their number; which parts count; which are inverted.
 */
const Sctp = { length: 296, chunkFlags: 268, parts: 284, inverted: 288, source: 1, destination: 2 } as const;

function sctpInfo(source: PortRange | undefined, destination: PortRange | undefined): Buffer {
  const info = Buffer.alloc(Sctp.length);
  if (destination) writeRange(info, 0, destination);
  if (source) writeRange(info, 4, source);
  for (let flag = 0; flag < 4; flag++) info.writeUInt8(0xff, Sctp.chunkFlags + flag * 3);
  info.writeUInt32LE((source ? Sctp.source : 0) | (destination ? Sctp.destination : 0), Sctp.parts);
  const inverted = (source?.inverted ? Sctp.source : 0) | (destination?.inverted ? Sctp.destination : 0);
  info.writeUInt32LE(inverted, Sctp.inverted);
  return info;
}

function readSctp(info: Buffer): PortsMatch {
  const [parts, inverted] = [info.readUInt32LE(Sctp.parts), info.readUInt32LE(Sctp.inverted)];
  return {
    kind: 'ports',
    protocol: 'sctp',
    ...(parts & Sctp.source && { source: { ...rangeAt(info, 4), ...not(inverted & Sctp.source) } }),
    ...(parts & Sctp.destination && { destination: { ...rangeAt(info, 0), ...not(inverted & Sctp.destination) } }),
  };
}

function writeRange(info: Buffer, offset: number, { from, to }: PortRange): void {
  info.writeUInt16LE(from, offset);
  info.writeUInt16LE(to, offset + 2);
}

const rangeAt = (info: Buffer, offset: number): PortRange => ({
  from: info.readUInt16LE(offset),
  to: info.readUInt16LE(offset + 2),
});

const not = (flag: number): { inverted?: true } => (flag ? { inverted: true } : {});

/** struct xt_addrtype_info_v1: bits by enum rtn_type, for source and destination, and flags. */
const addressTypeNames: readonly AddressType[] = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
];
const AddressTypeFlag = { invertSource: 1, invertDestination: 2 } as const;

function addressTypeInfo(source: AddressTypeMatch | undefined, destination: AddressTypeMatch | undefined): Buffer {
  const info = Buffer.alloc(8);
  info.writeUInt16LE(addressTypeBits(source), 0);
  info.writeUInt16LE(addressTypeBits(destination), 2);
  const flags =
    (source?.inverted ? AddressTypeFlag.invertSource : 0) |
    (destination?.inverted ? AddressTypeFlag.invertDestination : 0);
  info.writeUInt32LE(flags, 4);
  return info;
}

const addressTypeBits = (match: AddressTypeMatch | undefined): number =>
  (match?.types ?? []).reduce((bits, type) => bits | (1 << addressTypeNames.indexOf(type)), 0);

function readAddressType(info: Buffer): Match {
  const flags = info.readUInt32LE(4);
  const [source, destination] = [addressTypesOf(info.readUInt16LE(0)), addressTypesOf(info.readUInt16LE(2))];
  return {
    kind: 'addrtype',
    ...(source.length > 0 && { source: { types: source, ...not(flags & AddressTypeFlag.invertSource) } }),
    ...(destination.length > 0 && {
      destination: { types: destination, ...not(flags & AddressTypeFlag.invertDestination) },
    }),
  };
}

const addressTypesOf = (bits: number): AddressType[] => addressTypeNames.filter((_, bit) => bits & (1 << bit));

/** struct xt_statistic_info: mode (0: random), flags, the probability, and the count that iptables leaves behind of it. */
function statisticInfo(probability: number, inverted: true | undefined): Buffer {
  const info = Buffer.alloc(24);
  info.writeUInt16LE(inverted ? 1 : 0, 2);
  info.writeUInt32LE(probability, 4);
  info.writeUInt32LE(probability, 12);
  return info;
}

/** struct xt_conntrack_mtinfo3, of which only the states are used here. */
const Conntrack = { length: 168, parts: 146, inverted: 148, states: 150, statePart: 1 } as const;
/** XT_CONNTRACK_STATE_*: bits by enum ip_conntrack_info, then the virtual states. */
const conntrackStateBits: Readonly<Record<ConntrackState, number>> = {
  INVALID: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  NEW: 8,
  SNAT: 64,
  DNAT: 128,
  UNTRACKED: 256,
};

function conntrackInfo(states: readonly ConntrackState[], inverted: true | undefined): Buffer {
  const info = Buffer.alloc(Conntrack.length);
  info.writeUInt16LE(Conntrack.statePart, Conntrack.parts);
  info.writeUInt16LE(inverted ? Conntrack.statePart : 0, Conntrack.inverted);
  info.writeUInt16LE(
    states.reduce((bits, state) => bits | conntrackStateBits[state], 0),
    Conntrack.states,
  );
  return info;
}

function readConntrack(info: Buffer): Match {
  const bits = info.readUInt16LE(Conntrack.states);
  const states = (Object.keys(conntrackStateBits) as ConntrackState[]).filter(
    (name) => bits & conntrackStateBits[name],
  );
  return { kind: 'conntrack', states, ...not(info.readUInt16LE(Conntrack.inverted)) };
}

/** struct xt_recent_mtinfo_v1: seconds, hits, what to do, inverted, the list's name, which address, its mask. */
const Recent = { length: 232, does: 8, inverted: 9, name: 10, side: 210, mask: 212, reap: 32 } as const;
const recentActions = { rcheck: 1, set: 2, update: 4, remove: 8 } as const;

function recentInfo({ do: action, seconds = 0, reap, name, mask, side, inverted }: RecentMatch): Buffer {
  const info = Buffer.alloc(Recent.length);
  info.writeUInt32LE(seconds, 0);
  info.writeUInt8(recentActions[action] | (reap ? Recent.reap : 0), Recent.does);
  info.writeUInt8(inverted ? 1 : 0, Recent.inverted);
  info.write(name, Recent.name, recentNameLength - 1, 'latin1');
  info.writeUInt8(side === 'source' ? 0 : 1, Recent.side);
  // Without --mask, as kube-proxy calls it, iptables sets all sixteen bytes also where an address has four.
  info.fill(0xff, Recent.mask, Recent.mask + 16);
  info.set(addressBytes(mask), Recent.mask);
  return info;
}

/** With --mask iptables sets the four bytes of an IPv4 address only; the kernel looks at no others. */
const withWholeMask = (info: Uint8Array): Buffer => Buffer.from(info).fill(0xff, Recent.mask + 4, Recent.mask + 16);

function readRecent(info: Buffer, family: Family): Match | undefined {
  const does = info.readUInt8(Recent.does);
  const actions = Object.keys(recentActions) as RecentMatch['do'][];
  const action = actions.find((name) => recentActions[name] === (does & 15));
  if (action === undefined) return undefined;
  const seconds = info.readUInt32LE(0);
  return {
    kind: 'recent',
    do: action,
    ...(seconds > 0 && { seconds }),
    ...(does & Recent.reap && { reap: true }),
    name: textAt(info, Recent.name, recentNameLength),
    mask: addressText(info.subarray(Recent.mask, Recent.mask + (family === 'IPv4' ? 4 : 16))),
    side: info.readUInt8(Recent.side) === 0 ? 'source' : 'destination',
    ...not(info.readUInt8(Recent.inverted)),
  };
}

/** NF_NAT_RANGE_*. */
const RangeFlag = { addresses: 1, ports: 2, randomFully: 16 } as const;

/** struct nf_nat_range2: flags, lowest and highest address, lowest and highest port, base port. */
function destinationInfo(address: string, port: number | undefined): Buffer {
  const info = Buffer.alloc(48);
  info.writeUInt32LE(RangeFlag.addresses | (port === undefined ? 0 : RangeFlag.ports), 0);
  const bytes = addressBytes(address);
  info.set(bytes, 4);
  info.set(bytes, 20);
  info.writeUInt16BE(port ?? 0, 36);
  info.writeUInt16BE(port ?? 0, 38);
  return info;
}

/** struct nf_nat_ipv4_multi_range_compat (a count of one, flags, two addresses, two ports), or struct nf_nat_range. */
function rangeInfo(family: Family, flags: number, port: number): Buffer {
  const info = Buffer.alloc(family === 'IPv4' ? 24 : 40);
  const [flagsOffset, portsOffset] = family === 'IPv4' ? [4, 16] : [0, 36];
  if (family === 'IPv4') info.writeUInt32LE(1, 0);
  info.writeUInt32LE(flags, flagsOffset);
  info.writeUInt16BE(port, portsOffset);
  info.writeUInt16BE(port, portsOffset + 2);
  return info;
}

/** enum ipt_reject_with and enum ip6t_reject_with, in the order of their numbers. */
const rejectCodes: Readonly<Record<Family, readonly string[]>> = {
  IPv4: [
    'icmp-net-unreachable',
    'icmp-host-unreachable',
    'icmp-proto-unreachable',
    'icmp-port-unreachable',
    'icmp-echo-reply',
    'icmp-net-prohibited',
    'icmp-host-prohibited',
    'tcp-reset',
    'icmp-admin-prohibited',
  ],
  IPv6: [
    'icmp6-no-route',
    'icmp6-adm-prohibited',
    'icmp6-not-neighbour',
    'icmp6-addr-unreachable',
    'icmp6-port-unreachable',
    'icmp6-echo-reply',
    'tcp-reset',
    'icmp6-policy-fail',
    'icmp6-reject-route',
  ],
};

const matchReaders: Readonly<Record<string, Reader<Match>>> = {
  'comment/0': { length: commentLength, read: (info) => ({ kind: 'comment', text: textAt(info, 0, commentLength) }) },
  'tcp/0': { length: 16, read: () => ({ kind: 'ports', protocol: 'tcp' }) },
  'udp/0': { length: 16, read: () => ({ kind: 'ports', protocol: 'udp' }) },
  'sctp/0': { length: Sctp.length, read: readSctp },
  'addrtype/1': { length: 8, read: readAddressType },
  'statistic/0': {
    length: 24,
    read: (info) => ({ kind: 'statistic', probability: info.readUInt32LE(4), ...not(info.readUInt16LE(2)) }),
  },
  'conntrack/3': { length: Conntrack.length, read: readConntrack },
  'recent/1': { length: Recent.length, read: readRecent },
};

const targetReaders: Readonly<Record<string, Reader<ExtensionTarget>>> = {
  'MARK/2': {
    length: 8,
    read: (info) => ({ kind: 'MARK', value: info.readUInt32LE(0), mask: info.readUInt32LE(4) }),
  },
  'DNAT/2': {
    length: 48,
    read(info, family) {
      const hasPort = (info.readUInt32LE(0) & RangeFlag.ports) !== 0;
      const address = addressText(info.subarray(4, family === 'IPv4' ? 8 : 20));
      return { kind: 'DNAT', address, ...(hasPort && { port: info.readUInt16BE(36) }) };
    },
  },
  'MASQUERADE/0': {
    length: 24,
    read(info, family) {
      const flags = info.readUInt32LE(family === 'IPv4' ? 4 : 0);
      return { kind: 'MASQUERADE', ...(flags === RangeFlag.randomFully && { randomFully: true }) };
    },
  },
  'REDIRECT/0': {
    length: 24,
    read: (info, family) => ({ kind: 'REDIRECT', port: info.readUInt16BE(family === 'IPv4' ? 16 : 36) }),
  },
  'REJECT/0': {
    length: 8,
    read(info, family) {
      const name = rejectCodes[family][info.readUInt32LE(0)];
      return name === undefined ? undefined : { kind: 'REJECT', with: name };
    },
  },
};
