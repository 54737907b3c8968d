import { type Attributes, type AttributeWriter, decodeAttributes, MalformedError } from '../netlink/mod.ts';
import {
  ChainAttribute,
  HookAttribute,
  ListAttribute,
  RuleAttribute,
  SetAttribute,
  SetDescription,
  SetFlag,
  TableAttribute,
  verdictDataType,
} from './constants.ts';
import { decodeExpression, type Expression, encodeExpression } from './expressions.ts';
import { type Names, nameOf } from './names.ts';
import type { Verdict } from './verdict.ts';

export interface Table {
  readonly name: string;
  /** What `nft list table` shows as the table's comment. */
  readonly comment?: string;
}

export interface Chain {
  readonly name: string;
  /** Where packets enter it; absent for a chain that others jump to. */
  readonly base?: BaseChain;
}

export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  /** Lower comes first among the chains of one hook. */
  readonly priority: number;
  /** What becomes of packets that no rule has decided about. Absent: they are accepted. */
  readonly policy?: 'drop';
}

/** enum nf_inet_hooks. */
const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } satisfies Names;
export type Hook = keyof typeof hooks;

export interface Rule {
  readonly chain: string;
  readonly expressions: readonly Expression[];
}

/** A set, or with `data` a map. Lengths are bytes; types are the numbers of nft's own data types, for `nft` to print. */
export interface SetDefinition {
  readonly name: string;
  readonly keyType: number;
  readonly keyLength: number;
  readonly data?: 'verdict' | { readonly type: number; readonly length: number };
  /** Packets put elements in, which leave again after a while; at most so many. */
  readonly dynamic?: { readonly size: number };
  /** What `nft` keeps with it, in hexadecimal: see `encodeSetNotes`. */
  readonly notes?: string;
}

export interface Element {
  readonly key: Buffer;
  /** In maps only. */
  readonly data?: Buffer | Verdict;
}

/** enum nftnl_udata_table_types of libnftnl: how `nft` keeps a comment in a table's user data. */
const commentUserData = 0;

export function encodeTable(writer: AttributeWriter, { name, comment }: Table): void {
  writer.putString(TableAttribute.name, name);
  if (comment === undefined) return;
  const text = Buffer.from(`${comment}\0`);
  writer.putBytes(TableAttribute.userData, Buffer.concat([Buffer.from([commentUserData, text.length]), text]));
}

export function decodeTable(payload: Buffer): Table {
  const attributes = attributesOf(payload);
  const userData = attributes.bytes(TableAttribute.userData);
  const hasComment = userData !== undefined && userData.length > 2 && userData[0] === commentUserData;
  const comment = hasComment && userData.toString('utf8', 2, 2 + userData[1]!).replace(/\0$/, '');
  return { name: named(attributes, TableAttribute.name), ...(comment && { comment }) };
}

export function encodeChain(writer: AttributeWriter, table: string, { name, base }: Chain): void {
  writer.putString(ChainAttribute.table, table);
  writer.putString(ChainAttribute.name, name);
  if (base === undefined) return;
  const hook = writer.beginNested(ChainAttribute.hook);
  writer.putU32Be(HookAttribute.number, hooks[base.hook]);
  writer.putU32Be(HookAttribute.priority, base.priority >>> 0);
  writer.end(hook);
  if (base.policy) writer.putU32Be(ChainAttribute.policy, policyDrop);
  writer.putString(ChainAttribute.type, base.type);
}

/** NF_DROP of netfilter.h. */
const policyDrop = 0;

export function decodeChain(payload: Buffer): Chain & { readonly table: string } {
  const attributes = attributesOf(payload);
  const hook = attributes.nested(ChainAttribute.hook);
  const hookName = nameOf(hooks, hook?.u32Be(HookAttribute.number));
  const base = hook &&
    hookName && {
      type: named(attributes, ChainAttribute.type) as BaseChain['type'],
      hook: hookName,
      priority: (hook.u32Be(HookAttribute.priority) ?? 0) | 0,
      ...(attributes.u32Be(ChainAttribute.policy) === policyDrop && { policy: 'drop' as const }),
    };
  const table = named(attributes, ChainAttribute.table);
  return { table, name: named(attributes, ChainAttribute.name), ...(base && { base }) };
}

export function encodeRule(writer: AttributeWriter, table: string, { chain, expressions }: Rule): void {
  writer.putString(RuleAttribute.table, table);
  writer.putString(RuleAttribute.chain, chain);
  const list = writer.beginNested(RuleAttribute.expressions);
  for (const expression of expressions) {
    if (expression.kind === 'foreign') throw new TypeError(`Cannot encode the foreign expression ${expression.name}`);
    const element = writer.beginNested(ListAttribute.element);
    encodeExpression(writer, expression);
    writer.end(element);
  }
  writer.end(list);
}

export function decodeRule(payload: Buffer): Rule & { readonly table: string } {
  const attributes = attributesOf(payload);
  const expressions = attributes
    .list(RuleAttribute.expressions)
    .map(({ data }) => decodeExpression(decodeAttributes(data)));
  const table = named(attributes, RuleAttribute.table);
  return { table, chain: named(attributes, RuleAttribute.chain), expressions };
}

/** `id` tells the sets of one batch apart for the kernel. */
export function encodeSet(writer: AttributeWriter, table: string, set: SetDefinition, id: number): void {
  writer.putString(SetAttribute.table, table);
  writer.putString(SetAttribute.name, set.name);
  const flags = (set.data ? SetFlag.map : 0) | (set.dynamic ? SetFlag.dynamic | SetFlag.timeout : 0);
  writer.putU32Be(SetAttribute.flags, flags);
  writer.putU32Be(SetAttribute.keyType, set.keyType);
  writer.putU32Be(SetAttribute.keyLength, set.keyLength);
  if (set.data === 'verdict') writer.putU32Be(SetAttribute.dataType, verdictDataType);
  else if (set.data) {
    writer.putU32Be(SetAttribute.dataType, set.data.type);
    writer.putU32Be(SetAttribute.dataLength, set.data.length);
  }
  const { dynamic } = set;
  if (dynamic) {
    writer.nested(SetAttribute.description, () => writer.putU32Be(SetDescription.size, dynamic.size));
  }
  writer.putU32Be(SetAttribute.id, id);
  if (set.notes !== undefined) writer.putBytes(SetAttribute.userData, Buffer.from(set.notes, 'hex'));
}

/**
 * `count` is the number of elements, where the kernel says it (6.16). A set that holds ranges, which this program does not
 * write, has their ends for elements.
 */
export function decodeSet(payload: Buffer): {
  table: string;
  set: SetDefinition;
  count?: number;
  holdsRanges?: true;
} {
  const attributes = attributesOf(payload);
  const dataType = attributes.u32Be(SetAttribute.dataType);
  const flags = attributes.u32Be(SetAttribute.flags) ?? 0;
  const isMap = (flags & SetFlag.map) !== 0 && dataType !== undefined;
  const size = attributes.nested(SetAttribute.description)?.u32Be(SetDescription.size) ?? 0;
  const data =
    dataType === verdictDataType
      ? ('verdict' as const)
      : { type: dataType ?? 0, length: attributes.u32Be(SetAttribute.dataLength) ?? 0 };
  const notes = attributes.bytes(SetAttribute.userData)?.toString('hex');
  const set = {
    name: named(attributes, SetAttribute.name),
    keyType: attributes.u32Be(SetAttribute.keyType) ?? 0,
    keyLength: attributes.u32Be(SetAttribute.keyLength) ?? 0,
    ...(isMap && { data }),
    ...((flags & SetFlag.dynamic) !== 0 && { dynamic: { size } }),
    ...(notes !== undefined && { notes }),
  };
  const count = attributes.u32Be(SetAttribute.count);
  return {
    table: named(attributes, SetAttribute.table),
    set,
    ...(count !== undefined && { count }),
    ...((flags & SetFlag.interval) !== 0 && { holdsRanges: true as const }),
  };
}

/** struct nfgenmsg: family, version, resource id. */
export const genericHeaderLength = 4;

export function attributesOf(payload: Buffer): Attributes {
  if (payload.length < genericHeaderLength) {
    throw new MalformedError('Decode nftables message', `${payload.length} bytes where a header of 4 was expected`);
  }
  return decodeAttributes(payload.subarray(genericHeaderLength));
}

function named(attributes: Attributes, type: number): string {
  const name = attributes.string(type);
  if (name === undefined) throw new MalformedError('Decode nftables message', `no name in attribute ${type}`);
  return name;
}
