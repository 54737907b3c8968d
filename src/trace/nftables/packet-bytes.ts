import { parseIp } from '../../wire/rtnetlink/mod.ts';
import { UnevaluableError } from '../errors.ts';
import { protocolNumbers, type Traveller } from '../packet.ts';

/**
 * The packet's header as far as a trace knows it. Throws UnevaluableError for bytes that it does not: lengths, flags,
 * lifetimes.
 */
export function headerBytes(
  packet: Traveller,
  base: 'network' | 'transport' | 'link' | 'inner',
  offset: number,
  length: number,
): Buffer {
  const fields = base === 'network' ? networkHeader(packet) : base === 'transport' ? transportHeader(packet) : [];
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    const byte = byteAt(fields, offset + i);
    if (byte === undefined) {
      throw new UnevaluableError(`bytes ${offset} to ${offset + length - 1} of the ${base} header`);
    }
    bytes[i] = byte;
  }
  return bytes;
}

interface Field {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

function byteAt(fields: readonly Field[], offset: number): number | undefined {
  const field = fields.find((one) => offset >= one.offset && offset < one.offset + one.bytes.length);
  return field?.bytes[offset - field.offset];
}

/** RFC 791; RFC 8200, whose "next header" is the protocol because there are no extension headers here. */
function networkHeader({ family, protocol, source, destination }: Traveller): Field[] {
  const number = Uint8Array.of(protocolNumbers[protocol]);
  const [from, to] = [parseIp(source).bytes, parseIp(destination).bytes];
  return family === 'IPv4'
    ? [field(0, Uint8Array.of(0x45)), field(9, number), field(12, from), field(16, to)]
    : [field(6, number), field(8, from), field(24, to)];
}

/** TCP, UDP and SCTP begin with the ports; an echo request with its type and code. */
function transportHeader({ protocol, sourcePort, destinationPort }: Traveller): Field[] {
  if (protocol === 'ICMP') return [field(0, Uint8Array.of(8, 0))];
  if (protocol === 'ICMPv6') return [field(0, Uint8Array.of(128, 0))];
  const ports: Field[] = [];
  if (sourcePort !== undefined) ports.push(field(0, portBytes(sourcePort)));
  if (destinationPort !== undefined) ports.push(field(2, portBytes(destinationPort)));
  return ports;
}

const field = (offset: number, bytes: Uint8Array): Field => ({ offset, bytes });

const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 255);
