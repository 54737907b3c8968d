import type { Family } from '../iptables/model.ts';

/**
 * What getsockopt(2) tells of a table of x_tables, the legacy interface: include/uapi/linux/netfilter_ipv4/ip_tables.h and
 * netfilter_ipv6/ip6_tables.h. Options bear the same numbers in both families.
 */
export const XtablesOption = { info: 64, entries: 65 } as const;

const nameLength = 32;
const hookCount = 5;

/** struct ipt_getinfo: name, valid hooks, where each hook's rules begin and end, number and size of all entries. */
const Info = { hooks: nameLength, number: nameLength + 4 + 8 * hookCount, size: 80, length: 84 } as const;

/** struct ipt_get_entries: name and size; the entries are aligned to eight bytes. */
const Entries = { size: nameLength, header: 40 } as const;

/** struct ipt_entry, struct ip6t_entry: where the next one is, and the counters. */
const layouts: Readonly<Record<Family, { readonly next: number; readonly counters: number; readonly length: number }>> =
  {
    IPv4: { next: 90, counters: 96, length: 112 },
    IPv6: { next: 142, counters: 152, length: 168 },
  };

export interface TableInfo {
  /** Rules, with one for each built-in chain's policy, one for the name of each other chain, and one for its end. */
  readonly count: number;
  /** Of all entries, in bytes. */
  readonly size: number;
}

/** The bytes to ask with for `info`, which the kernel overwrites with its answer. */
export function requestTableInfo(table: string): Buffer {
  const bytes = Buffer.alloc(Info.length);
  bytes.write(table, 'latin1');
  return bytes;
}

export const decodeTableInfo = (bytes: Buffer): TableInfo => ({
  count: bytes.readUInt32LE(Info.number),
  size: bytes.readUInt32LE(Info.size),
});

/** The bytes to ask with for `entries`. The kernel refuses with EAGAIN when the size is another one by now. */
export function requestTableEntries(table: string, size: number): Buffer {
  // A room of its own, which may be tens of megabytes: none that is shared with small buffers.
  const bytes = Buffer.from(new ArrayBuffer(Entries.header + size));
  bytes.write(table, 'latin1');
  bytes.writeUInt32LE(size, Entries.size);
  return bytes;
}

/** Sets the counters of all entries to zero where they stand: what is left says what the rules are. False: malformed. */
export function clearCounters(bytes: Buffer, family: Family): boolean {
  const { next, counters, length } = layouts[family];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at: number = Entries.header;
  while (at + length <= bytes.length) {
    const step = view.getUint16(at + next, true);
    if (step < length) return false;
    view.setFloat64(at + counters, 0);
    view.setFloat64(at + counters + 8, 0);
    at += step;
  }
  return at === bytes.length;
}
