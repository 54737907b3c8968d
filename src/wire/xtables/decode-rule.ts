import type { Family, Match, Rule, Target } from '../iptables/model.ts';
import { type Attributes, decodeAttributes, MalformedError } from '../netlink/mod.ts';
import { addressText } from './addresses.ts';
import {
  addressOffsets,
  BitwiseAttribute,
  CompareAttribute,
  Comparison,
  DataAttribute,
  ExpressionAttribute,
  ExtensionAttribute,
  ImmediateAttribute,
  MetaAttribute,
  MetaKey,
  PayloadAttribute,
  PayloadBase,
  protocolNumbers,
  RangeAttribute,
  RuleAttribute,
  VerdictAttribute,
  verdictCodes,
  verdictRegister,
} from './constants.ts';
import { decodeMatch, decodeTarget, type Extension } from './extensions.ts';

/** struct nfgenmsg stands before the attributes. */
const genericHeaderLength = 4;

export interface RuleLocation {
  readonly table: string;
  readonly chain: string;
  /** The kernel's number for the rule, of the table's own; it lives as long as the rule does. */
  readonly handle: number;
}

/** Where a dumped or echoed rule is, without a look at what it says. */
export function decodeRuleLocation(payload: Buffer): RuleLocation {
  return locationOf(decodeAttributes(payload.subarray(genericHeaderLength)));
}

/** A rule of a dump, whoever wrote it: what iptables would not have written comes out as foreign matches and targets. */
export function decodeRule(payload: Buffer, family: Family): RuleLocation & { readonly rule: Rule } {
  const attributes = decodeAttributes(payload.subarray(genericHeaderLength));
  const reader = new RuleReader(family);
  for (const { data } of attributes.list(RuleAttribute.expressions)) reader.read(decodeAttributes(data));
  return { ...locationOf(attributes), rule: reader.finish() };
}

function locationOf(attributes: Attributes): RuleLocation {
  const [table, chain] = [attributes.string(RuleAttribute.table), attributes.string(RuleAttribute.chain)];
  const handle = attributes.u64Be(RuleAttribute.handle);
  if (table === undefined || chain === undefined || handle === undefined) {
    throw new MalformedError('Decode nftables rule', 'no table, chain or handle');
  }
  return { table, chain, handle: Number(handle) };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type PortsMatch = Writable<Extract<Match, { kind: 'ports' }>>;

/** What the register was loaded with, and the mask that it has been cut to since. */
interface Loaded {
  readonly field: string;
  readonly length: number;
  mask?: Uint8Array;
}

/** Follows the expressions as the kernel does: loads fill the register, comparisons say what it must hold. */
class RuleReader {
  readonly #family: Family;
  readonly #rule: Writable<Rule> & { matches: Match[] } = { matches: [] };
  #loaded: Loaded | undefined;

  constructor(family: Family) {
    this.#family = family;
  }

  finish(): Rule {
    return this.#rule;
  }

  read(expression: Attributes): void {
    const name = expression.string(ExpressionAttribute.name) ?? '';
    const data = expression.nested(ExpressionAttribute.data);
    if (!data || !this.#understood(name, data)) this.#foreign(name);
  }

  #understood(name: string, data: Attributes): boolean {
    switch (name) {
      case 'counter':
        return true;
      case 'meta':
        return this.#load(`meta ${data.u32Be(MetaAttribute.key)}`, 0, data.has(MetaAttribute.register));
      case 'payload': {
        const [base, offset] = [data.u32Be(PayloadAttribute.base), data.u32Be(PayloadAttribute.offset)];
        return this.#load(`payload ${base} ${offset}`, data.u32Be(PayloadAttribute.length) ?? 0, true);
      }
      case 'bitwise':
        return this.#mask(data);
      case 'cmp':
        return this.#compare(data);
      case 'range':
        return this.#range(data);
      case 'match':
        return this.#match(extensionOf(data));
      case 'target':
        return this.#target(decodeTarget(extensionOf(data), this.#family));
      case 'immediate':
        return this.#target(verdictOf(data));
      default:
        return false;
    }
  }

  #foreign(name: string): void {
    this.#rule.matches.push({ kind: 'foreign', name: `nft-${name}`, text: '' });
  }

  #load(field: string, length: number, isLoad: boolean): boolean {
    this.#loaded = { field, length };
    return isLoad;
  }

  #mask(data: Attributes): boolean {
    const mask = dataOf(data, BitwiseAttribute.mask);
    const xor = dataOf(data, BitwiseAttribute.xor);
    if (!this.#loaded || !mask || !xor?.every((byte) => byte === 0)) return false;
    this.#loaded.mask = mask;
    return true;
  }

  #compare(data: Attributes): boolean {
    const value = dataOf(data, CompareAttribute.data);
    const operator = data.u32Be(CompareAttribute.operator);
    if (!this.#loaded || !value) return false;
    if (operator !== Comparison.equal && operator !== Comparison.notEqual) return false;
    return this.#condition(this.#loaded, value, operator === Comparison.notEqual ? { inverted: true } : {});
  }

  #range(data: Attributes): boolean {
    const [from, to] = [dataOf(data, RangeAttribute.from), dataOf(data, RangeAttribute.to)];
    const inverted = data.u32Be(RangeAttribute.operator) === Comparison.notEqual;
    if (!this.#loaded || from?.length !== 2 || to?.length !== 2) return false;
    const ends = { from: from.readUInt16BE(), to: to.readUInt16BE() };
    return this.#ports(this.#loaded.field, { ...ends, ...(inverted && { inverted }) });
  }

  #condition(loaded: Loaded, value: Buffer, not: { inverted?: true }): boolean {
    const { source, destination } = addressOffsets[this.#family];
    const rule = this.#rule;
    switch (loaded.field) {
      case `meta ${MetaKey.protocol}`:
        rule.protocol = { name: protocolName(value[0]!), ...not };
        return true;
      case `meta ${MetaKey.inInterface}`:
        rule.inInterface = { name: interfaceName(value), ...not };
        return true;
      case `meta ${MetaKey.outInterface}`:
        rule.outInterface = { name: interfaceName(value), ...not };
        return true;
      case `meta ${MetaKey.mark}`: {
        const mask = loaded.mask ? Buffer.from(loaded.mask).readUInt32LE() : 0xffffffff;
        rule.matches.push({ kind: 'mark', value: value.readUInt32LE(), mask, ...not });
        return true;
      }
      case `payload ${PayloadBase.network} ${source}`:
        rule.source = { ...this.#prefix(loaded, value), ...not };
        return true;
      case `payload ${PayloadBase.network} ${destination}`:
        rule.destination = { ...this.#prefix(loaded, value), ...not };
        return true;
      default: {
        if (value.length !== 2) return false;
        const port = value.readUInt16BE();
        return this.#ports(loaded.field, { from: port, to: port, ...not });
      }
    }
  }

  #prefix({ mask, length }: Loaded, value: Buffer): { address: string; length: number } {
    const bytes = Buffer.alloc(addressOffsets[this.#family].length);
    bytes.set(value);
    return { address: addressText(bytes), length: mask ? prefixLength(mask) : length * 8 };
  }

  #ports(field: string, range: NonNullable<PortsMatch['source']>): boolean {
    const side = portFields[field];
    const protocol = this.#rule.protocol?.name;
    if (side === undefined || (protocol !== 'tcp' && protocol !== 'udp')) return false;
    const last = this.#rule.matches.at(-1) as PortsMatch | undefined;
    // A source and a destination port one after the other are one `-m tcp`.
    if (side === 'destination' && last?.kind === 'ports' && last.source && !last.destination) last.destination = range;
    else this.#rule.matches.push({ kind: 'ports', protocol, [side]: range });
    return true;
  }

  #match(extension: Extension): boolean {
    const match = decodeMatch(extension, this.#family);
    this.#rule.matches.push(match ?? { kind: 'foreign', name: extension.name, text: hexText(extension) });
    return true;
  }

  #target(target: Target | undefined): boolean {
    if (target) this.#rule.target = target;
    return target !== undefined;
  }
}

const portFields: Readonly<Record<string, 'source' | 'destination'>> = {
  [`payload ${PayloadBase.transport} 0`]: 'source',
  [`payload ${PayloadBase.transport} 2`]: 'destination',
};

const protocolNames = new Map(Object.entries(protocolNumbers).map(([name, number]) => [number, name]));
const protocolName = (number: number): string => protocolNames.get(number) ?? `${number}`;

const interfaceName = (value: Buffer): string =>
  value.at(-1) === 0 ? value.toString('latin1', 0, value.indexOf(0)) : `${value.toString('latin1')}+`;

const prefixLength = (mask: Uint8Array): number =>
  mask.reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0);

const dataOf = (attributes: Attributes, type: number): Buffer | undefined =>
  attributes.nested(type)?.bytes(DataAttribute.value);

const extensionOf = (attributes: Attributes): Extension => ({
  name: attributes.string(ExtensionAttribute.name) ?? '',
  revision: attributes.u32Be(ExtensionAttribute.revision) ?? 0,
  info: attributes.bytes(ExtensionAttribute.info) ?? Buffer.alloc(0),
});

const hexText = ({ revision, info }: Extension): string => `rev ${revision} ${Buffer.from(info).toString('hex')}`;

function verdictOf(data: Attributes): Target | undefined {
  if (data.u32Be(ImmediateAttribute.register) !== verdictRegister) return undefined;
  const verdict = data.nested(ImmediateAttribute.data)?.nested(DataAttribute.verdict);
  const code = verdict?.u32Be(VerdictAttribute.code);
  const chain = verdict?.string(VerdictAttribute.chain) ?? '';
  for (const kind of ['jump', 'goto'] as const) {
    if (code === verdictCodes[kind] >>> 0) return { kind, chain };
  }
  for (const kind of ['ACCEPT', 'DROP', 'RETURN'] as const) {
    if (code === verdictCodes[kind] >>> 0) return { kind };
  }
  return undefined;
}
