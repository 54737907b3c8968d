import {
  type AttributeWriter,
  decodeAttributes,
  MalformedError,
  type MessageBatch,
  MessageFlag,
  type NetlinkMessage,
} from '../netlink/mod.ts';
import { AddressAttribute, Family, nameIn, RouteMessageType, routeScopes } from './constants.ts';
import { formatIp, type PrefixBytes, parsePrefix } from './ip.ts';

/** An address of a link. */
export interface LinkAddress {
  /** Of the link. */
  readonly index: number;
  /** With the length of its network: `10.244.1.1/24`. */
  readonly address: string;
  readonly scope: string;
}

/** RTM_NEWADDR; fails with EEXIST when the link has it. */
export function encodeAddAddress(batch: MessageBatch, index: number, address: string): void {
  const flags = MessageFlag.create | MessageFlag.exclusive;
  batch.message(RouteMessageType.newAddress, flags, (writer) => putAddress(writer, index, parsePrefix(address)));
}

/** RTM_DELADDR; fails with EADDRNOTAVAIL when the link does not have it. */
export function encodeDeleteAddress(batch: MessageBatch, index: number, address: string): void {
  batch.message(RouteMessageType.deleteAddress, 0, (writer) => putAddress(writer, index, parsePrefix(address)));
}

/** RTM_GETADDR for all addresses of both families. */
export function encodeDumpAddresses(batch: MessageBatch): void {
  batch.message(RouteMessageType.getAddress, MessageFlag.dump, (writer) =>
    appendAddressHeader(writer, Family.any, 0, 0),
  );
}

/** Reads an RTM_NEWADDR. Throws MalformedError. */
export function decodeAddress({ payload }: NetlinkMessage): LinkAddress {
  if (payload.length < addressHeaderLength) {
    throw new MalformedError('Decode an address', `${payload.length} bytes instead of ${addressHeaderLength} and more`);
  }
  const attributes = decodeAttributes(payload.subarray(addressHeaderLength));
  // On a point-to-point link IFA_ADDRESS is the other end; IPv6 sends no IFA_LOCAL.
  const bytes = attributes.bytes(AddressAttribute.local) ?? attributes.bytes(AddressAttribute.address);
  if (!bytes) throw new MalformedError('Decode an address', 'the address is missing');
  return {
    index: payload.readUInt32LE(4),
    address: `${formatIp(bytes)}/${payload.readUInt8(1)}`,
    scope: nameIn(routeScopes, payload.readUInt8(3)),
  };
}

/** Length of struct ifaddrmsg. */
const addressHeaderLength = 8;

function appendAddressHeader(writer: AttributeWriter, family: number, prefixLength: number, index: number): void {
  writer.appendU8(family);
  writer.appendU8(prefixLength);
  writer.appendZeros(2);
  writer.appendU32(index);
}

function putAddress(writer: AttributeWriter, index: number, { family, prefixLength, bytes }: PrefixBytes): void {
  appendAddressHeader(writer, family, prefixLength, index);
  writer.putBytes(AddressAttribute.local, bytes);
  writer.putBytes(AddressAttribute.address, bytes);
}
