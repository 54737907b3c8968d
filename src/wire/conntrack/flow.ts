import {
  type AttributeWriter,
  decodeAttributes,
  MalformedError,
  type MessageBatch,
  MessageFlag,
  type NetlinkMessage,
} from '../netlink/mod.ts';
import { ConntrackMessage, Family, FlowAttribute, genericHeaderLength } from './constants.ts';
import { type FlowTuple, readTuple, writeTuple } from './tuple.ts';

/** One entry of the connection tracking table. */
export interface Flow {
  readonly family: Family;
  readonly original: FlowTuple;
  /** As answers come in: where the original was rewritten (NAT), this one is not its mirror image. */
  readonly reply: FlowTuple;
  /** IPS_* bits. */
  readonly status: number;
  /** Until the kernel forgets it. */
  readonly timeoutSeconds?: number;
  readonly mark?: number;
  /** Absent: the default one, 0. */
  readonly zone?: number;
  /** Tells an entry from a later one with the same tuples. */
  readonly id?: number;
}

/** Throws MalformedError when it is not a flow. */
export function decodeFlow({ payload }: NetlinkMessage): Flow {
  if (payload.length < genericHeaderLength) {
    throw new MalformedError('Decode conntrack message', `${payload.length} bytes where a header of 4 was expected`);
  }
  const attributes = decodeAttributes(payload.subarray(genericHeaderLength));
  return {
    family: readFamily(payload.readUInt8()),
    original: readTuple(attributes.nested(FlowAttribute.original)),
    reply: readTuple(attributes.nested(FlowAttribute.reply)),
    status: attributes.u32Be(FlowAttribute.status) ?? 0,
    ...optional('timeoutSeconds', attributes.u32Be(FlowAttribute.timeout)),
    ...optional('mark', attributes.u32Be(FlowAttribute.mark)),
    ...optional('zone', attributes.u16Be(FlowAttribute.zone)),
    ...optional('id', attributes.u32Be(FlowAttribute.id)),
  };
}

/** Records a flow that no packet has made. The kernel wants `timeoutSeconds` (EINVAL), and EEXIST is its answer to a second one. */
export function encodeAddFlow(batch: MessageBatch, flow: Omit<Flow, 'id'>): void {
  batch.message(ConntrackMessage.newFlow, MessageFlag.create | MessageFlag.exclusive, (writer) => {
    writeHeader(writer, flow.family);
    writeTuple(writer, FlowAttribute.original, flow.original);
    writeTuple(writer, FlowAttribute.reply, flow.reply);
    writer.putU32Be(FlowAttribute.status, flow.status);
    if (flow.timeoutSeconds !== undefined) writer.putU32Be(FlowAttribute.timeout, flow.timeoutSeconds);
    if (flow.mark !== undefined) writer.putU32Be(FlowAttribute.mark, flow.mark);
    writeZone(writer, flow.zone);
  });
}

/** Asks for the flow whose original direction that is; ENOENT when there is none. */
export function encodeGetFlow(batch: MessageBatch, flow: Pick<Flow, 'family' | 'original' | 'zone'>): void {
  batch.message(ConntrackMessage.getFlow, 0, (writer) => {
    writeHeader(writer, flow.family);
    writeTuple(writer, FlowAttribute.original, flow.original);
    writeZone(writer, flow.zone);
  });
}

/** Deletes that one flow; ENOENT when it is gone, or when another has its place meanwhile (told by `id`). */
export function encodeDeleteFlow(batch: MessageBatch, flow: Pick<Flow, 'family' | 'original' | 'zone' | 'id'>): void {
  batch.message(ConntrackMessage.deleteFlow, 0, (writer) => {
    writeHeader(writer, flow.family);
    writeTuple(writer, FlowAttribute.original, flow.original);
    writeZone(writer, flow.zone);
    if (flow.id !== undefined) writer.putU32Be(FlowAttribute.id, flow.id);
  });
}

export function writeHeader(writer: AttributeWriter, family: Family | 0): void {
  writer.appendU8(family);
  writer.appendU8(0);
  writer.appendU16Be(0);
}

export function writeZone(writer: AttributeWriter, zone: number | undefined): void {
  if (zone !== undefined) writer.putU16Be(FlowAttribute.zone, zone);
}

function readFamily(number: number): Family {
  const family = Object.values(Family).find((one) => one === number);
  if (family === undefined) throw new MalformedError('Decode conntrack message', `family ${number}`);
  return family;
}

const optional = <Name extends string>(name: Name, value: number | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [name in Name]?: number };
