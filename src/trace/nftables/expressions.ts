import { type Expression, formatExpression, fullyRandom } from '../../wire/nftables/mod.ts';
import { formatIp } from '../../wire/rtnetlink/mod.ts';
import { UnevaluableError } from '../errors.ts';
import { addressTypeOf, type NodeState } from '../node-state.ts';
import { isFirst, isRedirected, type PacketState, protocolNumbers, type Traveller } from '../packet.ts';
import type { Effect, Machine } from './evaluate.ts';
import { headerBytes } from './packet-bytes.ts';
import { hexOf } from './set-index.ts';

type Kind = Expression['kind'];
type Of<Name extends Kind> = Extract<Expression, { kind: Name }>;

/** Throws UnevaluableError where the answer would be a guess. */
export function evaluateExpression(expression: Expression, machine: Machine): Effect {
  const evaluate = evaluators[expression.kind] as (expression: Expression, machine: Machine) => Effect;
  return evaluate(expression, machine);
}

const evaluators: { readonly [Name in Kind]: (expression: Of<Name>, machine: Machine) => Effect } = {
  payload({ base, offset, length, register }, { packet, registers }) {
    registers.write(register, headerBytes(packet, base, offset, length));
    return 'continue';
  },

  meta(expression, { packet, registers, surroundings: { node } }) {
    const { key, register } = expression;
    if (key === 'mark') registers.writeU32(register, packet.mark);
    else if (key === 'l4proto') registers.write(register, Uint8Array.of(protocolNumbers[packet.protocol]));
    else if (key === 'iif') registers.writeU32(register, indexOf(packet.inInterface, node));
    else if (key === 'oif') registers.writeU32(register, indexOf(packet.outInterface, node));
    else if (key === 'iifname') registers.write(register, nameBytes(packet.inInterface));
    else if (key === 'oifname') registers.write(register, nameBytes(packet.outInterface));
    else throw unknown(expression);
    return 'continue';
  },

  'meta-set'(expression, { packet, registers }) {
    if (expression.key !== 'mark') throw unknown(expression);
    packet.mark = registers.readU32(expression.source);
    return 'continue';
  },

  conntrack(expression, { packet, registers }) {
    const { key, register } = expression;
    if (key === 'state') registers.writeU32(register, stateBit(packet));
    // Without a connection there is nothing to load, and the rule ends (nft_ct_get_eval).
    else if (!packet.isTracked) return 'break';
    else if (key === 'status') registers.writeU32(register, statusBits(packet));
    else if (key === 'direction' && packet.state === 'NEW') registers.write(register, Uint8Array.of(0));
    else if (key === 'mark' && packet.state === 'NEW') registers.writeU32(register, 0);
    else throw unknown(expression);
    return 'continue';
  },

  'fib-daddr-type'({ register }, { packet, registers, surroundings: { node } }) {
    registers.writeU32(register, addressTypeOf(packet.destination, node));
    return 'continue';
  },

  'fib-saddr-type'({ register }, { packet, registers, surroundings: { node } }) {
    registers.writeU32(register, addressTypeOf(packet.source, node));
    return 'continue';
  },

  immediate({ register, value }, { registers }) {
    registers.write(register, Buffer.from(value, 'hex'));
    return 'continue';
  },

  verdict: ({ verdict }) => verdict,

  bitwise({ source, register, mask, xor }, { registers }) {
    const [masks, xors] = [Buffer.from(mask, 'hex'), Buffer.from(xor, 'hex')];
    const value = registers.read(source, masks.length);
    registers.write(
      register,
      value.map((byte, i) => (byte & masks[i]!) ^ (xors[i] ?? 0)),
    );
    return 'continue';
  },

  compare({ source, operator, value }, { registers }) {
    const wanted = Buffer.from(value, 'hex');
    const order = Buffer.compare(registers.read(source, wanted.length), wanted);
    return comparisons[operator](order) ? 'continue' : 'break';
  },

  lookup({ set: name, source, register, inverted }, machine) {
    const set = machine.set(name);
    const key = machine.registers.read(source, set.keyLength);
    const found = set.find(key, machine.surroundings.memory);
    if ((found !== undefined) === (inverted ?? false)) return 'break';
    if (register === undefined) return 'continue';
    if (found?.data === undefined) throw new UnevaluableError(`element ${hexOf(key)} of set ${name} has no data`);
    if (!(found.data instanceof Uint8Array)) return found.data;
    if (register !== 'verdict') machine.registers.write(register, found.data);
    return 'continue';
  },

  dynamic({ operation, set: name, source }, machine) {
    const set = machine.set(name);
    const key = machine.registers.read(source, set.keyLength);
    set.change(key, operation, machine.surroundings.memory);
    return 'continue';
  },

  random({ modulus, offset = 0, register }, { registers, surroundings: { choose } }) {
    const way = choose(modulus, () => 1 / modulus);
    registers.writeU32(register, offset + way);
    return 'continue';
  },

  dnat({ address, port }, { registers, packet }) {
    return {
      kind: 'redirect',
      address: formatIp(registers.read(address, packet.family === 'IPv4' ? 4 : 16)),
      port: registers.read(port, 2).readUInt16BE(),
    };
  },

  masquerade: ({ flags }) => ({ kind: 'masquerade', randomFully: (flags & fullyRandom) !== 0 }),

  reject({ with: type, code = 0 }, { packet }) {
    // A reset answers TCP alone; to anything else the kernel stays silent (nf_send_reset).
    if (type === 'tcp-reset') return packet.protocol === 'TCP' ? { kind: 'reject', with: type } : { kind: 'drop' };
    const names = packet.family === 'IPv4' ? icmpCodes : icmpv6Codes;
    return { kind: 'reject', with: names[code] ?? `ICMP code ${code}` };
  },

  foreign(expression) {
    // Statements that leave the packet and the registers alone.
    if (expression.name === 'counter' || expression.name === 'log') return 'continue';
    throw unknown(expression);
  },
};

const unknown = (expression: Expression): UnevaluableError => new UnevaluableError(formatExpression(expression));

const indexOf = (name: string | undefined, { interfaces }: NodeState): number =>
  interfaces.find((one) => one.name === name)?.index ?? 0;

/** IFNAMSIZ, padded with zeros; all zeros where there is no interface. */
const nameBytes = (name = ''): Uint8Array => Buffer.from(name.padEnd(16, '\0'));

const comparisons: Readonly<Record<Of<'compare'>['operator'], (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** NF_CT_STATE_BIT of enum ip_conntrack_info. */
const stateBits: Readonly<Record<PacketState, number>> = {
  INVALID: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  NEW: 8,
  UNTRACKED: 64,
};

/** A packet that conntrack has not seen yet counts as INVALID. */
const stateBit = ({ isTracked, state }: Traveller): number =>
  stateBits[isTracked || state === 'UNTRACKED' ? state : 'INVALID'];

/** enum ip_conntrack_status. */
const Status = {
  expected: 0x1,
  sourceNat: 0x10,
  destinationNat: 0x20,
  sourceNatDone: 0x80,
  destinationNatDone: 0x100,
} as const;

function statusBits(packet: Traveller): number {
  if (!isFirst(packet)) throw new UnevaluableError('the status of a connection whose beginning was not traced');
  let bits = packet.state === 'RELATED' ? Status.expected : 0;
  if (packet.masquerade) bits |= Status.sourceNat;
  if (isRedirected(packet)) bits |= Status.destinationNat;
  if (packet.isSourceSettled) bits |= Status.sourceNatDone;
  if (packet.isDestinationSettled) bits |= Status.destinationNatDone;
  return bits;
}

/** linux/icmp.h and linux/icmpv6.h, in iptables' words. */
const icmpCodes: Readonly<Record<number, string>> = {
  0: 'icmp-net-unreachable',
  1: 'icmp-host-unreachable',
  2: 'icmp-proto-unreachable',
  3: 'icmp-port-unreachable',
  9: 'icmp-net-prohibited',
  10: 'icmp-host-prohibited',
  13: 'icmp-admin-prohibited',
};
const icmpv6Codes: Readonly<Record<number, string>> = {
  0: 'icmp6-no-route',
  1: 'icmp6-adm-prohibited',
  3: 'icmp6-addr-unreachable',
  4: 'icmp6-port-unreachable',
};
