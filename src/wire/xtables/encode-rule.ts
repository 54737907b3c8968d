import type { Family, InterfaceMatch, Match, PortRange, Prefix, Rule, Target } from '../iptables/model.ts';
import type { AttributeWriter } from '../netlink/mod.ts';
import { addressBytes } from './addresses.ts';
import {
  addressOffsets,
  BitwiseAttribute,
  CompareAttribute,
  Comparison,
  CounterAttribute,
  DataAttribute,
  ExpressionAttribute,
  ExtensionAttribute,
  ImmediateAttribute,
  ListAttribute,
  MetaAttribute,
  MetaKey,
  PayloadAttribute,
  PayloadBase,
  protocolNumbers,
  RangeAttribute,
  RuleAttribute,
  RuleCompatAttribute,
  register,
  VerdictAttribute,
  verdictCodes,
  verdictRegister,
} from './constants.ts';
import { type Extension, encodeMatch, encodeTarget } from './extensions.ts';

/**
 * Writes the attributes of a rule that hold its meaning, in the order and the form of iptables-nft 1.8.9: its tools show
 * the rule as if they had made it. Throws TypeError for a match or target that has no such form here (`set`, `physdev`).
 */
export function encodeRule(writer: AttributeWriter, rule: Rule, family: Family): void {
  const list = writer.beginNested(RuleAttribute.expressions);
  if (rule.inInterface) putInterface(writer, MetaKey.inInterface, rule.inInterface);
  if (rule.outInterface) putInterface(writer, MetaKey.outInterface, rule.outInterface);
  if (rule.protocol) {
    putMeta(writer, MetaKey.protocol);
    const number = protocolNumbers[rule.protocol.name] ?? Number(rule.protocol.name);
    putCompare(writer, Uint8Array.of(number), rule.protocol.inverted);
  }
  if (rule.source) putPrefix(writer, addressOffsets[family].source, family, rule.source);
  if (rule.destination) putPrefix(writer, addressOffsets[family].destination, family, rule.destination);
  for (const match of rule.matches) putMatch(writer, match);
  putCounter(writer);
  if (rule.target) putTarget(writer, rule.target, family);
  writer.end(list);
  if (rule.protocol) putCompat(writer, rule.protocol);
}

/** Extensions are told the rule's protocol beside the expressions: `-m tcp` and DNAT to a port insist on it. */
function putCompat(writer: AttributeWriter, { name, inverted }: NonNullable<Rule['protocol']>): void {
  const start = writer.beginNested(RuleAttribute.compat);
  writer.putU32Be(RuleCompatAttribute.protocol, protocolNumbers[name] ?? Number(name));
  // NFT_RULE_COMPAT_F_INV.
  writer.putU32Be(RuleCompatAttribute.flags, inverted ? 2 : 0);
  writer.end(start);
}

function putMatch(writer: AttributeWriter, match: Match): void {
  if (match.kind === 'mark') {
    putMeta(writer, MetaKey.mark);
    if (match.mask !== 0xffffffff) putBitwise(writer, hostWord(match.mask));
    putCompare(writer, hostWord(match.value), match.inverted);
    return;
  }
  const extension = encodeMatch(match);
  if (extension) putExtension(writer, 'match', extension);
  else if (match.kind === 'ports') {
    if (match.source) putPorts(writer, 0, match.source);
    if (match.destination) putPorts(writer, 2, match.destination);
  }
}

function putTarget(writer: AttributeWriter, target: Target, family: Family): void {
  switch (target.kind) {
    case 'jump':
    case 'goto':
      putVerdict(writer, verdictCodes[target.kind], target.chain);
      return;
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      putVerdict(writer, verdictCodes[target.kind]);
      return;
    case 'foreign':
      throw new TypeError(`Cannot encode target ${target.name}`);
    default:
      putExtension(writer, 'target', encodeTarget(target, family));
  }
}

/** A name is compared with its final zero, the beginning of one (`veth+`) without. */
function putInterface(writer: AttributeWriter, key: number, { name, inverted }: InterfaceMatch): void {
  putMeta(writer, key);
  putCompare(writer, Buffer.from(name.endsWith('+') ? name.slice(0, -1) : `${name}\0`, 'latin1'), inverted);
}

/** Whole bytes of the address are compared; a prefix that ends within one is masked first. */
function putPrefix(writer: AttributeWriter, offset: number, family: Family, prefix: Prefix): void {
  const { address, length, inverted } = prefix;
  if (length === 0 && !inverted) return;
  const bytes = addressBytes(address);
  const isWhole = length % 8 === 0 && length > 0;
  const count = isWhole ? length / 8 : addressOffsets[family].length;
  putPayload(writer, PayloadBase.network, offset, count);
  if (!isWhole) putBitwise(writer, maskBytes(count, length));
  putCompare(writer, bytes.subarray(0, count), inverted);
}

const maskBytes = (count: number, length: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => 0xff00 >> Math.min(8, Math.max(0, length - i * 8)));

function putPorts(writer: AttributeWriter, offset: number, { from, to, inverted }: PortRange): void {
  putPayload(writer, PayloadBase.transport, offset, 2);
  if (from === to) {
    putCompare(writer, networkShort(from), inverted);
    return;
  }
  const start = beginExpression(writer, 'range');
  writer.putU32Be(RangeAttribute.register, register);
  writer.putU32Be(RangeAttribute.operator, inverted ? Comparison.notEqual : Comparison.equal);
  putData(writer, RangeAttribute.from, networkShort(from));
  putData(writer, RangeAttribute.to, networkShort(to));
  endExpression(writer, start);
}

const networkShort = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
const hostWord = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

interface Started {
  readonly element: number;
  readonly data: number;
}

function beginExpression(writer: AttributeWriter, name: string): Started {
  const element = writer.beginNested(ListAttribute.element);
  writer.putString(ExpressionAttribute.name, name);
  return { element, data: writer.beginNested(ExpressionAttribute.data) };
}

function endExpression(writer: AttributeWriter, { element, data }: Started): void {
  writer.end(data);
  writer.end(element);
}

function putMeta(writer: AttributeWriter, key: number): void {
  const start = beginExpression(writer, 'meta');
  writer.putU32Be(MetaAttribute.key, key);
  writer.putU32Be(MetaAttribute.register, register);
  endExpression(writer, start);
}

function putPayload(writer: AttributeWriter, base: number, offset: number, length: number): void {
  const start = beginExpression(writer, 'payload');
  writer.putU32Be(PayloadAttribute.register, register);
  writer.putU32Be(PayloadAttribute.base, base);
  writer.putU32Be(PayloadAttribute.offset, offset);
  writer.putU32Be(PayloadAttribute.length, length);
  endExpression(writer, start);
}

function putBitwise(writer: AttributeWriter, mask: Uint8Array): void {
  const start = beginExpression(writer, 'bitwise');
  writer.putU32Be(BitwiseAttribute.source, register);
  writer.putU32Be(BitwiseAttribute.register, register);
  writer.putU32Be(BitwiseAttribute.length, mask.length);
  putData(writer, BitwiseAttribute.mask, mask);
  putData(writer, BitwiseAttribute.xor, new Uint8Array(mask.length));
  endExpression(writer, start);
}

function putCompare(writer: AttributeWriter, value: Uint8Array, inverted: true | undefined): void {
  const start = beginExpression(writer, 'cmp');
  writer.putU32Be(CompareAttribute.register, register);
  writer.putU32Be(CompareAttribute.operator, inverted ? Comparison.notEqual : Comparison.equal);
  putData(writer, CompareAttribute.data, value);
  endExpression(writer, start);
}

function putData(writer: AttributeWriter, type: number, value: Uint8Array): void {
  const start = writer.beginNested(type);
  writer.putBytes(DataAttribute.value, value);
  writer.end(start);
}

function putCounter(writer: AttributeWriter): void {
  const start = beginExpression(writer, 'counter');
  writer.putU64Be(CounterAttribute.bytes, 0n);
  writer.putU64Be(CounterAttribute.packets, 0n);
  endExpression(writer, start);
}

function putExtension(writer: AttributeWriter, kind: 'match' | 'target', { name, revision, info }: Extension): void {
  const start = beginExpression(writer, kind);
  writer.putString(ExtensionAttribute.name, name);
  writer.putU32Be(ExtensionAttribute.revision, revision);
  writer.putBytes(ExtensionAttribute.info, info);
  endExpression(writer, start);
}

function putVerdict(writer: AttributeWriter, code: number, chain?: string): void {
  const start = beginExpression(writer, 'immediate');
  writer.putU32Be(ImmediateAttribute.register, verdictRegister);
  const data = writer.beginNested(ImmediateAttribute.data);
  const verdict = writer.beginNested(DataAttribute.verdict);
  writer.putU32Be(VerdictAttribute.code, code >>> 0);
  if (chain !== undefined) writer.putString(VerdictAttribute.chain, chain);
  writer.end(verdict);
  writer.end(data);
  endExpression(writer, start);
}
