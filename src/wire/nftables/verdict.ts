import type { Attributes, AttributeWriter } from '../netlink/mod.ts';
import { DataAttribute, VerdictAttribute } from './constants.ts';

/** What becomes of the packet; `jump` and `goto` name a chain. */
export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** NF_DROP, NF_ACCEPT of netfilter.h; NFT_JUMP, NFT_GOTO, NFT_RETURN of nf_tables.h. */
const codes: Readonly<Record<Verdict['kind'], number>> = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 };

/** As the content of a `data` attribute. */
export function encodeVerdict(writer: AttributeWriter, verdict: Verdict): void {
  const start = writer.beginNested(DataAttribute.verdict);
  writer.putU32Be(VerdictAttribute.code, codes[verdict.kind] >>> 0);
  if ('chain' in verdict) writer.putString(VerdictAttribute.chain, verdict.chain);
  writer.end(start);
}

/** Undefined for a verdict that this program does not use. */
export function decodeVerdict(attributes: Attributes | undefined): Verdict | undefined {
  const code = attributes?.u32Be(VerdictAttribute.code);
  if (attributes === undefined || code === undefined) return undefined;
  const kind = (Object.keys(codes) as Verdict['kind'][]).find((name) => codes[name] >>> 0 === code);
  if (kind !== 'jump' && kind !== 'goto') return kind && { kind };
  return { kind, chain: attributes.string(VerdictAttribute.chain) ?? '' };
}
