import { Family as NetfilterFamily } from '../../../wire/nftables/mod.ts';
import type { Family } from '../../plan/mod.ts';

/** What differs between the table for IPv4 and the one for IPv6. */
export interface FamilyFacts {
  readonly name: Family;
  /** Of the table. */
  readonly number: NetfilterFamily;
  /** NFPROTO_*, for nat. */
  readonly keyword: 'ip' | 'ip6';
  readonly addressLength: 4 | 16;
  /** In the network header. */
  readonly sourceOffset: number;
  readonly destinationOffset: number;
  /** nft's number for the data type (include/datatype.h). */
  readonly addressType: number;
  readonly icmp: 'ICMP' | 'ICMPv6';
  /** Code of "port unreachable". */
  readonly portUnreachable: number;
  readonly loopback: Range;
}

/** Bytes in hexadecimal; the address has no bit outside the mask. */
export interface Range {
  readonly address: string;
  readonly mask: string;
  /** Of the prefix, in bits. */
  readonly length: number;
}

const dot = 0x2e;
const zero = 0x30;

export const families: Readonly<Record<Family, FamilyFacts>> = {
  IPv4: {
    name: 'IPv4',
    number: NetfilterFamily.ipv4,
    keyword: 'ip',
    addressLength: 4,
    sourceOffset: 12,
    destinationOffset: 16,
    addressType: 7,
    icmp: 'ICMP',
    portUnreachable: 3,
    loopback: rangeOf('127.0.0.0/8'),
  },
  IPv6: {
    name: 'IPv6',
    number: NetfilterFamily.ipv6,
    keyword: 'ip6',
    addressLength: 16,
    sourceOffset: 8,
    destinationOffset: 24,
    addressType: 8,
    icmp: 'ICMPv6',
    portUnreachable: 4,
    loopback: rangeOf('::1/128'),
  },
};

/** `10.244.0.0/16` or `fd00::/64`, in canonical text. */
export function rangeOf(text: string): Range {
  const slash = text.lastIndexOf('/');
  const address = addressBytes(text.slice(0, slash));
  const length = Number(text.slice(slash + 1));
  return { address: address.toString('hex'), mask: maskOf(length, address.length), length };
}

/** A prefix of so many bits, over so many bytes. */
export function maskOf(length: number, bytes: number): string {
  const mask = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) mask[i] = 0xff00 >> Math.min(8, Math.max(0, length - i * 8));
  return mask.toString('hex');
}

export function addressBytes(text: string): Buffer {
  const bytes = Buffer.alloc(text.includes(':') ? 16 : 4);
  writeAddress(bytes, text, 0);
  return bytes;
}

/** The plan lets no other text than canonical addresses through. */
export function writeAddress(bytes: Buffer, text: string, offset: number): void {
  if (text.includes(':')) writeIpv6(bytes, text, offset);
  else writeIpv4(bytes, text, offset);
}

function writeIpv4(bytes: Buffer, text: string, offset: number): void {
  let part = 0;
  let position = offset;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === dot) {
      bytes[position++] = part;
      part = 0;
    } else part = part * 10 + code - zero;
  }
  bytes[position] = part;
}

/** Groups before and after the `::`; an address that maps an IPv4 one ends in its four bytes (RFC 5952, 5). */
function writeIpv6(bytes: Buffer, text: string, offset: number): void {
  const [head = '', tail] = text.split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const groups = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, offset + i * 2);
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
