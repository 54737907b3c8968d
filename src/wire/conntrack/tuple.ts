import { isIPv6 } from 'node:net';
import { type Attributes, type AttributeWriter, MalformedError } from '../netlink/mod.ts';
import { formatIp, parseIp } from '../rtnetlink/mod.ts';
import { AddressAttribute, ProtocolAttribute, TupleAttribute } from './constants.ts';

/** One direction of a flow: what its packets look like where they enter. */
export interface FlowTuple {
  readonly source: string;
  readonly destination: string;
  /** IPPROTO_*. */
  readonly protocol: number;
  /** Absent where the protocol has none (ICMP). */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** Writes what is there of a tuple. Throws UsageError for an address that is none. */
export function writeTuple(writer: AttributeWriter, type: number, tuple: Partial<FlowTuple>): void {
  const { source, destination, protocol } = tuple;
  writer.nested(type, () => {
    if (source !== undefined || destination !== undefined) {
      writer.nested(TupleAttribute.addresses, () => {
        if (source !== undefined)
          writeAddress(writer, source, AddressAttribute.ipv4Source, AddressAttribute.ipv6Source);
        if (destination !== undefined)
          writeAddress(writer, destination, AddressAttribute.ipv4Destination, AddressAttribute.ipv6Destination);
      });
    }
    if (protocol !== undefined) writeProtocol(writer, protocol, tuple);
  });
}

function writeAddress(writer: AttributeWriter, address: string, ipv4: number, ipv6: number): void {
  writer.putBytes(isIPv6(address) ? ipv6 : ipv4, parseIp(address).bytes);
}

function writeProtocol(
  writer: AttributeWriter,
  protocol: number,
  { sourcePort, destinationPort }: Partial<FlowTuple>,
): void {
  writer.nested(TupleAttribute.protocol, () => {
    writer.putU8(ProtocolAttribute.number, protocol);
    if (sourcePort !== undefined) writer.putU16Be(ProtocolAttribute.sourcePort, sourcePort);
    if (destinationPort !== undefined) writer.putU16Be(ProtocolAttribute.destinationPort, destinationPort);
  });
}

/** Throws MalformedError for a tuple without addresses or protocol: the kernel has none. */
export function readTuple(attributes: Attributes | undefined): FlowTuple {
  const addresses = attributes?.nested(TupleAttribute.addresses);
  const protocol = attributes?.nested(TupleAttribute.protocol);
  const source = addresses?.bytes(AddressAttribute.ipv4Source) ?? addresses?.bytes(AddressAttribute.ipv6Source);
  const destination =
    addresses?.bytes(AddressAttribute.ipv4Destination) ?? addresses?.bytes(AddressAttribute.ipv6Destination);
  const number = protocol?.u8(ProtocolAttribute.number);
  if (source === undefined || destination === undefined || number === undefined) {
    throw new MalformedError('Decode conntrack tuple', 'an address or the protocol is missing');
  }
  const sourcePort = protocol?.u16Be(ProtocolAttribute.sourcePort);
  const destinationPort = protocol?.u16Be(ProtocolAttribute.destinationPort);
  return {
    source: formatIp(source),
    destination: formatIp(destination),
    protocol: number,
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
  };
}
