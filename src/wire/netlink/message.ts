import { align4, messageHeaderLength } from './constants.ts';
import { MalformedError } from './errors.ts';

/** struct nlmsghdr without its length, and what follows it. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Who the message is from or for: 0 is the kernel. */
  readonly portId: number;
  /** A view into the bytes that were given. */
  readonly payload: Buffer;
}

const operation = 'Decode netlink message';

/** The messages of one datagram or batch. Throws MalformedError when a length does not fit. */
export function decodeMessages(bytes: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const length = messageLengthAt(bytes, offset);
    messages.push({
      type: bytes.readUInt16LE(offset + 4),
      flags: bytes.readUInt16LE(offset + 6),
      sequence: bytes.readUInt32LE(offset + 8),
      portId: bytes.readUInt32LE(offset + 12),
      payload: bytes.subarray(offset + messageHeaderLength, offset + length),
    });
    offset += align4(length);
  }
  return messages;
}

/** The same without an object for each message. */
export function visitHeaders(bytes: Buffer, visit: (sequence: number, flags: number) => void): void {
  for (let offset = 0; offset < bytes.length; ) {
    const length = messageLengthAt(bytes, offset);
    visit(bytes.readUInt32LE(offset + 8), bytes.readUInt16LE(offset + 6));
    offset += align4(length);
  }
}

/** One message as bytes, padded; batches are written by MessageBatch instead. */
export function encodeMessage(message: NetlinkMessage): Buffer {
  const length = messageHeaderLength + message.payload.length;
  const bytes = Buffer.alloc(align4(length));
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(message.type, 4);
  bytes.writeUInt16LE(message.flags, 6);
  bytes.writeUInt32LE(message.sequence, 8);
  bytes.writeUInt32LE(message.portId, 12);
  bytes.set(message.payload, messageHeaderLength);
  return bytes;
}

function messageLengthAt(bytes: Buffer, offset: number): number {
  const left = bytes.length - offset;
  if (left < messageHeaderLength) throw new MalformedError(operation, `${left} stray bytes at offset ${offset}`);
  const length = bytes.readUInt32LE(offset);
  if (length < messageHeaderLength || length > left) {
    throw new MalformedError(operation, `length ${length} at offset ${offset}, where ${left} bytes are left`);
  }
  return length;
}
