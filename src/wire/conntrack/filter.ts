import assert from 'node:assert/strict';
import { type AttributeWriter, type MessageBatch, MessageFlag } from '../netlink/mod.ts';
import { ConntrackMessage, type Family, FilterAttribute, FilterFlag, FlowAttribute } from './constants.ts';
import { type Flow, writeHeader, writeZone } from './flow.ts';
import { type FlowTuple, writeTuple } from './tuple.ts';

/** Which flows a request is about: those that agree with everything that is given. */
export interface FlowFilter {
  readonly family: Family;
  /** Ports go with their protocol only. */
  readonly original?: Partial<FlowTuple>;
  readonly reply?: Partial<FlowTuple>;
  readonly status?: MaskedValue;
  readonly mark?: MaskedValue;
  /** Told to the kernel from Linux 6.8 on; earlier ones know it for single flows only. */
  readonly zone?: number;
}

export interface MaskedValue {
  readonly value: number;
  readonly mask: number;
}

/**
 * Lists the flows that pass the filter; the kernel walks its table and sends only those (Linux 5.8; before, it ignores
 * CTA_FILTER and sends the whole family, so check each with `matchesFilter`).
 *
 * Linux compares IPv6 addresses of a filter the wrong way round (ctnetlink_filter_match_tuple negates ipv6_addr_cmp, up
 * to 6.18 at least): what passes are the flows with another address. So leave addresses out of a filter for IPv6.
 */
export function encodeDumpFlows(batch: MessageBatch, filter: FlowFilter): void {
  batch.message(ConntrackMessage.getFlow, MessageFlag.dump, (writer) => writeFilter(writer, filter));
}

/**
 * Deletes all flows that pass the filter; success says nothing of how many. Linux 6.8 and later: an earlier one takes
 * the tuple for that of a single flow and refuses it (EINVAL) unless it is complete. The warning of `encodeDumpFlows`
 * about IPv6 is a threat here.
 */
export function encodeDeleteFlows(batch: MessageBatch, filter: FlowFilter): void {
  assert(filter.original ?? filter.reply, 'A deletion without addresses and ports would empty the table');
  batch.message(ConntrackMessage.deleteFlow, 0, (writer) => writeFilter(writer, filter));
}

/** The filter as the kernel should understand it. */
export function matchesFilter({ family, original, reply, status, mark, zone }: FlowFilter, flow: Flow): boolean {
  return (
    flow.family === family &&
    agrees(original, flow.original) &&
    agrees(reply, flow.reply) &&
    agreesMasked(status, flow.status) &&
    agreesMasked(mark, flow.mark ?? 0) &&
    (zone === undefined || zone === (flow.zone ?? 0))
  );
}

const tupleFlags: Readonly<Record<keyof FlowTuple, number>> = {
  source: FilterFlag.source,
  destination: FilterFlag.destination,
  protocol: FilterFlag.protocol,
  sourcePort: FilterFlag.sourcePort,
  destinationPort: FilterFlag.destinationPort,
};

function writeFilter(writer: AttributeWriter, { family, original, reply, status, mark, zone }: FlowFilter): void {
  writeHeader(writer, family);
  if (original) writeTuple(writer, FlowAttribute.original, original);
  if (reply) writeTuple(writer, FlowAttribute.reply, reply);
  if (status) writeMasked(writer, FlowAttribute.status, FlowAttribute.statusMask, status);
  if (mark) writeMasked(writer, FlowAttribute.mark, FlowAttribute.markMask, mark);
  writeZone(writer, zone);
  if (!original && !reply) return;
  writer.nested(FlowAttribute.filter, () => {
    if (original) writer.putU32(FilterAttribute.originalFlags, flagsOf(original));
    if (reply) writer.putU32(FilterAttribute.replyFlags, flagsOf(reply));
  });
}

function writeMasked(writer: AttributeWriter, type: number, maskType: number, { value, mask }: MaskedValue): void {
  writer.putU32Be(type, value);
  writer.putU32Be(maskType, mask);
}

function flagsOf(tuple: Partial<FlowTuple>): number {
  const hasPorts = tuple.sourcePort !== undefined || tuple.destinationPort !== undefined;
  assert(!hasPorts || tuple.protocol !== undefined, 'A filter by ports names their protocol');
  return partsOf(tuple).reduce((flags, part) => flags | tupleFlags[part], 0);
}

const agrees = (wanted: Partial<FlowTuple> | undefined, tuple: FlowTuple): boolean =>
  wanted === undefined || partsOf(wanted).every((part) => wanted[part] === tuple[part]);

const agreesMasked = (wanted: MaskedValue | undefined, value: number): boolean =>
  wanted === undefined || (value & wanted.mask) >>> 0 === wanted.value;

const partsOf = (tuple: Partial<FlowTuple>): (keyof FlowTuple)[] =>
  (Object.keys(tupleFlags) as (keyof FlowTuple)[]).filter((part) => tuple[part] !== undefined);
