import { type Attributes, type AttributeWriter, MalformedError } from '../netlink/mod.ts';
import { DataAttribute, ExpressionAttribute, verdictRegister } from './constants.ts';
import { type Names, nameOf } from './names.ts';
import { decodeVerdict, encodeVerdict, type Verdict } from './verdict.ts';

/**
 * What a rule does, one step after the other, as the kernel's own virtual machine sees it. Registers are numbered as
 * NFT_REG32_*: 8 to 23, four bytes each; a longer value lies in consecutive ones. Values are bytes in hexadecimal.
 */
export type Expression =
  | {
      readonly kind: 'payload';
      readonly base: 'network' | 'transport';
      readonly offset: number;
      readonly length: number;
      readonly register: number;
    }
  | { readonly kind: 'meta'; readonly key: MetaKey; readonly register: number }
  | { readonly kind: 'meta-set'; readonly key: MetaKey; readonly source: number }
  | { readonly kind: 'conntrack'; readonly key: ConntrackKey; readonly register: number }
  /** The type of the destination or source address as the routing table has it: an RTN_* number. */
  | { readonly kind: 'fib-daddr-type'; readonly register: number }
  | { readonly kind: 'fib-saddr-type'; readonly register: number }
  | { readonly kind: 'immediate'; readonly register: number; readonly value: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | {
      readonly kind: 'bitwise';
      readonly source: number;
      readonly register: number;
      readonly mask: string;
      readonly xor: string;
    }
  | { readonly kind: 'compare'; readonly source: number; readonly operator: Comparison; readonly value: string }
  /** Ends the rule when `source` is not in the set; with `register`, loads what the map has for it. */
  | {
      readonly kind: 'lookup';
      readonly set: string;
      readonly source: number;
      readonly register?: number | 'verdict';
      readonly inverted?: boolean;
    }
  /** A number from `offset` (default 0) to `offset + modulus - 1`. */
  | { readonly kind: 'random'; readonly modulus: number; readonly offset?: number; readonly register: number }
  /** Adds the packet's own element to a set, or makes it young again, or takes it out; ends the rule when the set is full. */
  | {
      readonly kind: 'dynamic';
      readonly operation: DynamicOperation;
      readonly set: string;
      readonly source: number;
      /** Absent: as the set has it, or for ever. */
      readonly timeoutMs?: number;
    }
  | { readonly kind: 'dnat'; readonly family: number; readonly address: number; readonly port: number }
  | { readonly kind: 'masquerade'; readonly flags: number }
  | { readonly kind: 'reject'; readonly with: 'tcp-reset' | 'icmp'; readonly code?: number }
  /** One that this program does not write: found in the kernel's answer. */
  | { readonly kind: 'foreign'; readonly name: string };

type Kind = Expression['kind'];
type Of<Name extends Kind> = Extract<Expression, { kind: Name }>;

const metaKeys = { length: 0, mark: 3, iif: 4, oif: 5, iifname: 6, oifname: 7, l4proto: 16 } satisfies Names;
const conntrackKeys = { state: 0, direction: 1, status: 2, mark: 3 } satisfies Names;
const comparisons = { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 } satisfies Names;
const payloadBases = { network: 1, transport: 2 } satisfies Names;
const rejectTypes = { icmp: 0, 'tcp-reset': 1 } satisfies Names;
/** NFT_DYNSET_OP_*. */
const dynamicOperations = { update: 1, delete: 2 } satisfies Names;
export type DynamicOperation = keyof typeof dynamicOperations;
export type MetaKey = keyof typeof metaKeys;
export type ConntrackKey = keyof typeof conntrackKeys;
export type Comparison = keyof typeof comparisons;

/** NF_NAT_RANGE_PROTO_RANDOM_FULLY: source ports chosen without a pattern that two clients could share. */
export const fullyRandom = 1 << 4;

/** NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_SADDR and _DADDR. */
const fibAddressType = 3;
const fibSource = 1;
const fibDestination = 2;
const natDestination = 1;
const numgenRandom = 1;
const lookupInverted = 1;

interface Codec<Name extends Kind> {
  /** NFTA_EXPR_NAME. */
  readonly name: string;
  encode(writer: AttributeWriter, expression: Of<Name>): void;
  /** Undefined: the same name, but a form that this program does not use. */
  decode(attributes: Attributes): Of<Name> | undefined;
}

type FibKind = 'fib-daddr-type' | 'fib-saddr-type';

function fibType<Name extends FibKind>(kind: Name, flags: number): Codec<Name> {
  return {
    name: 'fib',
    encode(writer, { register }: Of<FibKind>) {
      writer.putU32Be(1, register);
      writer.putU32Be(2, fibAddressType);
      writer.putU32Be(3, flags);
    },
    decode(attributes) {
      if (attributes.u32Be(2) !== fibAddressType || attributes.u32Be(3) !== flags) return undefined;
      return { kind, register: reg(attributes, 1) } as Of<Name>;
    },
  };
}

const codecs: { readonly [Name in Exclude<Kind, 'foreign'>]: Codec<Name> } = {
  payload: {
    name: 'payload',
    encode(writer, { base, offset, length, register }) {
      writer.putU32Be(1, register);
      writer.putU32Be(2, payloadBases[base]);
      writer.putU32Be(3, offset);
      writer.putU32Be(4, length);
    },
    decode(attributes) {
      const base = nameOf(payloadBases, attributes.u32Be(2));
      if (base === undefined || !attributes.has(1)) return undefined;
      return {
        kind: 'payload',
        base,
        offset: u32(attributes, 3),
        length: u32(attributes, 4),
        register: reg(attributes, 1),
      };
    },
  },
  meta: {
    name: 'meta',
    encode(writer, { key, register }) {
      writer.putU32Be(1, register);
      writer.putU32Be(2, metaKeys[key]);
    },
    decode(attributes) {
      const key = nameOf(metaKeys, attributes.u32Be(2));
      return key && attributes.has(1) ? { kind: 'meta', key, register: reg(attributes, 1) } : undefined;
    },
  },
  'meta-set': {
    name: 'meta',
    encode(writer, { key, source }) {
      writer.putU32Be(2, metaKeys[key]);
      writer.putU32Be(3, source);
    },
    decode(attributes) {
      const key = nameOf(metaKeys, attributes.u32Be(2));
      return key && attributes.has(3) ? { kind: 'meta-set', key, source: reg(attributes, 3) } : undefined;
    },
  },
  conntrack: {
    name: 'ct',
    encode(writer, { key, register }) {
      writer.putU32Be(1, register);
      writer.putU32Be(2, conntrackKeys[key]);
    },
    decode(attributes) {
      const key = nameOf(conntrackKeys, attributes.u32Be(2));
      return key && attributes.has(1) ? { kind: 'conntrack', key, register: reg(attributes, 1) } : undefined;
    },
  },
  'fib-daddr-type': fibType('fib-daddr-type', fibDestination),
  'fib-saddr-type': fibType('fib-saddr-type', fibSource),
  immediate: {
    name: 'immediate',
    encode(writer, { register, value }) {
      writer.putU32Be(1, register);
      putValue(writer, 2, value);
    },
    decode(attributes) {
      if (u32(attributes, 1) === verdictRegister) return undefined;
      return { kind: 'immediate', register: reg(attributes, 1), value: value(attributes, 2) };
    },
  },
  verdict: {
    name: 'immediate',
    encode(writer, { verdict }) {
      writer.putU32Be(1, verdictRegister);
      writer.nested(2, () => encodeVerdict(writer, verdict));
    },
    decode(attributes) {
      if (u32(attributes, 1) !== verdictRegister) return undefined;
      const verdict = decodeVerdict(attributes.nested(2)?.nested(DataAttribute.verdict));
      return verdict && { kind: 'verdict', verdict };
    },
  },
  bitwise: {
    name: 'bitwise',
    encode(writer, { source, register, mask, xor }) {
      writer.putU32Be(1, source);
      writer.putU32Be(2, register);
      writer.putU32Be(3, mask.length / 2);
      putValue(writer, 4, mask);
      putValue(writer, 5, xor);
    },
    decode(attributes) {
      // NFTA_BITWISE_OP other than 0 shifts instead.
      if (attributes.has(6) && attributes.u32Be(6) !== 0) return undefined;
      return {
        kind: 'bitwise',
        source: reg(attributes, 1),
        register: reg(attributes, 2),
        mask: value(attributes, 4),
        xor: value(attributes, 5),
      };
    },
  },
  compare: {
    name: 'cmp',
    encode(writer, { source, operator, value }) {
      writer.putU32Be(1, source);
      writer.putU32Be(2, comparisons[operator]);
      putValue(writer, 3, value);
    },
    decode(attributes) {
      const operator = nameOf(comparisons, attributes.u32Be(2));
      return operator && { kind: 'compare', source: reg(attributes, 1), operator, value: value(attributes, 3) };
    },
  },
  lookup: {
    name: 'lookup',
    encode(writer, { set, source, register, inverted }) {
      writer.putString(1, set);
      writer.putU32Be(2, source);
      if (register !== undefined) writer.putU32Be(3, register === 'verdict' ? verdictRegister : register);
      if (inverted) writer.putU32Be(5, lookupInverted);
    },
    decode(attributes) {
      const set = attributes.string(1);
      if (set === undefined) return undefined;
      const register = attributes.u32Be(3) === verdictRegister ? 'verdict' : reg(attributes, 3);
      return {
        kind: 'lookup',
        set,
        source: reg(attributes, 2),
        ...(attributes.has(3) && { register }),
        ...(attributes.u32Be(5) && { inverted: true }),
      };
    },
  },
  random: {
    name: 'numgen',
    encode(writer, { modulus, offset = 0, register }) {
      writer.putU32Be(1, register);
      writer.putU32Be(2, modulus);
      writer.putU32Be(3, numgenRandom);
      writer.putU32Be(4, offset);
    },
    decode(attributes) {
      if (attributes.u32Be(3) !== numgenRandom) return undefined;
      const offset = u32(attributes, 4);
      return {
        kind: 'random',
        modulus: u32(attributes, 2),
        ...(offset > 0 && { offset }),
        register: reg(attributes, 1),
      };
    },
  },
  dynamic: {
    name: 'dynset',
    encode(writer, { operation, set, source, timeoutMs }) {
      writer.putString(1, set);
      writer.putU32Be(3, dynamicOperations[operation]);
      writer.putU32Be(4, source);
      if (timeoutMs !== undefined) writer.putU64Be(6, BigInt(timeoutMs));
    },
    decode(attributes) {
      const set = attributes.string(1);
      const operation = nameOf(dynamicOperations, attributes.u32Be(3));
      // With data or expressions of its own it would be another statement.
      if (set === undefined || operation === undefined || attributes.has(5) || attributes.has(7)) return undefined;
      const timeout = attributes.bytes(6);
      const timeoutMs = timeout && Number(timeout.readBigUInt64BE());
      return { kind: 'dynamic', operation, set, source: reg(attributes, 4), ...(timeoutMs && { timeoutMs }) };
    },
  },
  dnat: {
    name: 'nat',
    encode(writer, { family, address, port }) {
      writer.putU32Be(1, natDestination);
      writer.putU32Be(2, family);
      writer.putU32Be(3, address);
      writer.putU32Be(5, port);
    },
    decode(attributes) {
      if (attributes.u32Be(1) !== natDestination || !attributes.has(3) || !attributes.has(5)) return undefined;
      return { kind: 'dnat', family: u32(attributes, 2), address: reg(attributes, 3), port: reg(attributes, 5) };
    },
  },
  masquerade: {
    name: 'masq',
    encode: (writer, { flags }) => writer.putU32Be(1, flags),
    decode: (attributes) => ({ kind: 'masquerade', flags: attributes.u32Be(1) ?? 0 }),
  },
  reject: {
    name: 'reject',
    encode(writer, { with: type, code }) {
      writer.putU32Be(1, rejectTypes[type]);
      if (code !== undefined) writer.putU8(2, code);
    },
    decode(attributes) {
      const type = nameOf(rejectTypes, attributes.u32Be(1));
      if (type === undefined) return undefined;
      return { kind: 'reject', with: type, ...(type === 'icmp' && { code: attributes.u8(2) ?? 0 }) };
    },
  },
};

const byName = Map.groupBy(Object.values(codecs) as unknown as Codec<'meta'>[], (codec) => codec.name);

/** As the content of one NFTA_LIST_ELEM. */
export function encodeExpression(writer: AttributeWriter, expression: Exclude<Expression, { kind: 'foreign' }>): void {
  const codec = codecs[expression.kind] as Codec<Kind>;
  writer.putString(ExpressionAttribute.name, codec.name);
  writer.nested(ExpressionAttribute.data, () => codec.encode(writer, expression));
}

export function decodeExpression(attributes: Attributes): Expression {
  const name = attributes.string(ExpressionAttribute.name);
  const data = attributes.nested(ExpressionAttribute.data);
  if (name === undefined) throw new MalformedError('Decode nftables expression', 'no name');
  for (const codec of (data && byName.get(name)) ?? []) {
    const expression = codec.decode(data!);
    if (expression) return expression;
  }
  return { kind: 'foreign', name };
}

function u32(attributes: Attributes, type: number): number {
  return attributes.u32Be(type) ?? 0;
}

/** The kernel names a register by its 16-byte name (NFT_REG_1 to 4) where one starts there. */
function reg(attributes: Attributes, type: number): number {
  const register = u32(attributes, type);
  return register >= 1 && register <= 4 ? 4 + register * 4 : register;
}

function putValue(writer: AttributeWriter, type: number, hex: string): void {
  writer.nested(type, () => writer.putBytes(DataAttribute.value, Buffer.from(hex, 'hex')));
}

function value(attributes: Attributes, type: number): string {
  return attributes.nested(type)?.bytes(DataAttribute.value)?.toString('hex') ?? '';
}
