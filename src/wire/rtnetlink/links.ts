import {
  type AttributeWriter,
  decodeAttributes,
  MalformedError,
  type MessageBatch,
  MessageFlag,
  type NetlinkMessage,
} from '../netlink/mod.ts';
import {
  BridgePortAttribute,
  Family,
  LinkAttribute,
  LinkFlag,
  LinkInfoAttribute,
  RouteMessageType,
  skipStatistics,
  VethAttribute,
} from './constants.ts';

/** A network interface as the kernel shows it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge`, …; undefined for hardware and the loopback. */
  readonly kind: string | undefined;
  /** Set up by the administrator (IFF_UP). */
  readonly up: boolean;
  /** Up and with a carrier (IFF_RUNNING). */
  readonly running: boolean;
  readonly mtu: number;
  /** `02:00:00:00:00:01`; undefined where the link has none. */
  readonly address: string | undefined;
  /** Index of the bridge or bond that it belongs to. */
  readonly master: number | undefined;
  /** Index of the link below it; of a veth the peer's, in the peer's namespace. */
  readonly link: number | undefined;
  /** This namespace's number for the one that `link` is in (NETNSA_NSID); undefined when it is this one. */
  readonly linkNetnsId: number | undefined;
  /** Where the master is a bridge. */
  readonly bridgePort: BridgePort | undefined;
}

export interface BridgePort {
  /** Frames may leave through the port they came in by. */
  readonly hairpin: boolean;
  /** No frame goes from one isolated port to another. */
  readonly isolated: boolean;
}

/** A namespace to put a link in: an open file of it, or a process that is in it. */
export type LinkNetns = { readonly fd: number } | { readonly pid: number };

export interface NewLink {
  readonly name: string;
  readonly kind: 'bridge' | 'veth' | 'dummy';
  readonly mtu?: number;
  /** `02:00:00:00:00:01`; default: the kernel's choice. */
  readonly address?: string;
  readonly netns?: LinkNetns;
  /** Only for a veth: its other end. */
  readonly peer?: {
    readonly name: string;
    readonly mtu?: number;
    readonly address?: string;
    readonly netns?: LinkNetns;
  };
}

/** What may be changed of a link. What is absent stays. */
export interface LinkChange {
  readonly up?: boolean;
  readonly name?: string;
  readonly mtu?: number;
  readonly address?: string;
  /** Index of the new master; 0 takes the link out of its master. */
  readonly master?: number;
  readonly netns?: LinkNetns;
  /** Only for a link that is in a bridge already. */
  readonly bridgePort?: Partial<BridgePort>;
}

/** A link by index, or by name where the index is not known. */
export type LinkReference = { readonly index: number } | { readonly name: string };

/** RTM_NEWLINK; fails with EEXIST when the name is taken. */
export function encodeCreateLink(batch: MessageBatch, link: NewLink): void {
  batch.message(RouteMessageType.newLink, MessageFlag.create | MessageFlag.exclusive, (writer) => {
    appendLinkHeader(writer, 0);
    putLinkProperties(writer, link);
    writer.nested(LinkAttribute.info, () => {
      writer.putString(LinkInfoAttribute.kind, link.kind);
      const { peer } = link;
      if (peer) writer.nested(LinkInfoAttribute.data, () => putVethPeer(writer, peer));
    });
  });
}

/**
 * RTM_NEWLINK without NLM_F_CREATE, which changes what is there; RTM_SETLINK does the same but for the settings of a
 * bridge port. Fails with ENODEV when the link is not there.
 */
export function encodeChangeLink(batch: MessageBatch, link: LinkReference, change: LinkChange): void {
  const { up, bridgePort } = change;
  batch.message(RouteMessageType.newLink, 0, (writer) => {
    appendLinkHeader(writer, indexOf(link), up === undefined ? 0 : LinkFlag.up, up ? LinkFlag.up : 0);
    // With an index, the name is the new one; without, it says which link is meant.
    putLinkProperties(writer, 'name' in link ? { ...change, name: link.name } : change);
    if (change.master !== undefined) writer.putU32(LinkAttribute.master, change.master);
    if (bridgePort) writer.nested(LinkAttribute.info, () => putBridgePort(writer, bridgePort));
  });
}

/** RTM_DELLINK; a veth's peer goes with it. Fails with ENODEV when the link is not there. */
export function encodeDeleteLink(batch: MessageBatch, link: LinkReference): void {
  batch.message(RouteMessageType.deleteLink, 0, (writer) => {
    appendLinkHeader(writer, indexOf(link));
    if ('name' in link) writer.putString(LinkAttribute.name, link.name);
  });
}

/** RTM_GETLINK for one link. Fails with ENODEV when it is not there. */
export function encodeGetLink(batch: MessageBatch, link: LinkReference): void {
  batch.message(RouteMessageType.getLink, 0, (writer) => {
    appendLinkHeader(writer, indexOf(link));
    if ('name' in link) writer.putString(LinkAttribute.name, link.name);
    writer.putU32(LinkAttribute.extendedMask, skipStatistics);
  });
}

/** RTM_GETLINK for all links of the namespace. */
export function encodeDumpLinks(batch: MessageBatch): void {
  batch.message(RouteMessageType.getLink, MessageFlag.dump, (writer) => {
    appendLinkHeader(writer, 0);
    writer.putU32(LinkAttribute.extendedMask, skipStatistics);
  });
}

/** Reads an RTM_NEWLINK. Throws MalformedError. */
export function decodeLink({ payload }: NetlinkMessage): Link {
  if (payload.length < linkHeaderLength) {
    throw new MalformedError('Decode a link', `${payload.length} bytes instead of ${linkHeaderLength} and more`);
  }
  const flags = payload.readUInt32LE(8);
  const attributes = decodeAttributes(payload.subarray(linkHeaderLength));
  const info = attributes.nested(LinkAttribute.info);
  const address = attributes.bytes(LinkAttribute.address);
  const port =
    info?.string(LinkInfoAttribute.portKind) === 'bridge' ? info.nested(LinkInfoAttribute.portData) : undefined;
  return {
    index: payload.readInt32LE(4),
    name: attributes.string(LinkAttribute.name) ?? '',
    kind: info?.string(LinkInfoAttribute.kind),
    up: (flags & LinkFlag.up) !== 0,
    running: (flags & LinkFlag.running) !== 0,
    mtu: attributes.u32(LinkAttribute.mtu) ?? 0,
    address: address && address.length > 0 ? formatMac(address) : undefined,
    master: attributes.u32(LinkAttribute.master),
    link: attributes.u32(LinkAttribute.link),
    linkNetnsId: attributes.i32(LinkAttribute.linkNetnsId),
    bridgePort: port && {
      hairpin: port.u8(BridgePortAttribute.hairpin) === 1,
      isolated: port.u8(BridgePortAttribute.isolated) === 1,
    },
  };
}

/** Length of struct ifinfomsg. */
const linkHeaderLength = 16;

function appendLinkHeader(writer: AttributeWriter, index: number, changeMask = 0, flags = 0): void {
  writer.appendU8(Family.any);
  writer.appendZeros(3);
  writer.appendU32(index);
  writer.appendU32(flags);
  writer.appendU32(changeMask);
}

const indexOf = (link: LinkReference): number => ('index' in link ? link.index : 0);

type LinkProperties = Pick<LinkChange, 'name' | 'mtu' | 'address' | 'netns'>;

function putLinkProperties(writer: AttributeWriter, { name, mtu, address, netns }: LinkProperties): void {
  if (name !== undefined) writer.putString(LinkAttribute.name, name);
  if (mtu !== undefined) writer.putU32(LinkAttribute.mtu, mtu);
  if (address !== undefined) writer.putBytes(LinkAttribute.address, parseMac(address));
  if (netns === undefined) return;
  if ('fd' in netns) writer.putU32(LinkAttribute.netnsFd, netns.fd);
  else writer.putU32(LinkAttribute.netnsPid, netns.pid);
}

/** The peer is a whole link message of its own: struct ifinfomsg, then attributes. */
function putVethPeer(writer: AttributeWriter, peer: NonNullable<NewLink['peer']>): void {
  writer.nested(VethAttribute.peer, () => {
    appendLinkHeader(writer, 0);
    putLinkProperties(writer, peer);
  });
}

function putBridgePort(writer: AttributeWriter, { hairpin, isolated }: Partial<BridgePort>): void {
  writer.putString(LinkInfoAttribute.portKind, 'bridge');
  writer.nested(LinkInfoAttribute.portData, () => {
    if (hairpin !== undefined) writer.putU8(BridgePortAttribute.hairpin, hairpin ? 1 : 0);
    if (isolated !== undefined) writer.putU8(BridgePortAttribute.isolated, isolated ? 1 : 0);
  });
}

const formatMac = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

const parseMac = (text: string): Uint8Array => Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
