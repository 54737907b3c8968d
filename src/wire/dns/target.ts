import { recordTypes } from './constants.ts';
import type { ResourceRecord } from './records.ts';

/** How many bytes stand before the name that the record leads to; undefined: it leads to none. */
function bytesBeforeTarget({ type, data }: ResourceRecord): number | undefined {
  switch (type) {
    case recordTypes.NS:
    case recordTypes.CNAME:
    case recordTypes.PTR:
    case recordTypes.DNAME:
    // Of its two names the first one, the primary name server.
    case recordTypes.SOA:
      return 0;
    case recordTypes.MX:
      return 2;
    case recordTypes.SRV:
      return 6;
    case recordTypes.NAPTR:
      return bytesBeforeReplacement(data);
    default:
      return undefined;
  }
}

/** RFC 3403 section 4.1: order and preference, then flags, services and a regular expression, each with its length. */
function bytesBeforeReplacement(data: Uint8Array): number {
  let at = 4;
  for (let text = 0; text < 3; text++) at += 1 + (data[at] ?? 0);
  return at;
}

/** The record with another target, where `change` (wire name to wire name) has one; else the record as it is. */
export function mapTarget(
  record: ResourceRecord,
  change: (target: Uint8Array) => Uint8Array | undefined,
): ResourceRecord {
  const start = bytesBeforeTarget(record);
  if (start === undefined) return record;
  const { data } = record;
  let end = start;
  while (data[end]) end += data[end]! + 1;
  // Other people's bytes: a name that does not end within them is nobody's to change.
  if (end >= data.length) return record;
  const target = change(data.subarray(start, end + 1));
  if (!target) return record;
  return { ...record, data: Buffer.concat([data.subarray(0, start), target, data.subarray(end + 1)]) };
}
